"""How a search stands: its trials, the best first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.table import Table
from rich.text import Text

from lockstep.analysis.groups import leaf
from lockstep.formats import counted
from lockstep.runs.cleaning import one_line
from lockstep.sweeps.local import Job
from lockstep.sweeps.search.planner import SearchPlanner
from lockstep.sweeps.search.request import SearchRequest
from lockstep.sweeps.search.trials import SearchTrial, TrialStanding, trials_of

WIDEST = 10_000
"""Columns in which any table has room."""
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
    rest = len(trials) - max(most, 3)
    return [TrialRows(shown, best, request), *([Text(f"and {rest} more", style="dim")] if rest > 0 else [])]


@dataclass(frozen=True)
class TrialRows:
    """Trials with a column for each setting, or, where a terminal is too narrow for that, with all of them in one."""

    trials: Sequence[SearchTrial]
    best: int | None
    """The number of the one that is shown as such."""
    request: SearchRequest

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = self._table(apart=True)
        fits = wide.__rich_measure__(console, options.update(width=WIDEST)).maximum <= options.max_width
        yield wide if fits else self._table(apart=False)

    def _table(self, *, apart: bool) -> Table:
        dimensions = self.request.space.dimensions
        rows = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        rows.add_column("trial", justify="right", style="dim")
        for dimension in dimensions if apart else ():
            rows.add_column(leaf(dimension.key), justify="right")
        rows.add_column(self.request.goal.title, justify="right")
        if self.request.seeds > 1:
            rows.add_column("seeds")
        rows.add_column("", no_wrap=True, min_width=len("complete"))
        if not apart:
            rows.add_column("chosen")
        for trial in self.trials:
            chosen = {leaf(one.key): _chosen(trial, one.key) for one in dimensions}
            values = [Text(value) for value in chosen.values()] if apart else []
            value = Text(self.request.goal.text(trial.value), style="bold green" if trial.number == self.best else "")
            seeds = [_seeds(trial, self.request)] if self.request.seeds > 1 else []
            told = [] if apart else [Text(" ".join(f"{name}={value}" for name, value in chosen.items()))]
            rows.add_row(Text(str(trial.number)), *values, value, *seeds, _state(trial), *told)
        return rows


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
