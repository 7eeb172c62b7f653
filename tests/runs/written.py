"""Run directories written by hand, with numbers that a test can follow."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lockstep.config.load import dump_toml, load_config
from lockstep.runs.directory import RunDirectory
from lockstep.runs.reader import RunReader


def written_run(
    path: Path,
    returns: Sequence[float] = (),
    *,
    preset: str = "smoke",
    words: Sequence[str] = (),
    seed: int = 1,
    status: str = "finished",
    every: int = 1_000,
    seconds: float = 60.0,
    judged: float | None = None,
    **info: Any,
) -> RunReader:
    """A run with an evaluation of 100 episodes every `every` env steps and `seconds` seconds, and one row of metrics
    beside each; `judged`: the best policy's mean over 1,000 episodes of the official package."""
    config = load_config(preset, [*words, f"seed={seed}"])
    run = RunDirectory.create(path, preset, seed, dump_toml(config))
    run.write_info({**run.read_info(), "status": status, "command": ["lockstep", "train", preset], **info})
    write_rows(run, returns, every=every, seconds=seconds, judged=judged)
    return RunReader.open(path)


def write_rows(
    run: RunDirectory,
    returns: Sequence[float],
    *,
    every: int = 1_000,
    seconds: float = 60.0,
    judged: float | None = None,
) -> None:
    """The rows of such a run."""
    for index, value in enumerate(returns, start=1):
        counters = {
            "env_steps": every * index,
            "episode": 10 * index,
            "updates": 20 * index,
            "wall_seconds": seconds * index,
        }
        evaluation = {"test_return_mean": value, "test_return_std": 0.5, "test_ep_length_mean": 40.0, "episodes": 100}
        _append(run.evaluations, {**counters, "engine": "lockstep", **evaluation})
        inside = {"loss": 0.1 / index, "grad_norm": 2.0, "target_mean": value / 4, "epsilon": 1 / index}
        inside["replay_rewarding_episodes"] = round(4_000 * value)
        _append(run.metrics, {**counters, "return_mean": value * 0.8, "return_std": 0.6, **inside})
    if judged is not None:
        row = {"env_steps": every * len(returns), "engine": "official", "checkpoint": "best", "seed": 7}
        run.add_judgement(
            {**row, "test_return_mean": judged, "test_return_std": 0.9, "episodes": 1000, "test_ep_length_mean": 40.0}
        )


def _append(path: Path, row: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
