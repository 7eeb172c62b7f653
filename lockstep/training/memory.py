"""How much memory this process holds."""

import os
import resource
import sys
from pathlib import Path

STATM = Path("/proc/self/statm")


def resident_mib() -> float:
    """Resident memory in MiB; where the system does not tell, the most it ever was."""
    if STATM.is_file():
        return round(int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)
