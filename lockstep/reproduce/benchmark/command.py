"""`lockstep reproduce benchmark`: the estimate, the trainings as far as time allows, the report."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from lockstep.compute.machine import cores
from lockstep.formats import clock
from lockstep.reproduce.benchmark.plan import Benchmark, wanted_cells
from lockstep.reproduce.benchmark.story import write_story
from lockstep.sweeps.command import estimated_jobs
from lockstep.sweeps.display import SweepDisplay, estimate_text
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import Job, LocalEngine, run_sweep, seed_by_seed


def train(
    benchmark: Benchmark, sweep: SweepFolder, at_once: int, within: float, console: Console, *, estimate_only: bool
) -> int | None:
    """Do what is left, seed by seed, for so many seconds. Returns the signal that interrupted it, if one did.

    Raises UserError as `run_sweep` does.
    """
    wanted = {cell.number for cell in wanted_cells(benchmark, sweep)}
    threads = max(1, cores() // at_once)
    jobs = [job for job in estimated_jobs(sweep, threads, console) if job.cell.number in wanted]
    if any(job.is_open for job in jobs):
        console.print(estimate_text(str(sweep.path), jobs, at_once, _task_of))
    if estimate_only:
        return None
    with SweepDisplay(console, str(sweep.path), jobs, at_once) as display:
        interrupted_by = run_sweep(
            sweep, jobs, LocalEngine(at_once, threads), display.show, order=seed_by_seed, within=within
        )
    left = [job for job in jobs if not job.done]
    if left and interrupted_by is None:
        rest = clock(sum(job.seconds_left for job in left) / at_once)
        console.print(f"{len(jobs) - len(left)} of {len(jobs)} runs are done; about {rest} are left.")
    for job in jobs:
        if job.failed:
            console.print(Text(f"{job.cell.run.path.name} failed: {job.failed}", style="red"))
    return interrupted_by


def report(benchmark: Benchmark, sweep: SweepFolder, out: Path, console: Console) -> None:
    """Write what has come of it so far. Raises UserError where no run has written a number yet."""
    for path in write_story(benchmark, sweep, out):
        console.print(Text(f"wrote {path}"))


def _task_of(job: Job) -> str:
    """`rware-tiny-2ag`, of a cell named `rware-tiny-2ag qmix`."""
    return job.cell.name.partition(" ")[0]
