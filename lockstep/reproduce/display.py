"""How far a reproduction is, and how long it still takes: a panel on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lockstep.reproduce.estimate import Estimate
from lockstep.reproduce.plan import Plan
from lockstep.reproduce.run import Progress, Work
from lockstep.training.progress import clock, compact

LINE_SECONDS = 300.0


def estimate_text(plan: Plan, estimates: Mapping[str, Estimate], parallel: int) -> Group:
    """What there is to do and how long it takes, before it begins."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("configuration")
    for name in ("seeds", "env steps", "updates", "one update", "one seed", "all"):
        table.add_column(name, justify="right")
    total = 0.0
    for name, config in plan.configurations().items():
        found = estimates[name]
        total += found.seconds * plan.seeds
        table.add_row(
            name,
            str(plan.seeds),
            f"{config.training.max_env_steps:,}",
            f"{found.updates:,}",
            f"{found.per_update * 1000:.0f} ms",
            clock(found.seconds),
            clock(found.seconds * plan.seeds),
        )
    order = f"{parallel} side by side" if parallel > 1 else "one after the other"
    return Group(table, Text(f"About {clock(total / parallel)} in all, {order}, as fast as this machine is now."))


class Display:
    """Shown after every poll; use it as a context."""

    def __init__(self, console: Console, weights: Mapping[str, float], parallel: int) -> None:
        """weights: the estimated seconds of one run of each configuration."""
        self._console, self._weights, self._parallel = console, weights, parallel
        self._live = Live(console=console, refresh_per_second=2) if console.is_terminal else None
        self._begun_at: float | None = None
        self._last_line = 0.0
        self._told: set[str] = set()

    def __enter__(self) -> "Display":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, progress: Progress) -> None:
        """Draw how it stands."""
        total, rest = self._weight(progress.works), self.left(progress.works)
        done = total - rest
        if self._begun_at is None:
            self._begun_at = done
        elapsed = time.monotonic() - progress.begun
        left = time_left(done - self._begun_at, rest, elapsed, self._parallel)
        if self._live is not None:
            self._live.update(self._panel(progress.works, done / total, elapsed, left))
        else:
            self._lines(progress.works, done / total, left)

    def left(self, works: Sequence[Work]) -> float:
        """Estimated seconds of what is left of all works, one after the other."""
        return sum(self._weights[work.job.name] * (1 - work.share) for work in works)

    def _panel(self, works: Sequence[Work], share: float, elapsed: float, left: float) -> Group:
        head = Table.grid(padding=(0, 1))
        head.add_row(
            ProgressBar(total=1.0, completed=share, width=36, complete_style="cyan"),
            f"{share:.0%}",
            Text(f"{clock(elapsed)}, about {clock(left)} left", style="dim"),
        )
        rows = Table.grid(padding=(0, 2))
        for work in works:
            rows.add_row(Text(work.job.run.path.name), *_state(work))
        return Group(head, rows)

    def _lines(self, works: Sequence[Work], share: float, left: float) -> None:
        for work in works:
            name = work.job.run.path.name
            if name not in self._told and (work.done or work.failed):
                self._told.add(name)
                self._console.print(f"{name}: {' '.join(str(part) for part in _state(work))}", markup=False)
        if time.monotonic() - self._last_line > LINE_SECONDS:
            self._last_line = time.monotonic()
            self._console.print(f"{share:.0%} done, about {clock(left)} left")

    def _weight(self, works: Sequence[Work]) -> float:
        return sum(self._weights[work.job.name] for work in works)


def time_left(done: float, left: float, elapsed: float, parallel: int) -> float:
    """Seconds: by what was done in this session, once a hundredth of what is left was; by the estimate before that.

    done, left: estimated seconds of work done in this session, and of what is left of it.
    """
    if done > 0.01 * left and done > 0:
        return left * elapsed / done
    return left / parallel


def _state(work: Work) -> tuple[Text, Text]:
    best = work.record.best
    returned = Text(f"best test return {best.test_return_mean:.2f}" if best else "", style="dim")
    if work.failed:
        return Text(f"failed: {work.failed}", style="red"), returned
    if work.done:
        return Text("done", style="green"), returned
    if work.process is None:
        return Text("waiting" if work.record.env_steps == 0 else "paused", style="dim"), returned
    return Text(f"{work.share:.0%} of {compact(work.job.config.training.max_env_steps)} steps"), returned
