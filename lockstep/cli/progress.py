"""How far a long verb is: a line that is redrawn in a terminal, elsewhere one now and then."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from lockstep.formats import counted, duration

FIRST_SECONDS = 1.0
"""Seconds of work from which it is told how long all of it takes, where that was not known before."""
EVERY_SECONDS = 30.0
"""Seconds between two lines where they are not redrawn."""
TRUSTED = 5
"""Pieces of work that have to be done before their own speed counts as much as what was known before."""


class Progress:
    """Says on stderr how long a verb will take, once it has begun, and, whenever it is called, how far it is.

    total: pieces of work, each a `unit`. each: seconds that one takes elsewhere; None: the first ones tell. quiet:
    nothing is said.
    """

    def __init__(self, total: int, unit: str, each: float | None = None, *, quiet: bool = False) -> None:
        self._total, self._all = total, counted(total, unit)
        self._known = each
        self._console = Console(stderr=True, quiet=quiet)
        self._status = self._console.status(f"0 of {self._all}")
        self._done = self._done_before = 0

    def __enter__(self) -> Self:
        self._began = self._told = time.monotonic()
        self._announced = False
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def __call__(self, doing: str, done: int) -> None:
        """Take note that so many pieces are done, and what is done now."""
        now = time.monotonic()
        if self._known is None and self._done == 0 < done:  # what came before the first piece was compiling
            self._began, self._done_before = now, done
        self._done = done
        left = self._seconds_left(now - self._began)
        if not self._announced and left is not None and (self._known is not None or now - self._began >= FIRST_SECONDS):
            self._announced = True
            self._say(f"{self._all}: about {duration(left)}.")
        text = f"{done:,} of {self._all}, now {doing}"
        text += "" if left is None else f"; about {duration(max(1.0, left))} left"
        self._status.update(Text(text))
        if not self._console.is_terminal and now >= self._told + EVERY_SECONDS:
            self._told = now
            self._say(text)

    def _seconds_left(self, seconds: float) -> float | None:
        """By what these pieces took so far, and by what was known of them."""
        done, trusted = self._done - self._done_before, 0 if self._known is None else TRUSTED
        if done + trusted == 0:
            return None
        return (self._total - self._done) * (seconds + trusted * (self._known or 0.0)) / (done + trusted)

    def _say(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)
