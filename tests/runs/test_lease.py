"""Who works in a folder that several hosts share. Hosts are processes that think they are elsewhere."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lockstep.errors import UserError
from lockstep.runs import lease
from lockstep.runs.directory import RunDirectory
from lockstep.runs.lease import Lease, is_abandoned, living_holder
from tests.training.faults import wait_for

HOLDER = """
import platform, sys
from pathlib import Path
platform.node = lambda: sys.argv[2]
from lockstep.errors import UserError
from lockstep.runs import lease
from lockstep.runs.directory import RunDirectory
lease.HEARTBEAT_SECONDS = 0.05
run = RunDirectory(Path(sys.argv[1]))
with run.locked():
    print("held", flush=True)
    sys.stdin.readline()
    try:
        with run.writing("a checkpoint"):
            print("wrote", flush=True)
    except UserError as error:
        print(error, flush=True)
"""


@contextmanager
def holder(run: Path, host: str) -> Iterator["subprocess.Popen[str]"]:
    """A process of another host that holds the run, until it is told to write something."""
    command = [sys.executable, "-c", HOLDER, str(run), host]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def told_to_write(process: "subprocess.Popen[str]") -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(lease, "TAKEOVER_SECONDS", 1.0)


def test_a_holder_on_another_host_that_shows_itself_is_left_alone(tmp_path: Path) -> None:
    with holder(tmp_path, "other") as process:
        said = f"Process {process.pid} on other is already training"
        began = (tmp_path / ".lock").stat().st_mtime
        wait_for(lambda: (tmp_path / ".lock").stat().st_mtime > began + lease.TAKEOVER_SECONDS)
        with pytest.raises(UserError, match=said), RunDirectory(tmp_path).locked():
            pass
        assert not is_abandoned(tmp_path / ".lock")
        assert told_to_write(process) == "wrote"


def test_a_frozen_holder_on_another_host_is_taken_over_and_stops_before_it_writes(tmp_path: Path) -> None:
    with holder(tmp_path, "other") as process:
        process.send_signal(signal.SIGSTOP)
        wait_for(lambda: lease._seconds_since_touched(tmp_path / ".lock") >= lease.TAKEOVER_SECONDS)
        assert is_abandoned(tmp_path / ".lock")
        run = RunDirectory(tmp_path)
        with run.locked():
            process.send_signal(signal.SIGCONT)
            said = told_to_write(process)
            assert said.startswith(f"{tmp_path} is not this training's any more: Process {os.getpid()} on")
            with run.writing("a checkpoint"):
                pass
            process.wait(60)
            assert run.lock.exists()  # what the loser left behind is not the winner's
        assert [path.name for path in tmp_path.iterdir()] == []


def test_a_frozen_holder_on_this_host_is_waited_for(tmp_path: Path) -> None:
    """It can be looked at, and stopped; nobody guesses."""
    import platform

    with holder(tmp_path, platform.node()) as process:
        process.send_signal(signal.SIGSTOP)
        old = (tmp_path / ".lock").stat().st_mtime - 1000
        os.utime(tmp_path / ".lock", (old, old))
        with pytest.raises(UserError, match=f"Process {process.pid} is already"), RunDirectory(tmp_path).locked():
            pass


def test_of_several_that_take_over_at_once_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one that saw the dead holder too gives back what it took from the first."""
    path = tmp_path / ".lock"
    path.write_text('{"pid": 1, "host": "gone"}')
    os.utime(path, (0, 0))
    first: list[Lease | None] = []
    look = lease._seconds_since_touched

    def slowly(path: Path) -> float:
        seconds = look(path)
        if not first:
            first.append(None)
            first[0] = Lease.taken(path)  # between the second one's look and its rename
        return seconds

    monkeypatch.setattr(lease, "_seconds_since_touched", slowly)
    assert Lease.taken(path) is None
    assert first[0] is not None
    assert first[0].is_held
    first[0].release()
    assert list(tmp_path.iterdir()) == []


def test_who_holds_a_file_is_said_and_nobody_stands_in_its_own_way(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    assert living_holder(path) is None
    assert is_abandoned(path)
    path.write_text("{")
    assert living_holder(path) is None
    assert not is_abandoned(path)
    path.write_text('{"pid": 7, "host": "other"}')
    assert living_holder(path) == "Process 7 on other"
    os.utime(path, (0, 0))
    assert living_holder(path) is None
    path.unlink()
    held = Lease.taken(path)
    assert held is not None
    assert living_holder(path) is None
    held.release()
    assert not path.exists()
