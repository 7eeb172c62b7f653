"""The example for users of other libraries runs."""

import importlib.util
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[3] / "examples" / "step_with_other_libraries.py"


def example() -> Any:
    spec = importlib.util.spec_from_file_location("step_with_other_libraries", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_gymnasium_loop_plays_episodes() -> None:
    assert example().gymnasium_loop(num_envs=64, steps=300) >= 0.0


def test_the_pettingzoo_loop_plays_one() -> None:
    assert set(example().pettingzoo_loop()) == {"robot_0", "robot_1"}
