"""A busy machine is slow at times: no test has a deadline of milliseconds, and idle threads sleep as in the command."""

import os
from collections.abc import Iterator
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
from hypothesis import settings

settings.register_profile("lockstep", deadline=None)
settings.load_profile("lockstep")


def pytest_configure(config: pytest.Config) -> None:
    """One core for each process of tests, so that learners work alone unless a test asks for shares.

    The process that hands tests out to others keeps all of them: what it starts would have no more than it has.
    """
    hands_out = bool(config.getoption("numprocesses", default=None)) and "PYTEST_XDIST_WORKER" not in os.environ
    if hasattr(os, "sched_setaffinity") and not hands_out:
        cores = sorted(os.sched_getaffinity(0), reverse=True)
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        os.sched_setaffinity(0, {cores[worker % len(cores)]})


@pytest.fixture(scope="session", autouse=True)
def _no_announcements() -> None:
    """Whichever test is the first to compile, on a machine that has no machine code yet, prints what it always does."""
    from lockstep.compute.compiled import leave_announcements

    leave_announcements()


@pytest.fixture(scope="session", autouse=True)
def _state() -> Iterator[None]:
    """What the tests use is not remembered as the user's own choice."""
    with TemporaryDirectory() as folder:
        os.environ["LOCKSTEP_STATE_HOME"] = folder
        yield


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins like a new process: no file has named anything yet, and nothing is allowed."""
    from lockstep import trust

    monkeypatch.setattr(trust, "_told", {})
    monkeypatch.setattr(trust, "_allowed", set())
