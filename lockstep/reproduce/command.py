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
from lockstep.reproduce.estimate import estimates
from lockstep.reproduce.plan import WEEK1, Reproduction
from lockstep.reproduce.story import story, week1_section
from lockstep.runs.reader import RunReader
from lockstep.training.many import Training, refreshed, train_all
from lockstep.training.many_display import Display

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


def reproduce(plan: Reproduction, out: Path, parallel: int, console: Console, *, estimate_only: bool) -> int | None:
    """Do what is left of the plan and write the report. Returns the signal that interrupted it.

    Raises UserError where nothing could be trained at all.
    """
    trainings = refreshed(plan.trainings(out))
    done = sum(training.done for training in trainings)
    if done < len(trainings) or estimate_only:
        threads = cores() // parallel
        console.print(f"Timing a few rounds of {len(plan.configurations())} configurations.", style="dim")
        found = estimates(plan.configurations(), threads)
        console.print(estimate_text(plan, found, parallel))
        weights = {name: max(estimate.seconds, 1e-3) for name, estimate in found.items()}
        display = Display(console, parallel, weights)
        if any(training.share for training in trainings):
            left = clock(display.left(trainings) / parallel)
            console.print(f"{done} of {len(trainings)} runs are done already; about {left} are left.")
        if estimate_only:
            return None
        with display:
            interrupted_by = train_all(trainings, out, parallel, threads, display.show)
        for training in trainings:
            if training.failed:
                console.print(Text(f"{training.run.path.name} failed: {training.failed}", style="red"))
        if interrupted_by is not None:
            return interrupted_by
    for path in report(plan, trainings, out):
        console.print(Text(f"wrote {path}"))
    return None


def report(plan: Reproduction, trainings: Sequence[Training], out: Path) -> list[Path]:
    """Write report.html, report.md and the plots of every run that exists. Raises UserError where none does."""
    begun = [training for training in _by_configuration(trainings) if training.run.config.is_file()]
    if not begun:
        raise UserError(f"No run in {out} was begun; {out / 'logs'} says why.")
    from lockstep.doctor import findings
    from lockstep.teams.play import play_best

    week1 = [RunReader.open(training.run.path) for training in begun if training.name in WEEK1]
    week2 = [RunReader.open(training.run.path) for training in begun if training.name not in WEEK1]

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


def _by_configuration(trainings: Sequence[Training]) -> list[Training]:
    """All seeds of the first configuration, then of the next."""
    names = list(dict.fromkeys(training.name for training in trainings))
    return sorted(trainings, key=lambda training: (names.index(training.name), training.seed))
