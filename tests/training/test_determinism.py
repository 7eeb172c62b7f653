"""The same seed is the same run, another is another; clocks do not matter; and `smoke` begins as it always did.

The golden trace is compared number by number where CPU type, torch, numba and NumPy are those that wrote it. Elsewhere
sums are rounded differently, and a team that chose one action differently goes another way from there: so what random
play found must be equal everywhere, the first twelve updates must agree to a thousandth, and the rest is not compared.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from lockstep.config.load import load_config
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.loggers import JsonlLogger, SilentLogger, TensorBoardLogger
from lockstep.training.kill_test import ending, first_difference
from lockstep.training.trainer import resume, train
from tests.training.checkpoints.test_checkpoint import StopAfter, run_of
from tests.training.golden import GOLDEN, machine, trace


def trained(path: Path, *more: SilentLogger, **changes: Any) -> RunDirectory:
    run = run_of(path, training={"max_env_steps": 400}, **changes)
    train(load_config(str(run.path)), run, [JsonlLogger(), *more])
    return run


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("name", ["iql", "vdn", "qmix"])
def test_the_same_seed_is_the_same_run_and_another_is_not(name: str, recurrent: bool, tmp_path: Path) -> None:
    network = {"recurrent": recurrent, "hidden_dim": 8, "mixing_embed_dim": 4, "hypernet_embed_dim": 4}
    changes = {"algorithm": {"name": name}, "network": network}
    first, again = (ending(trained(tmp_path / folder, **changes)) for folder in ("first", "again"))
    assert first_difference(first, again)[0] is None
    other = ending(trained(tmp_path / "other", seed=2, **changes))
    assert first["metrics.jsonl"][-1]["loss"] != other["metrics.jsonl"][-1]["loss"]


def test_smoke_begins_as_it_always_did() -> None:
    golden, found = json.loads(GOLDEN.read_text()), trace()
    if golden["machine"] == machine():
        assert first_difference(golden, found)[0] is None
        return
    assert found["rows"][0] == golden["rows"][0]
    for expected, row in zip(golden["rows"][1:3], found["rows"][1:3], strict=True):
        assert row == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_a_clock_that_jumps_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    still = trained(tmp_path / "still")
    jumps = iter(range(10**9))

    def jumping() -> float:
        number = next(jumps)
        return 1e9 + (86_400.0 if number % 2 else -86_400.0) * number

    with monkeypatch.context() as patched:
        patched.setattr(time, "time", jumping)
        jumped = run_of(tmp_path / "jumped", training={"max_env_steps": 400})
        config = load_config(str(jumped.path))
        train(config, jumped, [JsonlLogger(), TensorBoardLogger(), StopAfter(9)])
        resume(jumped, [JsonlLogger(), TensorBoardLogger()])
    assert next(jumps) > 0  # somebody did ask
    assert first_difference(ending(still), ending(jumped))[0] is None
    rows = read_rows(jumped.metrics)
    seconds = [row["wall_seconds"] for row in rows]
    assert seconds == sorted(seconds)
    assert 0.0 <= seconds[-1] < 600.0
    assert all(row["env_steps_per_second"] > 0 for row in rows)
