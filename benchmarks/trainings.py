"""Trainings that a benchmark needs, all of them or none."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lockstep.compute.machine import cores
from lockstep.config.schema import RunConfig
from lockstep.runs.directory import RunDirectory
from lockstep.sweeps.display import SweepDisplay
from lockstep.sweeps.folder import Cell, SweepFolder
from lockstep.sweeps.local import LocalEngine, jobs_of, run_sweep


def finished(trainings: Sequence[tuple[str, RunConfig]], out: Path, at_once: int = 1) -> list[RunDirectory]:
    """The runs out/runs/NAME-sSEED, when the last one is done. trainings: name and configuration of each.

    Ends the benchmark where one failed or somebody interrupts them; the same command goes on there.
    """
    sweep = SweepFolder(out)
    cells = [
        Cell(number, name, config, RunDirectory(sweep.runs / f"{name}-s{config.seed}"))
        for number, (name, config) in enumerate(trainings, 1)
    ]
    sweep.write(cells, {"name": out.name})
    jobs = jobs_of(sweep)
    with SweepDisplay(Console(stderr=True), str(out), jobs, at_once) as display:
        engine = LocalEngine(at_once, max(1, cores() // at_once))
        interrupted_by = run_sweep(sweep, jobs, engine, display.show)
    if interrupted_by is not None:
        raise SystemExit(128 + interrupted_by)
    failed = [f"{job.cell.run.path}: {job.failed or job.history.reason}" for job in jobs if not job.done]
    if failed:
        raise SystemExit("\n".join(failed))
    return [cell.run for cell in cells]
