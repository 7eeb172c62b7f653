"""Standard output may go away, a terminal may be closed: what is computed is not lost for it."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep.runs.directory import RunDirectory
from lockstep.training.checkpoints.checkpoint import numbered_checkpoints
from tests.training.faults import TINY, wait_for

SHORT = [*TINY, "t_max=800", "warmup_env_steps=0"]
COMMAND = [sys.executable, "-m", "lockstep"]


def test_a_training_whose_reader_has_left_goes_on_to_its_end(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    command = [*COMMAND, "train", "smoke", *SHORT, "--no-doctor", "--out", str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "env steps" in process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert "Error" not in process.stderr.read()
        assert process.wait() == 0
    assert run.read_info()["status"] == "finished"
    assert numbered_checkpoints(run)[-1].name == "000000000800"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_device_is_said_in_the_end(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    train = ["train", "smoke", *SHORT, "--no-doctor", "--out", str(run.path)]
    for command in (train, ["runs", "--json"], ["--help"], ["--version"], ["config", "smoke"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run([*COMMAND, *command], stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        assert done.returncode == 2, command
        assert done.stderr == (
            "lockstep: standard output could not be written (No space left on device); all else was done.\n"
        )
    assert run.read_info()["status"] == "finished"


@pytest.mark.parametrize("verb", [["envs"], ["--help"], ["config", "smoke", "--explain"]])
def test_what_nobody_reads_is_no_mistake(verb: list[str]) -> None:
    with subprocess.Popen([*COMMAND, *verb], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.parametrize("quiet", [["-q"], []])
def test_a_closed_terminal_is_an_interruption(quiet: list[str], tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    words = [*TINY, "t_max=1000000000", "warmup_env_steps=0", "save_model_interval=800"]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [*COMMAND, "train", "smoke", *words, *quiet, "--no-doctor", "--out", str(run.path)])
    try:
        os.set_blocking(terminal, False)
        wait_for(lambda: drained(terminal) and len(numbered_checkpoints(run)) > 0)
        os.close(terminal)
        _, status = os.waitpid(child, 0)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    assert os.waitstatus_to_exitcode(status) == 129
    assert run.read_info()["status"] == "interrupted"
    assert "reason" not in run.read_info()


def drained(terminal: int) -> bool:
    """True, after everything was read that is shown there, so that whoever writes need not wait."""
    try:
        while os.read(terminal, 65536):
            pass
    except BlockingIOError:
        pass
    return True
