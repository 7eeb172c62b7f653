"""How much memory this process holds, and how much there is."""

import ctypes
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
_SYNCHRONIZE, _ACCESS_DENIED, _STILL_RUNNING = 0x00100000, 5, 0x102
"""Of the Windows API."""


def cores() -> int:
    """Processors that this process may keep busy: those it is bound to, or what its containers' quotas come to.

    A quota of one and a half counts as one: a helper that waits for its time helps nobody.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([bound, *_quotas()])))


def is_alive(pid: int) -> bool:
    """Whether a process of this machine lives."""
    if sys.platform == "win32":  # where `os.kill(pid, 0)` is no question, but Ctrl-C
        kernel = ctypes.windll.kernel32
        process = kernel.OpenProcess(_SYNCHRONIZE, False, pid)
        if not process:
            return bool(kernel.GetLastError() == _ACCESS_DENIED)
        lives = kernel.WaitForSingleObject(process, 0) == _STILL_RUNNING
        kernel.CloseHandle(process)
        return bool(lives)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # there is none, or there cannot be one
        return False
    except PermissionError:
        pass
    return not _has_ended(pid)


def _has_ended(pid: int) -> bool:
    """Whether a process is over, and only its parent has not asked yet how it ended (Linux tells)."""
    try:
        state = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in ("Z", "X")


def resident_mib() -> float:
    """Resident memory in MiB; where the system does not tell, the most it ever was, or NaN."""
    statm = PROC / "self/statm"
    if statm.is_file():
        return round(int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    try:
        import resource
    except ImportError:  # Windows
        return math.nan
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


def available_bytes() -> float | None:
    """Memory that a new process could take, in the machine and in its control groups (containers); None where the
    system does not tell."""
    known = [value for value in (_free_in_machine(), *_free_in_groups()) if value is not None]
    return max(min(known), 0.0) if known else None


def can_reserve(size: int) -> bool:
    """Whether so many bytes can be set aside, none of which is used by trying."""
    try:
        np.empty(size, dtype=np.uint8)
    except (MemoryError, ValueError):
        return False
    return True


def _free_in_machine() -> float | None:
    try:
        lines = (PROC / "meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _free_in_groups() -> Iterator[float]:
    for group, version in _groups("memory"):
        limit, usage = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes") if version == 1 else ("memory.max", "memory.current")
        )
        try:
            most, used = float((group / limit).read_text()), float((group / usage).read_text())
            stat = dict(row.split(maxsplit=1) for row in (group / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # "max", or a container that shows only its own group
            continue
        # Files read long ago count as used, but give way when a process wants memory.
        yield most - used + float(stat.get("total_inactive_file", stat.get("inactive_file", 0)))


def _quotas() -> Iterator[float]:
    """Processors that a control group may keep busy on average."""
    for group, version in _groups("cpu"):
        try:
            if version == 1:
                quota = float((group / "cpu.cfs_quota_us").read_text())
                period = float((group / "cpu.cfs_period_us").read_text())
            else:
                quota, period = map(float, (group / "cpu.max").read_text().split())
        except (OSError, ValueError):  # "max", or a container that shows only its own group
            continue
        if quota > 0 and period > 0:
            yield quota / period


def _groups(controller: str) -> Iterator[tuple[Path, int]]:
    """Every control group that this process is in, and those around it, each with the version of its files."""
    try:
        memberships = (PROC / "self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in memberships:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = CGROUPS / controller if controllers else CGROUPS
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            if not folder.is_relative_to(root):
                break
            yield folder, 1 if controllers else 2
