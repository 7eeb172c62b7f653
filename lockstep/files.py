"""Files that somebody else may have put there: plain ones of a bounded size are opened, and nothing else is waited for.

A pipe that nobody writes to, a device, a link to one, or a file of terabytes without content hangs or exhausts whoever
reads it. So every file of a run is opened here, whoever made it. A link as the last part of a path is not followed: in
a stranger's run it could lead to a private file, and from there into a report. The folder itself may be a link.
"""

import os
import stat
from io import BufferedReader, FileIO
from pathlib import Path

ROWS_BYTES = 256 * 2**20
"""The most that a file of rows may have. A run of a thousand million env steps writes a quarter of it."""
TEXT_BYTES = 4 * 2**20
"""The most that a configuration, a description or a manifest may have. Ours have kilobytes."""

_CAREFULLY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
"""Flags of opening; a system that lacks one lacks what it is for."""


class NotPlainError(OSError):
    """There is something, but no plain file of a size that is read here; says what."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.strerror = why


def open_regular(path: Path, most: int, *, follow: bool = False) -> BufferedReader:
    """Open a plain file of at most `most` bytes for reading; never waits. follow: a link is the user's own.

    Raises NotPlainError for anything else, and OSError for what is not there or may not be read.
    """
    return BufferedReader(_opened(path, os.O_RDONLY, "rb", most, follow=follow))


def read_regular(path: Path, most: int = TEXT_BYTES, *, follow: bool = False) -> bytes:
    """What is in a plain file of at most `most` bytes. Raises as `open_regular` does."""
    with open_regular(path, most, follow=follow) as file:
        return file.read(most)


def open_to_append(path: Path) -> FileIO:
    """Open a plain file, made where there is none, for writing at its end; never waits. Raises as `open_regular`."""
    return _opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, "ab")


def _opened(path: Path, flags: int, mode: str, most: int | None = None, *, follow: bool = False) -> FileIO:
    look = path.stat if follow else path.lstat
    try:
        _check(look(), most)  # before it is opened: devices do things when they are
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    descriptor = os.open(path, flags | _CAREFULLY | (0 if follow else _NO_LINKS), 0o666)
    try:
        _check(os.fstat(descriptor), most)  # it may be another by now
        return FileIO(descriptor, mode)
    except BaseException:
        os.close(descriptor)
        raise


def _check(status: os.stat_result, most: int | None) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise NotPlainError("it is a link, and links in a run are not followed")
    if not stat.S_ISREG(status.st_mode):
        raise NotPlainError("it is no plain file")
    if most is not None and status.st_size > most:
        raise NotPlainError(f"it has {status.st_size:,} bytes, and at most {most:,} are read")
