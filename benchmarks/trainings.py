"""Trainings that a benchmark needs, all of them or none."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lockstep.runs.directory import RunDirectory
from lockstep.training.many import Training, train_all
from lockstep.training.many_display import Display


def finished(trainings: Sequence[Training], out: Path, at_once: int = 1) -> list[RunDirectory]:
    """The runs, when the last one is done. Ends the benchmark where one failed or somebody interrupts them; the same
    command goes on there."""
    with Display(Console(stderr=True), at_once) as display:
        interrupted_by = train_all(trainings, out, at_once, show=display.show)
    if interrupted_by is not None:
        raise SystemExit(128 + interrupted_by)
    failed = [f"{training.run.path}: {training.failed}" for training in trainings if training.failed]
    if failed:
        raise SystemExit("\n".join(failed))
    return [training.run for training in trainings]
