"""`lockstep reproduce`: the estimate, the trainings, the report."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from lockstep.analysis.groups import group_runs
from lockstep.analysis.report.build import build_report, write_report
from lockstep.analysis.report.document import Section
from lockstep.analysis.report.results import GroupResult, group_result
from lockstep.compute.machine import cores
from lockstep.errors import UserError
from lockstep.formats import clock
from lockstep.reproduce.baselines import baselines
from lockstep.reproduce.display import estimate_text
from lockstep.reproduce.plan import WEEK1, Reproduction
from lockstep.reproduce.story import story, week1_section, week2_title
from lockstep.runs.reader import RunReader
from lockstep.sweeps.command import tell_failures
from lockstep.sweeps.display import SweepDisplay
from lockstep.sweeps.estimate import estimates
from lockstep.sweeps.folder import Cell, SweepFolder
from lockstep.sweeps.local import LocalEngine, jobs_of, run_sweep

WEEK1_TITLE = "Three particles, three landmarks: QMIX, VDN and IQL on simple_spread"


def check_jobs(parallel: int) -> None:
    """Raise UserError for a number of jobs that this machine cannot serve."""
    most = cores()
    if not 1 <= parallel <= most:
        raise UserError(f"--jobs {parallel} must be from 1 to {most}, the processors that this process may use.")


def reproduce(plan: Reproduction, out: Path, parallel: int, console: Console, *, estimate_only: bool) -> int | None:
    """Do what is left of the plan and write the report. Returns the signal that interrupted it.

    Raises UserError where nothing could be trained at all.
    """
    jobs = jobs_of(plan.sweep(out))
    done = sum(job.done for job in jobs)
    if done < len(jobs) or estimate_only:
        threads, configurations = cores() // parallel, plan.configurations()
        console.print(f"Timing a few rounds of {len(configurations)} configurations.", style="dim")
        found = dict(zip(configurations, estimates(list(configurations.values()), threads), strict=True))
        console.print(estimate_text(plan, found, parallel))
        for job in jobs:
            one = found[job.cell.name]
            job.seconds, job.pace, job.bytes = one.seconds, one.pace, one.bytes
        if any(job.share for job in jobs):
            left = clock(sum(job.seconds_left for job in jobs) / parallel)
            console.print(f"{done} of {len(jobs)} runs are done already; about {left} are left.")
        if estimate_only:
            return None
        with SweepDisplay(console, str(out), jobs, parallel) as display:
            interrupted_by = run_sweep(SweepFolder.open(out), jobs, LocalEngine(parallel, threads), display.show)
        tell_failures(jobs, console)
        if interrupted_by is not None:
            return interrupted_by
    for path in report(plan, [job.cell for job in jobs], out):
        console.print(Text(f"wrote {path}"))
    return None


def report(plan: Reproduction, cells: Sequence[Cell], out: Path) -> list[Path]:
    """Write report.html, report.md and the plots of every run that exists. Raises UserError where none does."""
    begun = [cell for cell in _by_configuration(cells) if cell.run.config.is_file()]
    if not begun:
        raise UserError(f"No run in {out} was begun; {out / 'logs'} says why.")
    from lockstep.doctor import findings
    from lockstep.teams.play import play_best

    week1 = [RunReader.open(cell.run.path) for cell in begun if cell.name in WEEK1]
    week2 = [RunReader.open(cell.run.path) for cell in begun if cell.name not in WEEK1]

    def sections(results: Sequence[GroupResult]) -> list[Section]:
        found = []
        if week2:
            found += story(plan, results, baselines(week2[0].directory, out / "baselines-week2.json"))
        if week1:
            spread = [group_result(group) for group in group_runs(week1)]
            found.append(week1_section(plan, spread, baselines(week1[0].directory, out / "baselines-week1.json")))
        return found

    document = build_report(
        week2 or week1,
        week2_title([group_result(group) for group in group_runs(week2)]) if week2 else WEEK1_TITLE,
        sections,
        examine=findings,
        replay=lambda record: play_best(record.directory),
    )
    return write_report(document, out / "report.html")


def _by_configuration(cells: Sequence[Cell]) -> list[Cell]:
    """All seeds of the first configuration, then of the next."""
    names = list(dict.fromkeys(cell.name for cell in cells))
    return sorted(cells, key=lambda cell: (names.index(cell.name), cell.config.seed))
