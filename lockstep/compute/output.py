"""Standard output that may go away: a pipe whose reader has left, a full device, a terminal that was closed.

What is printed is no reason to lose what is computed. From the first character that cannot be written on, a stream
writes into nothing, and whoever wants to know finds out why in `lost`.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class LastingStream:
    """A text stream that can always be written to; everything else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: Exception | None = None
        """Why nothing is written any more."""

    def write(self, text: str) -> int:
        """As a text file."""
        if self.lost is None:
            try:
                return self._stream.write(text)
            except (OSError, ValueError) as error:
                self._lose(error)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """As a text file."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """As a text file."""
        if self.lost is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._lose(error)

    def _lose(self, error: Exception) -> None:
        """What is still buffered goes nowhere, so that the interpreter's own last flush does not fail either."""
        self.lost = error
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self._stream.fileno())
            os.close(nothing)
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def lasting_output() -> Iterator[None]:
    """While it lasts, standard output and standard error are LastingStreams, where there are any."""
    before = sys.stdout, sys.stderr
    if sys.stdout is not None:
        sys.stdout = LastingStream(sys.stdout)
    if sys.stderr is not None:
        sys.stderr = LastingStream(sys.stderr)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        sys.stdout, sys.stderr = before
