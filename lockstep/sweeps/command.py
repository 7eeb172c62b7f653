"""What `lockstep sweep` does on this machine: the estimate, the table, the work."""

import math
from collections.abc import Callable, Container, Sequence

from rich.console import Console
from rich.text import Text

from lockstep.compute.machine import cores
from lockstep.runs.cleaning import one_line
from lockstep.sweeps.display import SweepDisplay, configuration_of, estimate_text
from lockstep.sweeps.estimate import estimates
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import (
    Engine,
    Job,
    LocalEngine,
    Order,
    cards_of_this_machine,
    dearest_first,
    jobs_of,
    new_job,
    run_sweep,
)
from lockstep.sweeps.neighbors import take_over, trained_beside


def estimated_jobs(
    sweep: SweepFolder, threads: int, console: Console, wanted: Container[int] | None = None
) -> list[Job]:
    """Every cell as it stands, each with what it will take, where anything is left to do. wanted: numbers of the only
    cells; None: all.

    What was trained in another sweep is taken over before that.
    """
    jobs = [_taken_over(sweep, job, console) for job in jobs_of(sweep) if wanted is None or job.cell.number in wanted]
    if any(job.is_open for job in jobs):
        with console.status("timing a few rounds"):
            found = estimates([job.cell.config for job in jobs], threads)
        for job, one in zip(jobs, found, strict=True):
            job.seconds, job.pace, job.bytes = one.seconds, one.pace, one.bytes
    return jobs


def _taken_over(sweep: SweepFolder, job: Job, console: Console) -> Job:
    """The job; of the same cell in another sweep, where that is finished."""
    there = trained_beside(sweep, job.cell) if job.history.standing == "waiting" else None
    if there is None:
        return job
    with sweep.attempt(job.cell, f"a copy of {there.path}"):
        take_over(there, job.cell.run)
    console.print(
        Text(one_line(f"Cell {job.cell.number} was trained as {there.path} and is taken over.")), soft_wrap=True
    )
    return new_job(sweep, job.cell)


def work_here(
    sweep: SweepFolder,
    engine: Engine,
    threads: int,
    console: Console,
    *,
    estimate_only: bool = False,
    wanted: Container[int] | None = None,
    row_of: Callable[[Job], str] = configuration_of,
    order: Order = dearest_first,
    within: float = math.inf,
) -> tuple[list[Job], int | None]:
    """Do what is left of a sweep. Returns how its cells stand then, and the signal that interrupted it, if one did.

    threads: of each cell, where it leaves that open. wanted: as in `estimated_jobs`. row_of: as in `estimate_text`.
    order, within: as in `run_sweep`. Raises UserError as that does.
    """
    jobs = estimated_jobs(sweep, threads, console, wanted)
    if any(job.is_open for job in jobs):
        console.print(estimate_text(str(sweep.path), jobs, engine.at_once, row_of))
    if estimate_only:
        return jobs, None
    with SweepDisplay(console, str(sweep.path), jobs, engine.at_once) as display:
        return jobs, run_sweep(sweep, jobs, engine, display.show, order=order, within=within)


def tell_failures(jobs: Sequence[Job], console: Console) -> None:
    """Say which cells failed, and why."""
    for job in jobs:
        if job.failed:
            console.print(Text(f"{job.cell.run.path.name} failed: {job.failed}", style="red"))


def local_engine(
    at_once: int | None, threads: int, *, trust: bool = False, gpus: int = 0, per_gpu: int = 1
) -> LocalEngine:
    """The engine of this machine. at_once: None: as many as there are cores for, and cards, where they are spread over
    some. gpus: as many cards, each with `per_gpu` cells at a time. Raises UserError where there are fewer.
    """
    cards = cards_of_this_machine(gpus) if gpus else ()
    places = max(1, cores() // threads)
    if cards:
        places = min(places, len(cards) * per_gpu)
    return LocalEngine(at_once or places, threads, trust, cards=cards)
