"""No compiled function reads or writes beside its arrays, as far as playing, learning and replaying lead them."""

import os
import subprocess
import sys
from pathlib import Path

import lockstep


def test_every_compiled_function_stays_within_its_arrays() -> None:
    """Its machine code, which checks every index, is kept beside the other; made anew it takes most of a minute."""
    root = str(Path(lockstep.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": root, "NUMBA_BOUNDSCHECK": "1"}
    command = [sys.executable, "-m", "tests.compute.every_kernel"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=root, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("-checked")
