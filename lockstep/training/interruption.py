"""Ctrl-C and SIGTERM: the first asks the loop to save and stop, the second stops at once."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType, TracebackType
from typing import Any

from lockstep.errors import AbandonedError, UserError

__all__ = ["AbandonedError", "Interruption", "Leaving"]
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""The last two are those of a closed terminal and, on Windows, of Ctrl-Break: a system has one of them."""
_SIGNALS: tuple[signal.Signals, ...] = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
Leaving = Callable[[], AbstractContextManager[None]]


class Interruption:
    """`signal` is the first signal that came; the handlers before are back in place from then on.

    Only the main thread may install signal handlers; elsewhere nothing is installed and `signal` stays None. SIGHUP
    stays ignored where it is (nohup). SIGINT does not, though shells ignore it for what runs in the background: it can
    only have been sent on purpose there.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.cut_off: UserError | None = None
        """What ended the work inside the last `leaving`, which left no trace either."""
        self._before: dict[signal.Signals, Any] = {}
        self._leaving = False

    @property
    def requested(self) -> bool:
        return self.signal is not None

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Around work that may take long and can be cut off at any point. Raises AbandonedError when a signal comes."""
        if self.requested:
            raise AbandonedError
        self._leaving = True
        try:
            yield
        except UserError as error:
            self.cut_off = error
            raise
        finally:
            self._leaving = False

    def __enter__(self) -> "Interruption":
        try:
            for number in _SIGNALS:
                ignored = signal.getsignal(number) is signal.SIG_IGN
                if number.name != "SIGHUP" or not ignored:
                    before = signal.signal(number, self._request)
                    self._before[number] = signal.default_int_handler if ignored else before
        except ValueError:  # not the main thread
            self._before = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        self._restore()
        if self._leaving:
            self._leaving = False
            raise AbandonedError

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
