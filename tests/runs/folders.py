"""Run folders for tests, made by hand: small, exact, without training."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lockstep.config.load import dump_toml, load_config
from lockstep.runs.directory import RunDirectory


def make_run(
    path: Path,
    metrics: Iterable[Mapping[str, Any]] = (),
    evaluations: Iterable[Mapping[str, Any]] = (),
    status: str = "finished",
    preset: str = "smoke",
    words: tuple[str, ...] = (),
) -> RunDirectory:
    """A run's folder with these rows, that says it has this status."""
    config = load_config(preset, words)
    run = RunDirectory.create(path, preset, config.seed, dump_toml(config))
    append(run.metrics, *metrics)
    append(run.evaluations, *evaluations)
    run.write_info({**run.read_info(), "status": status})
    return run


def append(path: Path, *rows: Mapping[str, Any]) -> None:
    """Write rows as a logger does."""
    with path.open("a") as file:
        file.writelines(json.dumps(dict(row)) + "\n" for row in rows)


def evaluation(env_steps: int, mean: float, std: float = 0.5, episodes: int = 100) -> dict[str, Any]:
    """A row of eval.jsonl."""
    return {
        "env_steps": env_steps,
        "wall_seconds": env_steps / 1000,
        "engine": "lockstep",
        "test_return_mean": mean,
        "test_return_std": std,
        "episodes": episodes,
    }
