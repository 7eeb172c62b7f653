"""A busy machine is slow at times: no test has a deadline of milliseconds, and idle threads sleep as in the command."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from hypothesis import settings

settings.register_profile("lockstep", deadline=None)
settings.load_profile("lockstep")
