"""A lock file that says who works in a folder, on this host and on others, and that its holder lives.

On one host the system holds the lock for the process and drops it with it, so a dead one's is no obstacle, even where
its number has been given to another process since. Hosts that share a disk may not see each other's locks, and never
each other's processes. So a holder touches its file every HEARTBEAT_SECONDS. One that has not been touched for
TAKEOVER_SECONDS may be put aside by a process of another host, which then makes a file of its own. Whoever was frozen
meanwhile finds somebody else's file where its own was, and must stop before it writes anything: `is_held` tells.
"""

import json
import os
import platform
import secrets
import threading
import time
from contextlib import suppress
from io import FileIO
from pathlib import Path

from lockstep.compute.machine import is_alive
from lockstep.files import open_regular, open_to_append

HEARTBEAT_SECONDS = 15.0
TAKEOVER_SECONDS = 120.0
LOCK_BYTES = 4096


class Lease:
    """A lock file that this process holds until `release`, or until another host takes it over."""

    def __init__(self, path: Path, file: FileIO) -> None:
        """Use `taken`."""
        self.path = path
        self._file = file
        self._content = json.dumps({"pid": os.getpid(), "host": platform.node(), "key": secrets.token_hex(8)}).encode()
        file.truncate(0)
        file.write(self._content)
        self._over = threading.Event()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    @classmethod
    def taken(cls, path: Path) -> "Lease | None":
        """The lease of the file at `path`, made where there is none; None while another process holds it.

        Raises OSError where it cannot be written.
        """
        while True:
            file = open_to_append(path)
            try:
                mine = _locked(file, path)
                stranger = _foreign_host(path)
                if stranger is not None and _seconds_since_touched(path) >= TAKEOVER_SECONDS:
                    _put_aside(path, file)
                elif mine and stranger is None and _is_there(file, path):
                    return cls(path, file)
                elif not mine or stranger is not None:
                    file.close()
                    return None
            except BaseException:
                file.close()
                raise
            file.close()  # its holder removed it in this moment, or it was put aside: the next one is another file

    @property
    def is_held(self) -> bool:
        """Whether what lies there is still the file that this process made, with what it wrote into it."""
        return _is_there(self._file, self.path) and _content(self.path) == self._content

    def release(self) -> None:
        """Let others work there. A file that is somebody else's by now is left alone."""
        self._over.set()
        if self.is_held:
            with suppress(OSError):
                self.path.unlink()
        self._file.close()

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_SECONDS):
            with suppress(OSError, ValueError):  # a disk that is away for a moment; released in this very moment
                os.utime(self._file.fileno() if os.utime in os.supports_fd else self.path)


def living_holder(path: Path) -> str | None:
    """Who holds the lock file at `path`, in words; None: nobody who lives. A process does not stand in its own way."""
    known = _said(path)
    if known is None or _is_dead(path, *known):
        return None
    pid, host = known
    if host != platform.node():
        return f"Process {pid} on {host}"
    return None if pid == os.getpid() else f"Process {pid}"


def is_abandoned(path: Path) -> bool:
    """Whether no living process holds the lock file at `path`. False where nobody can tell."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    known = _said(path)
    return known is not None and _is_dead(path, *known)


def _is_dead(path: Path, pid: int, host: str) -> bool:
    """For those who only look, and may write nothing: by this host's clock, which the disk's lags a little."""
    if host == platform.node():
        return not is_alive(pid)
    try:
        return time.time() - path.lstat().st_mtime >= TAKEOVER_SECONDS
    except OSError:
        return True


def _said(path: Path) -> tuple[int, str] | None:
    """The process and the host that a lock file names; None where it names none."""
    try:
        lock = json.loads(_content(path))
        return int(lock["pid"]), str(lock["host"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _content(path: Path) -> bytes:
    try:
        with open_regular(path, LOCK_BYTES) as file:
            return file.read()
    except OSError:
        return b""


def _foreign_host(path: Path) -> str | None:
    known = _said(path)
    return None if known is None or known[1] == platform.node() else known[1]


def _seconds_since_touched(path: Path) -> float:
    """By the clock of the disk, which all of its hosts share: a file is made beside it, and their times compared."""
    clock = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with clock.open("xb"):
            now = clock.lstat().st_mtime
        return now - path.lstat().st_mtime
    except FileNotFoundError:  # it has just been released
        return 0.0
    finally:
        with suppress(OSError):
            clock.unlink()


def _put_aside(path: Path, dead: FileIO) -> None:
    """Take a dead holder's file away. Of several processes that do this at once none takes away what another made."""
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.rename(aside)
    except FileNotFoundError:  # another one was quicker
        return
    if not _is_there(dead, aside):
        with suppress(OSError):
            path.hardlink_to(aside)
    aside.unlink()


def _locked(file: FileIO, path: Path) -> bool:
    """Lock a file for this process; False while another one holds it.

    Where there are no such locks, on some network disks and on Windows, what the file says must do.
    """
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return living_holder(path) is None
    return True


def _is_there(file: FileIO, path: Path) -> bool:
    """Whether what lies at `path` is this very file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except (OSError, ValueError):
        return False
