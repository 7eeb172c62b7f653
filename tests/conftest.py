"""A busy machine is slow at times: no test has a deadline of milliseconds, and idle threads sleep as in the command."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if hasattr(os, "sched_setaffinity"):
    # One core for each process of tests, so that learners work alone unless a test asks for shares.
    cores = sorted(os.sched_getaffinity(0), reverse=True)
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.sched_setaffinity(0, {cores[worker % len(cores)]})

from hypothesis import settings

settings.register_profile("lockstep", deadline=None)
settings.load_profile("lockstep")
