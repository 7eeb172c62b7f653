"""How much memory this process holds, and how much there is."""

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def resident_mib() -> float:
    """Resident memory in MiB; where the system does not tell, the most it ever was."""
    statm = PROC / "self/statm"
    if statm.is_file():
        return round(int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


def available_bytes() -> float | None:
    """Memory that a new process could take, in the machine and in its control groups (containers); None where the
    system does not tell."""
    known = [value for value in (_free_in_machine(), *_free_in_groups()) if value is not None]
    return max(min(known), 0.0) if known else None


def _free_in_machine() -> float | None:
    try:
        lines = (PROC / "meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _free_in_groups() -> Iterator[float]:
    """Of every control group that this process is in, version 1 or 2, and of those around it."""
    try:
        memberships = (PROC / "self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in memberships:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root, limit, usage = (
            (CGROUPS / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
            if controllers
            else (CGROUPS, "memory.max", "memory.current")
        )
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            if not folder.is_relative_to(root):
                break
            try:
                most, used = float((folder / limit).read_text()), float((folder / usage).read_text())
                stat = dict(row.split(maxsplit=1) for row in (folder / "memory.stat").read_text().splitlines())
            except (OSError, ValueError):  # "max", or a container that shows only its own group
                continue
            # Files read long ago count as used, but give way when a process wants memory.
            yield most - used + float(stat.get("total_inactive_file", stat.get("inactive_file", 0)))
