"""What a whole training does per second, alone and beside another one: `lockstep bench train`."""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from lockstep.bench.timing import machine
from lockstep.compute.machine import cores
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, read_rows

ROUNDS_BEFORE = 2
"""Logged rows left out at the start of each run: compiling, first pages, helpers still starting."""


@dataclass(frozen=True)
class TrainRow:
    """Speeds of the training loop, collection, replay and logging included; medians over rows and runs."""

    preset: str
    runs_at_once: int
    updates_per_second: float
    """Of one run."""
    env_steps_per_second: float
    kept: float
    """Share of its lone speed that a run keeps."""


def bench_train(preset: str = "solve", collections: int = 60, rounds: int = 3, algorithm: str = "") -> dict[str, Any]:
    """Run `lockstep train` as a user would, without warm-up, one and then two at once, `rounds` times.

    collections: rounds of playing and learning per run    algorithm: which one; empty: the preset's own
    The result is ready for JSON.
    """
    words = [f"algorithm={algorithm}"] if algorithm else []
    alone: list[tuple[float, float]] = []
    beside: list[tuple[float, float]] = []
    for _ in range(rounds):
        alone += _speeds(preset, words, collections, 1)
        beside += _speeds(preset, words, collections, 2)
    lone = median(updates for updates, _ in alone)
    rows = [
        asdict(
            TrainRow(
                " ".join([preset, *words]),
                count,
                median(updates for updates, _ in speeds),
                median(steps for _, steps in speeds),
                median(updates for updates, _ in speeds) / lone,
            )
        )
        for count, speeds in ((1, alone), (2, beside))
    ]
    return {"machine": machine(), "rounds": rounds, "rows": rows}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "| preset | runs at once | updates/s of each | env steps/s of each | of its lone speed |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['preset']} | {row['runs_at_once']} | {row['updates_per_second']:.1f} | "
        f"{row['env_steps_per_second']:,.0f} | {row['kept']:.0%} |"
        for row in result["rows"]
    ]
    return "\n".join(lines)


def _speeds(preset: str, changes: list[str], collections: int, count: int) -> list[tuple[float, float]]:
    """(updates/s, env steps/s) of every logged row of `count` runs that go on at the same time."""
    from lockstep.config.load import load_config
    from lockstep.sweeps.folder import Cell, SweepFolder
    from lockstep.sweeps.local import LocalEngine, jobs_of, run_sweep

    config = load_config(preset, changes)
    per_collection = config.collection.num_envs * (config.env.time_limit or 500)
    words = [
        *changes,
        "collection.warmup_env_steps=0",
        f"training.max_env_steps={collections * per_collection}",
        "training.stop_at_test_return=none",
        f"logging.every_env_steps={10 * per_collection}",
        f"evaluation.every_env_steps={collections * per_collection}",
        f"checkpoint.every_env_steps={collections * per_collection}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        sweep, timed = SweepFolder(Path(folder)), load_config(preset, words)
        runs = [RunDirectory(sweep.runs / f"run-{index}") for index in range(count)]
        seeded = [timed.model_copy(update={"seed": index}) for index in range(count)]
        cells = zip(seeded, runs, strict=True)
        sweep.write([Cell(number, preset, *cell) for number, cell in enumerate(cells, 1)], {"name": preset})
        jobs = jobs_of(sweep)
        if run_sweep(sweep, jobs, LocalEngine(count, cores())) is not None:
            raise KeyboardInterrupt
        for job in jobs:
            if not job.done:
                said = (job.failed or job.history.reason).rstrip(".")
                raise UserError(f"A training of the benchmark failed: {said}. Train {preset} by itself first.")
        rows = [row for run in runs for row in read_rows(run.metrics)[ROUNDS_BEFORE:]]
    return [(row["updates_per_second"], row["env_steps_per_second"]) for row in rows]
