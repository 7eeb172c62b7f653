"""What `lockstep sweep` does on this machine: the estimate, the table, the work."""

from rich.console import Console

from lockstep.compute.machine import cores
from lockstep.sweeps.display import SweepDisplay, estimate_text
from lockstep.sweeps.estimate import estimates
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import Engine, Job, LocalEngine, jobs_of, run_sweep


def estimated_jobs(sweep: SweepFolder, threads: int, console: Console) -> list[Job]:
    """Every cell as it stands, each with what it will take, where anything is left to do."""
    jobs = jobs_of(sweep)
    if any(job.is_open for job in jobs):
        with console.status("timing a few rounds"):
            found = estimates([job.cell.config for job in jobs], threads)
        for job, one in zip(jobs, found, strict=True):
            job.seconds, job.pace, job.bytes = one.seconds, one.pace, one.bytes
    return jobs


def work_here(
    sweep: SweepFolder, engine: Engine, threads: int, console: Console, *, estimate_only: bool = False
) -> tuple[list[Job], int | None]:
    """Do what is left of a sweep. Returns how its cells stand then, and the signal that interrupted it, if one did.

    threads: of each cell, where it leaves that open. Raises UserError as `run_sweep` does.
    """
    jobs = estimated_jobs(sweep, threads, console)
    if any(job.is_open for job in jobs):
        console.print(estimate_text(str(sweep.path), jobs, engine.at_once))
    if estimate_only:
        return jobs, None
    with SweepDisplay(console, str(sweep.path), jobs, engine.at_once) as display:
        return jobs, run_sweep(sweep, jobs, engine, display.show)


def local_engine(at_once: int | None, threads: int, *, trust: bool = False) -> LocalEngine:
    """The engine of this machine. at_once: None: as many as there are cores for."""
    return LocalEngine(at_once or max(1, cores() // threads), threads, trust)
