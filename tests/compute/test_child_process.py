"""A process that ends with its parent, however that ends, and takes along what it has started."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from socket import socketpair

import pytest

from lockstep.compute.child_process import ChildProcess
from tests.training.faults import wait_for

CHILD = "tests.compute.a_child"
PARENT = """
import sys
from lockstep.compute.child_process import ChildProcess
child = ChildProcess("tests.compute.a_child", [*sys.argv[1:]])
print(child.pid, flush=True)
{then}
"""


def lives(pid: int) -> bool:
    """Whether a process runs; one that waits to be asked how it ended does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("doing", ["waits", "counts", "starts-another", "holds-the-interpreter"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_with_its_parent(doing: str, number: signal.Signals, tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = [sys.executable, "-c", PARENT.format(then="child.wait()"), doing, str(told)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_for(told.exists)
        started = [child, *map(int, told.read_text().split())]
        assert all(lives(pid) for pid in started)
        parent.send_signal(number)
        wait_for(lambda: not any(lives(pid) for pid in started), seconds=20)


@pytest.mark.parametrize("then", ["child.wait(0.1)", "raise SystemExit(3)", "1 / 0", "del child; sys.stdin.read()"])
def test_a_child_is_not_left_behind(then: str, tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = [sys.executable, "-c", PARENT.format(then=then), "counts", str(told)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_for(lambda: not lives(child))


def test_a_child_works_with_what_it_is_handed_and_says_how_it_ended() -> None:
    ours, theirs = socketpair()
    with ours, theirs:
        child = ChildProcess(CHILD, ["answers", "nothing"], descriptors=[theirs.fileno()])
        theirs.close()
        ours.sendall(b"what was said")
        assert ours.recv(100) == b"what was said"
    assert child.wait(60) == 7
    assert child.end() == 7


def test_a_child_finds_nothing_to_read_and_has_a_session_of_its_own(tmp_path: Path) -> None:
    child = ChildProcess(CHILD, ["reads", str(tmp_path / "told")])
    assert child.wait(60) == 0
    assert (tmp_path / "told").read_text() == "nothing"
    child = ChildProcess(CHILD, ["counts", str(tmp_path / "begun")])
    wait_for((tmp_path / "begun").exists)
    assert os.getsid(child.pid) == child.pid
    assert child.end() == -signal.SIGKILL


def test_a_child_is_given_time_and_then_none(tmp_path: Path) -> None:
    polite, deaf = (ChildProcess(CHILD, [how, str(tmp_path / how)]) for how in ("stops-when-asked", "does-not"))
    for child, how in ((polite, "stops-when-asked"), (deaf, "does-not")):
        wait_for((tmp_path / how).exists)
        child.interrupt()
    assert polite.end(patience=60.0) == 5
    assert deaf.end(patience=0.1) == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="a system without blocked signals")
def test_a_child_can_be_interrupted_where_its_parent_blocks_that(tmp_path: Path) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        child = ChildProcess(CHILD, ["waits", str(tmp_path / "told")], stderr=subprocess.DEVNULL)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    wait_for((tmp_path / "told").exists)
    child.interrupt()
    assert child.wait(20) not in (None, 0)
