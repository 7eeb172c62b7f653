"""`lockstep reproduce benchmark`: the estimate, the trainings as far as time allows, the report."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from lockstep.compute.machine import cores
from lockstep.formats import clock
from lockstep.reproduce.benchmark.plan import Benchmark, wanted_cells
from lockstep.reproduce.benchmark.story import write_story
from lockstep.sweeps.command import tell_failures, work_here
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import Job, LocalEngine, seed_by_seed


def train(
    benchmark: Benchmark, sweep: SweepFolder, at_once: int, within: float, console: Console, *, estimate_only: bool
) -> int | None:
    """Do what is left, seed by seed, for so many seconds. Returns the signal that interrupted it, if one did.

    Raises UserError as `run_sweep` does.
    """
    wanted = {cell.number for cell in wanted_cells(benchmark, sweep)}
    threads = max(1, cores() // at_once)
    jobs, interrupted_by = work_here(
        sweep,
        LocalEngine(at_once, threads),
        threads,
        console,
        estimate_only=estimate_only,
        wanted=wanted,
        row_of=_task_of,
        order=seed_by_seed,
        within=within,
    )
    left = [job for job in jobs if not job.done]
    if left and interrupted_by is None and not estimate_only:
        rest = clock(sum(job.seconds_left for job in left) / at_once)
        console.print(f"{len(jobs) - len(left)} of {len(jobs)} runs are done; about {rest} are left.")
    tell_failures(jobs, console)
    return interrupted_by


def report(benchmark: Benchmark, sweep: SweepFolder, out: Path, console: Console) -> None:
    """Write what has come of it so far. Raises UserError where no run has written a number yet."""
    for path in write_story(benchmark, sweep, out):
        console.print(Text(f"wrote {path}"))


def _task_of(job: Job) -> str:
    """`rware-tiny-2ag`, of a cell named `rware-tiny-2ag qmix`."""
    return job.cell.name.partition(" ")[0]
