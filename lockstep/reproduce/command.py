"""`lockstep reproduce`: the estimate, the trainings, the report."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lockstep.analysis.groups import group_runs
from lockstep.analysis.report.build import build_report, write_report
from lockstep.analysis.report.document import Section
from lockstep.analysis.report.results import GroupResult, group_result
from lockstep.compute.machine import cores
from lockstep.errors import UserError
from lockstep.reproduce.baselines import baselines
from lockstep.reproduce.display import Display, estimate_text
from lockstep.reproduce.estimate import estimates
from lockstep.reproduce.plan import WEEK1, Job, Plan
from lockstep.reproduce.run import run_all, standing
from lockstep.reproduce.story import story, week1_section
from lockstep.runs.reader import RunReader
from lockstep.training.progress import clock

TITLES = {
    "week1": "Three particles, three landmarks: QMIX, VDN and IQL on simple_spread",
    "week2": "QMIX in the warehouse: the published experiment, reproduced, explained and surpassed",
    "both": "QMIX in the warehouse: the published experiment, reproduced, explained and surpassed",
}


def check_jobs(parallel: int) -> None:
    """Raise UserError for a number of jobs that this machine cannot serve."""
    most = cores()
    if not 1 <= parallel <= most:
        raise UserError(f"--jobs {parallel} must be from 1 to {most}, the processors that this process may use.")


def reproduce(plan: Plan, out: Path, parallel: int, console: Console, *, estimate_only: bool) -> int | None:
    """Do what is left of the plan and write the report. Returns the signal that interrupted it.

    Raises UserError where nothing could be trained at all.
    """
    jobs = plan.jobs(out)
    works = standing(jobs)
    done = sum(work.done for work in works)
    if done < len(works) or estimate_only:
        threads = cores() // parallel
        console.print(f"Timing a few rounds of {len(plan.configurations())} configurations.", style="dim")
        found = estimates(plan.configurations(), threads)
        console.print(estimate_text(plan, found, parallel))
        weights = {name: max(estimate.seconds, 1e-3) for name, estimate in found.items()}
        display = Display(console, weights, parallel)
        if any(work.share for work in works):
            left = clock(display.left(works) / parallel)
            console.print(f"{done} of {len(works)} runs are done already; about {left} are left.")
        if estimate_only:
            return None
        with display:
            progress, interrupted_by = run_all(works, out, parallel, threads, display.show)
        for work in progress.works:
            if work.failed:
                console.print(f"{work.job.run.path.name} failed: {work.failed}", style="red", highlight=False)
        if interrupted_by is not None:
            return interrupted_by
    for path in report(plan, jobs, out):
        console.print(f"wrote {path}", highlight=False)
    return None


def report(plan: Plan, jobs: Sequence[Job], out: Path) -> list[Path]:
    """Write report.html, report.md and the plots of every run that exists. Raises UserError where none does."""
    begun = [job for job in _by_configuration(jobs) if job.run.config.is_file()]
    if not begun:
        raise UserError(f"No run in {out} was begun; {out / 'logs'} says why.")
    from lockstep.doctor import findings
    from lockstep.teams.play import play_best

    week1 = [RunReader.open(job.run.path) for job in begun if job.name in WEEK1]
    week2 = [RunReader.open(job.run.path) for job in begun if job.name not in WEEK1]

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
        TITLES[plan.experiment],
        sections,
        examine=findings,
        replay=lambda record: play_best(record.directory),
    )
    return write_report(document, out / "report.html")


def _by_configuration(jobs: Sequence[Job]) -> list[Job]:
    """All seeds of the first configuration, then of the next."""
    names = list(dict.fromkeys(job.name for job in jobs))
    return sorted(jobs, key=lambda job: (names.index(job.name), job.seed))
