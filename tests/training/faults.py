"""Faults that are caused for real: a small disk, a process that is told to stop, files that a stranger made."""

import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

TINY = [
    "env.key=probe-coin",
    "env.arguments={}",
    "env.time_limit=None",
    "num_envs=8",
    "warmup_env_steps=0",
    "replay.segment_steps=0",
    "batch_size=16",
    "hidden_dim=8",
    "test_interval=80",
    "test_nepisode=10",
    "save_model_interval=80",
    "logging.every_env_steps=8",
    "updates_per_collection=1",
    "num_threads=1",
]


NOT_PLAIN = ("pipe", "socket", "device", "link to a device", "link to a pipe", "loop", "link out", "folder", "8 GB")
"""What may lie where a file is expected, and must be neither waited for nor read to its end."""


def put(kind: str, path: Path, elsewhere: Path) -> None:
    """Let `path` be one of NOT_PLAIN. elsewhere: an existing folder for what links lead to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with suppress(OSError), socket.socket(socket.AF_UNIX) as made:
                made.bind(str(path))  # a name that is too long leaves nothing
        case "device":
            try:
                os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero
            except OSError:  # only root may
                path.symlink_to("/dev/zero")
        case "link to a device":
            path.symlink_to("/dev/zero")
        case "link to a pipe":
            if not (elsewhere / "pipe").exists():
                os.mkfifo(elsewhere / "pipe")
            path.symlink_to(elsewhere / "pipe")
        case "loop":
            path.symlink_to(path)
        case "link out":
            (elsewhere / "private.txt").write_text("private")
            path.symlink_to(elsewhere / "private.txt")
        case "folder":
            path.mkdir()
        case "8 GB":
            with path.open("wb") as file:
                file.truncate(8 * 2**30)


@contextmanager
def small_disk(path: Path, size: str = "1m") -> Iterator[Path]:
    """A file system of its own at `path`. Skips where this process may not mount one."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def fill(disk: Path, leave: int = 0) -> Path:
    """A file that takes all that is left of a disk but `leave` bytes."""
    stone = disk / "stone"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    stone.write_bytes(b"x" * max(free - leave, 0))
    return stone


@contextmanager
def training(words: Sequence[str], run: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """`lockstep train` in a process of its own, killed in the end where it still lives."""
    command = [sys.executable, "-m", "lockstep", "train", "smoke", *words, "--no-doctor", "--out", str(run), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(happened: object, seconds: float = 120.0) -> None:
    """Until `happened()` is true. Fails when it never is."""
    assert callable(happened)
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.01)


def stop(process: "subprocess.Popen[str]", number: signal.Signals) -> tuple[int, float, str, str]:
    """Send a signal. Returns the exit code, the seconds of a processor that it took, and what was said.

    Processor time, since a test may share its processor with many others.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    used = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return process.returncode, total - used, out, err


@contextmanager
def memory_group(limit: int) -> Iterator[Callable[[str], str]]:
    """A control group that may use `limit` bytes; runs Python code in it. Skips where none can be made."""
    v1, v2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    root, name = (v1, "memory.limit_in_bytes") if (v1 / "cgroup.procs").exists() else (v2, "memory.max")
    group = root / f"lockstep-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error.strerror}")
    try:
        try:
            (group / name).write_text(str(limit))
        except OSError as error:
            pytest.skip(f"no control group can be limited here: {error.strerror}")

        def inside(code: str) -> str:
            move = f"import pathlib, os; pathlib.Path({str(group / 'cgroup.procs')!r}).write_text(str(os.getpid()))"
            done = subprocess.run([sys.executable, "-c", f"{move}\n{code}"], capture_output=True, text=True, check=True)
            return done.stdout

        yield inside
    finally:
        group.rmdir()
