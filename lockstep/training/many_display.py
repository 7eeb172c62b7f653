"""How far many trainings are, and how long they still take: a panel on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lockstep.formats import clock, compact
from lockstep.training.many import Training

LINE_SECONDS = 300.0


class Display:
    """Shown after every look at the trainings; use it as a context."""

    def __init__(self, console: Console, at_once: int, weights: Mapping[str, float] | None = None) -> None:
        """weights: the estimated seconds of one run of each configuration; None: they are alike."""
        self._console, self._weights, self._at_once = console, weights, at_once
        self._began = time.monotonic()
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

    def show(self, trainings: Sequence[Training]) -> None:
        """Draw how it stands."""
        total, rest = sum(map(self._weight, trainings)), self.left(trainings)
        done = total - rest
        if self._begun_at is None:
            self._begun_at = done
        elapsed = time.monotonic() - self._began
        left = time_left(done - self._begun_at, rest, elapsed, self._at_once)
        if self._live is not None:
            self._live.update(self._panel(trainings, done / total, elapsed, left))
        else:
            self._lines(trainings, done / total, left)

    def left(self, trainings: Sequence[Training]) -> float:
        """Estimated seconds of what is left of all trainings, one after the other."""
        return sum(self._weight(training) * (1 - training.share) for training in trainings)

    def _panel(self, trainings: Sequence[Training], share: float, elapsed: float, left: float) -> Group:
        head = Table.grid(padding=(0, 1))
        head.add_row(
            ProgressBar(total=1.0, completed=share, width=36, complete_style="cyan"),
            f"{share:.0%}",
            Text(f"{clock(elapsed)}, about {clock(left)} left", style="dim"),
        )
        rows = Table.grid(padding=(0, 2))
        for training in trainings:
            rows.add_row(Text(training.run.path.name), *_state(training))
        return Group(head, rows)

    def _lines(self, trainings: Sequence[Training], share: float, left: float) -> None:
        for training in trainings:
            name = training.run.path.name
            if name not in self._told and (training.done or training.failed):
                self._told.add(name)
                self._console.print(Text(f"{name}: {' '.join(str(part) for part in _state(training))}"))
        if time.monotonic() - self._last_line > LINE_SECONDS:
            self._last_line = time.monotonic()
            self._console.print(f"{share:.0%} done, about {clock(left)} left")

    def _weight(self, training: Training) -> float:
        return 1.0 if self._weights is None else self._weights[training.name]


def time_left(done: float, left: float, elapsed: float, at_once: int) -> float:
    """Seconds: by what was done in this session, once a hundredth of what is left was; by the estimate before that.

    done, left: estimated seconds of work done in this session, and of what is left of it.
    """
    if done > 0.01 * left and done > 0:
        return left * elapsed / done
    return left / at_once


def _state(training: Training) -> tuple[Text, Text]:
    best = training.record.best
    returned = Text(f"best test return {best.test_return_mean:.2f}" if best else "", style="dim")
    if training.failed:
        return Text(f"failed: {training.failed}", style="red"), returned
    if training.done:
        return Text("done", style="green"), returned
    if training.process is None:
        return Text("waiting" if training.record.env_steps == 0 else "paused", style="dim"), returned
    return Text(f"{training.share:.0%} of {compact(training.config.training.max_env_steps)} steps"), returned
