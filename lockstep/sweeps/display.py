"""How a sweep stands: one table that is redrawn in place, printed once for `--status`; a line now and then in logs."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol

from rich.console import Console, ConsoleRenderable, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lockstep.analysis.groups import leaf
from lockstep.config.knobs import flat
from lockstep.formats import clock, compact, gib, sparkline
from lockstep.runs.cleaning import one_line
from lockstep.runs.headline import headline
from lockstep.sweeps.folder import Cell, Standing
from lockstep.sweeps.local import Job
from lockstep.training.time_left import UNSEEN, around

LINE_SECONDS = 300.0
MOST_SETTINGS = 4
"""Columns of what tells cells apart."""
WIDEST = 28
"""Characters of a setting's value."""
AROUND = 7
"""Lines of a terminal that the table leaves free."""
ORDER: tuple[Standing, ...] = ("running", "set aside", "unfinished", "finished", "waiting")
"""What is shown first, where not everything has room."""
STYLES: dict[Standing, str] = {
    "finished": "green",
    "running": "cyan",
    "unfinished": "default",
    "waiting": "dim",
    "set aside": "yellow",
}


class Body(Protocol):
    """What is told of jobs around the bar."""

    @property
    def word(self) -> str:
        """What all of them together are called."""

    def counts(self, jobs: Sequence[Job]) -> Text:
        """How many stand how, on a line."""

    def rows(self, jobs: Sequence[Job], most: int) -> Sequence[ConsoleRenderable]:
        """A table of so many rows at most."""

    def unplanned_seconds(self) -> float:
        """Estimated, of cells that are still to be planned."""


class CellBody:
    """A row for each cell."""

    word = "sweep"

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._settings = telling_settings(cells)

    def counts(self, jobs: Sequence[Job]) -> Text:
        return counts(jobs)

    def rows(self, jobs: Sequence[Job], most: int) -> Sequence[ConsoleRenderable]:
        return table(jobs, self._settings, most)

    def unplanned_seconds(self) -> float:
        return 0.0


class SweepDisplay:
    """Shown after every look at the jobs; use it as a context."""

    def __init__(
        self,
        console: Console,
        title: str,
        jobs: Sequence[Job],
        at_once: int,
        body: Body | None = None,
    ) -> None:
        """body: what is told; None: a row for each cell."""
        self._console, self._title, self._at_once = console, title, at_once
        self._body = CellBody([job.cell for job in jobs]) if body is None else body
        self._began = time.monotonic()
        self._live = Live(console=console, refresh_per_second=2) if console.is_terminal else None
        self._begun_at: float | None = None
        self._last_line = 0.0
        self._told: set[int] = set()

    def __enter__(self) -> "SweepDisplay":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, jobs: Sequence[Job]) -> None:
        """Draw how it stands."""
        left_of_cells = sum(job.seconds_left for job in jobs if job.history.standing != "set aside")
        rest = left_of_cells + self._body.unplanned_seconds()
        done = sum(job.seconds - job.seconds_left for job in jobs)
        if self._begun_at is None:
            self._begun_at = done
        elapsed = time.monotonic() - self._began
        left = time_left(done - self._begun_at, rest, elapsed, self._at_once)
        share = done / max(done + rest, 1e-9)
        if self._live is not None:
            times = f"{clock(elapsed)}, about {clock(left)} left"
            self._live.update(self.panel(jobs, share, times, self._console.height - AROUND))
        else:
            self._lines(jobs, share, left)

    def panel(self, jobs: Sequence[Job], share: float, times: str, most: int) -> Group:
        """The whole picture. times: behind the bar. most: rows of the table."""
        title = Text.assemble(
            ("lockstep ", "bold cyan"), (self._body.word, "bold"), (f"  {one_line(self._title)}", "dim")
        )
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=1.0, completed=share, width=36, complete_style="cyan"),
            f"{share:.0%}",
            self._body.counts(jobs),
            Text(times, style="dim"),
        )
        return Group(title, bar, Text(), *self._body.rows(jobs, most))

    def _lines(self, jobs: Sequence[Job], share: float, left: float) -> None:
        for job in jobs:
            if job.cell.number not in self._told and (job.done or job.failed):
                self._told.add(job.cell.number)
                said = f"done{_returned(job)}" if job.done else f"failed: {job.failed}"
                self._console.print(Text(f"{job.cell.number} {job.cell.run.path.name}: {said}"))
        if time.monotonic() - self._last_line > LINE_SECONDS:
            self._last_line = time.monotonic()
            self._console.print(f"{share:.0%} done, about {clock(left)} left")


def telling_settings(cells: Sequence[Cell]) -> list[str]:
    """Dotted paths of the settings by which cells are told apart, among those that have them; the seed last."""
    values = [flat(cell.config) for cell in cells]
    paths = list(dict.fromkeys(path for one in values for path in one if path != "seed"))
    telling = [path for path in paths if len({repr(one[path]) for one in values if path in one}) > 1]
    seeds = ["seed"] if len({cell.config.seed for cell in cells}) > 1 else []
    return [*telling[:MOST_SETTINGS], *seeds]


def counts(jobs: Sequence[Job]) -> Text:
    """`12 of 20 finished · 2 running · 6 waiting`."""
    number = Counter(_standing(job) for job in jobs)
    text = Text(f"{number['finished']} of {len(jobs)} finished", style="bold")
    for standing in ("running", "unfinished", "waiting", "set aside"):
        if number[standing]:
            text.append(f" · {number[standing]} {standing}", style=f"not bold {STYLES[standing]}")
    return text


def table(jobs: Sequence[Job], settings: Sequence[str], most: int) -> list[ConsoleRenderable]:
    """A row for each cell, those first that one wants to see, and a line about the rest."""
    shown = sorted(jobs, key=lambda job: (ORDER.index(_standing(job)), job.cell.number))[: max(most, 3)]
    rows = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    rows.add_column("#", justify="right", style="dim")
    for path in settings:
        rows.add_column(leaf(path) if path != "algorithm.name" else "algorithm", no_wrap=True)
    for name in ("state", "steps", "", "test return"):
        rows.add_column(name, no_wrap=True)
    for job in sorted(shown, key=lambda job: job.cell.number):
        values = flat(job.cell.config)
        told = [Text(_short(values.get(path))) for path in settings]
        rows.add_row(Text(str(job.cell.number)), *told, *_state(job), _curve(job))
    rest = Counter(_standing(job) for job in jobs) - Counter(_standing(job) for job in shown)
    said = ", ".join(f"{number} {standing}" for standing, number in rest.items())
    reasons = [
        Text(f"{job.cell.number}: {one_line(job.failed or job.history.reason)}", style="yellow")
        for job in shown
        if job.failed or job.history.standing == "set aside"
    ]
    return [rows, *([Text(f"and {said}", style="dim")] if said else []), *reasons]


def configuration_of(job: Job) -> str:
    """`smoke, qmix, rware-tiny-2ag-v2`: what a row of an estimate is about."""
    return f"{job.cell.name}, {job.cell.config.algorithm.name}, {job.cell.config.env.key}"


def estimate_text(
    title: str, jobs: Sequence[Job], at_once: int, row_of: Callable[[Job], str] = configuration_of
) -> Group:
    """What there is to do and how long it takes, before it begins. row_of: what is counted together."""
    left = [job for job in jobs if not job.done and job.history.standing != "set aside"]
    groups: dict[str, list[Job]] = {}
    for job in left:
        groups.setdefault(row_of(job), []).append(job)
    rows = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    rows.add_column("what is left of " + one_line(title))
    for name in ("runs", "env steps", "one run", "all", "memory"):
        rows.add_column(name, justify="right")
    for name, members in groups.items():
        longest = max(members, key=lambda job: job.seconds)
        rows.add_row(
            Text(one_line(name)),
            str(len(members)),
            compact(longest.cell.config.training.max_env_steps),
            clock(longest.seconds),
            clock(sum(job.seconds_left for job in members)),
            gib(longest.bytes),
        )
    total = sum(job.seconds_left for job in left)
    longest_left = max((job.seconds_left for job in left), default=0.0)
    order = f"{at_once} at a time" if at_once > 1 else "one after the other"
    span = around(max(total / at_once, longest_left), UNSEEN).text
    return Group(rows, Text(f"{span[0].upper()}{span[1:]} in all, {order}, as fast as this machine is now.\n"))


def time_left(done: float, left: float, elapsed: float, at_once: int) -> float:
    """Seconds: by what was done in this session, once a hundredth of what is left was; by the estimate before that.

    done, left: estimated seconds of work done in this session, and of what is left of it.
    """
    if done > 0.01 * left and done > 0:
        return left * elapsed / done
    return left / at_once


def _standing(job: Job) -> Standing:
    return "running" if job.worker is not None else job.history.standing


def _state(job: Job) -> tuple[ConsoleRenderable, Text, Text]:
    standing, config, steps = _standing(job), job.cell.config, job.record.env_steps
    total = config.training.max_env_steps
    if standing == "finished":
        solved = " solved" if job.record.standing == "solved" else ""
        return (
            Text(f"✔{solved}", style="green"),
            Text(compact(steps)),
            Text(clock(job.record.wall_seconds), style="dim"),
        )
    if standing == "running":
        bar = ProgressBar(total=total, completed=min(steps, total), width=12, complete_style="cyan")
        rate = job.record.metrics.last("env_steps_per_second")
        left = f"{clock((total - steps) / rate)} left" if rate else "beginning"
        return bar, Text(f"{compact(steps)} / {compact(total)}"), Text(left, style="dim")
    again = f", died {job.history.deaths} times" if job.history.deaths > 1 else ""
    return Text(f"{standing}{again}", style=STYLES[standing]), Text(compact(steps) if steps else ""), Text()


def _curve(job: Job) -> Text:
    returns = [value for value in job.record.evaluations["test_return_mean"].tolist() if value == value]
    if not returns:
        return Text()
    return Text.assemble((f"{max(returns):7.2f}  ", "bold"), (sparkline(returns, 16), "cyan"))


def _returned(job: Job) -> str:
    found = headline(job.record)
    return "" if found is None else f", {found.name} {found.score.mean:.2f}"


def _short(value: object) -> str:
    text = one_line(" ".join(str("–" if value is None else value).split()))
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
