"""How much memory this process holds, and how much there is."""

import os
import resource
import sys
from pathlib import Path

STATM, MEMINFO = Path("/proc/self/statm"), Path("/proc/meminfo")


def resident_mib() -> float:
    """Resident memory in MiB; where the system does not tell, the most it ever was."""
    if STATM.is_file():
        return round(int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


def available_bytes() -> float | None:
    """Memory that a new process could take; None where the system does not tell."""
    if not MEMINFO.is_file():
        return None
    for line in MEMINFO.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return float(line.split()[1]) * 1024
    return None
