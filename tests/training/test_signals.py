"""Told to stop, a training saves within seconds and leaves as its shell expects; told twice, it leaves at once."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from lockstep.config.load import load_config
from lockstep.envs.probes import PROBES
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.loggers import JsonlLogger
from lockstep.training.checkpoints.checkpoint import numbered_checkpoints
from lockstep.training.interruption import AbandonedError, Interruption
from lockstep.training.kill_test import ending, first_difference
from lockstep.training.trainer import resume, train
from tests.training.checkpoints.test_checkpoint import run_of
from tests.training.faults import TINY, stop, training, wait_for

ENDLESS = [*TINY, "t_max=1000000000", "save_model_interval=800"]


def begun(run: RunDirectory) -> Any:
    return lambda: len(numbered_checkpoints(run)) > 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_within_five_seconds_and_says_how_to_go_on(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    run = RunDirectory(tmp_path / "run")
    with training(ENDLESS, run.path) as process:
        wait_for(begun(run))
        returned, seconds, out, err = stop(process, number)
    assert (returned, err) == (code, "")
    assert seconds < 3.0
    assert f"lockstep resume {run.path}" in out
    assert run.read_info()["status"] == "interrupted"
    newest = json.loads((numbered_checkpoints(run)[-1] / "manifest.json").read_text())
    assert f"{newest['env_steps']:,} env steps" in out
    assert not run.lock.exists()


@pytest.mark.slow
def test_a_signal_is_obeyed_although_a_helper_stands_still(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    words = [word for word in ENDLESS if not word.startswith(("num_threads", "batch_size"))]
    with training([*words, "num_threads=2", "batch_size=32"], run.path) as process:
        wait_for(begun(run), 250.0)
        (helper,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(helper), signal.SIGSTOP)
        time.sleep(2.0)  # by now the learner waits for it
        returned, _, out, err = stop(process, signal.SIGTERM)
    assert returned == 143
    assert "did not answer for 30 s" in err
    assert f"lockstep resume {run.path}" in out
    assert run.read_info()["status"] == "interrupted"


def test_a_second_signal_leaves_at_once_and_harms_no_checkpoint(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    rounds_of_minutes = ["updates_per_collection=1000000", "learn_while_playing=True"]
    with training([*ENDLESS, *rounds_of_minutes], run.path) as process:
        wait_for(lambda: len(read_rows(run.metrics)) == 2)  # 16 episodes: the third round learns
        process.send_signal(signal.SIGINT)
        wait_for(lambda: not catches(process.pid, signal.SIGTERM))
        returned, seconds, _, err = stop(process, signal.SIGINT)
    assert returned == 130
    assert seconds < 3.0
    assert "Traceback" not in err
    assert run.read_info()["status"] == "interrupted"
    assert not list(run.path.rglob("*.writing"))


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
    return bool(mask >> (number - 1) & 1)


def test_a_signal_during_a_checkpoint_that_is_repeated_leaves_the_last_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path / "run")
    real = Path.rename

    def interrupted(self: Path, target: Any) -> Any:
        if self.name == ".000000000480.writing":
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return real(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(load_config(str(run.path)), run, [JsonlLogger()])
    monkeypatch.undo()
    assert [path.name for path in numbered_checkpoints(run)] == ["000000000160", "000000000320"]
    assert not list(run.checkpoints.glob(".*"))
    resume(run, [JsonlLogger()])
    whole = run_of(tmp_path / "whole")
    train(load_config(str(whole.path)), whole, [JsonlLogger()])
    assert first_difference(ending(whole), ending(run))[0] is None


@pytest.mark.parametrize("where", ["playing", "evaluating", "confirming"])
def test_long_play_is_cut_off_and_played_again_after_the_resume(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: dict[str, Any] = {"checkpoint": {"every_env_steps": 320}}
    if where == "confirming":
        changes["training"] = {"max_env_steps": 10_000, "stop_at_test_return": 6.5}
    whole, cut = run_of(tmp_path / "whole", **changes), run_of(tmp_path / "cut", **changes)
    train(load_config(str(whole.path)), whole, [JsonlLogger()])
    kind = PROBES["probe-two-step"]
    real = kind.step
    moment = {"playing": (8, 31), "evaluating": (10, 3), "confirming": (10, 30)}[where]
    steps = {8: 0, 10: 0}  # by the lanes of training and evaluation; the second since the last step of training

    def step(self: Any, *arguments: Any) -> Any:
        steps[self.num_envs] += 1
        if self.num_envs == 8 and where == "confirming":
            steps[10] = 0
        if steps[self.num_envs] == moment[1] and self.num_envs == moment[0]:
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the step went on after the signal")
        return real(self, *arguments)

    monkeypatch.setattr(kind, "step", step)
    result = train(load_config(str(cut.path)), cut, [JsonlLogger()])
    monkeypatch.undo()
    assert (result.stopped_because, result.stopped_by_signal) == ("interrupted", signal.SIGINT)
    resumed = resume(cut, [JsonlLogger()])
    assert resumed.stopped_because == ("solved" if where == "confirming" else "max_env_steps")
    assert first_difference(ending(whole), ending(cut))[0] is None


def test_a_signal_before_the_work_leaves_it_undone() -> None:
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(AbandonedError), interruption.leaving():
            pytest.fail("it was done all the same")


@pytest.mark.parametrize(("number", "heard"), [(signal.SIGHUP, False), (signal.SIGINT, True)])
def test_nohup_is_respected_and_the_background_hears(number: signal.Signals, heard: bool) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            signal.raise_signal(number)
        assert interruption.requested == heard
    finally:
        signal.signal(number, before)
