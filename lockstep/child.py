"""How Lockstep starts itself in another process: the same code from the same place, whatever folder it is started in.

`python -m` alone looks into the working folder first, and that may be a stranger's: a `json.py` in a run folder would
be run instead of Python's own.
"""

import os
import sys
from pathlib import Path

_HOME = Path(__file__).parents[1]


def command(module: str, *words: str) -> list[str]:
    """The command that runs a module of ours with the Python that runs this one."""
    return [sys.executable, "-P", "-m", module, *words]


def environment() -> dict[str, str]:
    """This process's environment variables, and where it finds its modules, in the same order."""
    places = [*(path for path in sys.path if path), str(_HOME)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(places))}
