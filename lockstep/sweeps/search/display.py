"""How a search stands: its trials, the best first."""

from collections import Counter
from collections.abc import Sequence

from rich.console import ConsoleRenderable
from rich.table import Table
from rich.text import Text

from lockstep.analysis.groups import leaf
from lockstep.formats import counted
from lockstep.runs.cleaning import one_line
from lockstep.sweeps.local import Job
from lockstep.sweeps.search.planner import SearchPlanner
from lockstep.sweeps.search.request import SearchRequest
from lockstep.sweeps.search.trials import SearchTrial, TrialStanding, trials_of

STYLES: dict[TrialStanding, str] = {"complete": "green", "pruned": "dim", "failed": "yellow", "open": "cyan"}


def ranked(trials: Sequence[SearchTrial]) -> list[SearchTrial]:
    """The complete ones by what they are worth, then those at work, then what was not finished."""
    order: list[TrialStanding] = ["complete", "open", "pruned", "failed"]
    return sorted(trials, key=lambda one: (order.index(one.standing), -(one.value or 0.0), one.number))


def trial_counts(trials: Sequence[SearchTrial], total: int) -> Text:
    """`12 of 60 trials complete · 2 open · 6 pruned`."""
    number = Counter(trial.standing for trial in trials)
    text = Text(f"{number['complete']} of {counted(total, 'trial')} complete", style="bold")
    for standing in ("open", "pruned", "failed"):
        if number[standing]:
            text.append(f" · {number[standing]} {standing}", style=f"not bold {STYLES[standing]}")
    return text


def trial_table(trials: Sequence[SearchTrial], request: SearchRequest, most: int) -> list[ConsoleRenderable]:
    """A row for each trial, those first that one wants to see."""
    shown = ranked(trials)
    best = shown[0].number if shown and shown[0].standing == "complete" else None
    shown = shown[: max(most, 3)]
    rows = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    rows.add_column("trial", justify="right", style="dim", no_wrap=True, min_width=len("trial"))
    for dimension in request.space.dimensions:
        widest = max((len(_chosen(trial, dimension.key)) for trial in shown), default=1)
        # Where a terminal is narrow, names are folded, and numbers never.
        rows.add_column(leaf(dimension.key), justify="right", overflow="fold", min_width=widest)
    rows.add_column(request.goal.title, justify="right", overflow="fold", min_width=6)
    if request.seeds > 1:
        rows.add_column("seeds")
    rows.add_column("", no_wrap=True, min_width=len("complete"))
    for trial in shown:
        values = [Text(_chosen(trial, one.key)) for one in request.space.dimensions]
        value = Text(request.goal.text(trial.value), style="bold green" if trial.number == best else "")
        seeds = [_seeds(trial, request)] if request.seeds > 1 else []
        rows.add_row(Text(str(trial.number)), *values, value, *seeds, _state(trial))
    rest = len(trials) - max(most, 3)
    return [rows, *([Text(f"and {rest} more", style="dim")] if rest > 0 else [])]


class TrialBody:
    """What the display of a sweep tells of a search: a row for each trial."""

    word = "search"

    def __init__(self, request: SearchRequest, planner: SearchPlanner) -> None:
        self._request, self._planner = request, planner

    def counts(self, jobs: Sequence[Job]) -> Text:
        return trial_counts(trials_of(jobs, self._request.goal), self._request.trials)

    def rows(self, jobs: Sequence[Job], most: int) -> Sequence[ConsoleRenderable]:
        return trial_table(trials_of(jobs, self._request.goal), self._request, most)

    def unplanned_seconds(self) -> float:
        return self._planner.unplanned * self._request.seeds * self._planner.seconds


def _chosen(trial: SearchTrial, key: str) -> str:
    return one_line(str(trial.chosen.get(key, "–")))


def _seeds(trial: SearchTrial, request: SearchRequest) -> Text:
    """What every seed is worth, or how far it is."""
    told = [
        request.goal.text(value) if value is not None else f"{job.share:.0%}" if job.record.env_steps else "·"
        for job, value in zip(trial.jobs, trial.values, strict=True)
    ]
    return Text("  ".join(told), style="dim", no_wrap=True, overflow="ellipsis")


def _state(trial: SearchTrial) -> Text:
    running = any(job.worker is not None for job in trial.jobs)
    said = "running" if running else "✔" if trial.standing == "complete" else trial.standing
    return Text(said, style=STYLES[trial.standing])
