"""A disk that is full, read-only or gone: one sentence, exit code 2, nothing half-written, the last checkpoint good."""

import json
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.config.load import load_config
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory
from lockstep.runs.loggers import JsonlLogger, SilentLogger, Status
from lockstep.training import command
from lockstep.training.checkpoints.checkpoint import load_latest, numbered_checkpoints
from lockstep.training.session import Session
from lockstep.training.trainer import resume, train
from tests.training.checkpoints.test_checkpoint import run_of
from tests.training.faults import TINY, fill, small_disk

LONG = [*TINY, "t_max=4000", "logging.tensorboard=False"]


class At(SilentLogger):
    """Does something once so many env steps have been made."""

    def __init__(self, env_steps: int, what: Callable[[], object]) -> None:
        self.env_steps, self.what, self.done = env_steps, what, False

    def tick(self, status: Status) -> None:
        if status.env_steps >= self.env_steps and not self.done:
            self.done = True
            self.what()


@contextmanager
def also(monkeypatch: pytest.MonkeyPatch, logger: At) -> Iterator[None]:
    """The command's loggers, and one more."""
    real = command._loggers
    with monkeypatch.context() as patched:
        patched.setattr(command, "_loggers", lambda *arguments: [*real(*arguments), logger])
        yield


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("lockstep: ")
    assert err.count("\n") == 1
    return err


def assert_whole(run: RunDirectory) -> None:
    """Every line is a row, nothing temporary is left, and the newest checkpoint can be used."""
    for path in (run.metrics, run.evaluations, run.recordings):
        for line in path.read_text().splitlines():
            json.loads(line)
    assert not [path for path in run.path.rglob("*") if path.name.endswith(".writing")]
    assert load_latest(Session(load_config(str(run.path))), run) == []


@pytest.mark.parametrize("tensorboard", [False, True])
def test_a_disk_that_fills_up_during_metrics(
    tensorboard: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        run = RunDirectory(disk / "run")
        words = [*TINY, "t_max=4000", f"logging.tensorboard={tensorboard}", "save_model_interval=3200"]
        with also(monkeypatch, At(3280, lambda: fill(disk, leave=100))):
            err = refused(["train", "smoke", *words, "--no-doctor", "-q", "--out", str(run.path)], capsys)
        assert "the disk is full" in err
        assert ("metrics.jsonl could not" in err) or ("TensorBoard's events could not" in err)
        assert "continues from its checkpoint at 3,200 env steps" in err
        assert_whole(run)
        (disk / "stone").unlink()
        assert main(["resume", str(run.path), "-q"]) == 0
        assert json.loads(run.info.read_text())["status"] == "finished"


def test_a_disk_that_fills_up_during_a_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk:
        run = RunDirectory(disk / "run")
        words = [*LONG, "save_model_interval=800", "logging.every_env_steps=100000", "test_interval=100000"]
        with also(monkeypatch, At(880, lambda: fill(disk, leave=20_000))):
            err = refused(["train", "smoke", *words, "--no-doctor", "-q", "--out", str(run.path)], capsys)
        assert "a checkpoint could not be written, because of this: the disk is full" in err
        assert [path.name for path in numbered_checkpoints(run)] == ["000000000800"]
        assert not list(run.path.rglob("*.writing"))
        assert load_latest(Session(load_config(str(run.path))), run) == []
        (disk / "stone").unlink()
        assert main(["resume", str(run.path), "-q"]) == 0


def test_files_that_may_not_grow(tmp_path: Path) -> None:
    run, before = run_of(tmp_path / "run"), resource.getrlimit(resource.RLIMIT_FSIZE)
    warm = run_of(tmp_path / "warm")  # compiles what must be, into files of its own
    train(load_config(str(warm.path)), warm, [JsonlLogger()])
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python does at its start
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
        with pytest.raises(UserError, match="files may not become so large here"):
            train(load_config(str(run.path)), run, [JsonlLogger()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not list(run.path.rglob("*.writing"))
    assert resume(run, [JsonlLogger()]).env_steps == 800


def test_a_disk_that_becomes_read_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path / "run")
    with small_disk(tmp_path / "disk"):

        def cover() -> None:
            run_command("mount", "--bind", str(run.checkpoints), str(run.checkpoints))
            run_command("mount", "-o", "remount,bind,ro", str(run.checkpoints))

        try:
            with also(monkeypatch, At(880, cover)):
                words = [*LONG, "save_model_interval=800", "test_interval=100000"]
                err = refused(["train", "smoke", *words, "--no-doctor", "-q", "--out", str(run.path)], capsys)
        finally:
            run_command("umount", "-l", str(run.checkpoints))
    assert "a checkpoint could not be written, because of this: the disk is read-only" in err
    assert "continues from its checkpoint at 800 env steps" in err
    assert main(["resume", str(run.path), "-q"]) == 0


def test_a_disk_that_is_read_only_from_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_disk(tmp_path / "disk") as disk:
        run = RunDirectory(disk / "run")
        assert main(["train", "smoke", *TINY, "t_max=800", "--no-doctor", "-q", "--out", str(run.path)]) == 0
        run_command("mount", "-o", "remount,ro", str(disk))
        assert "the disk is read-only" in refused(["resume", str(run.path), "-q"], capsys)
        new = refused(["train", "smoke", *LONG, "--no-doctor", "-q", "--out", str(disk / "new")], capsys)
        assert "cannot be written (Read-only file system). Choose another --out." in new
        assert main(["evaluate", str(run.path)]) == 0  # to judge it, nothing need be written
        assert_whole(run)


def run_command(*command: str) -> None:
    subprocess.run(command, check=True)


@pytest.mark.parametrize("at", ["metrics", "checkpoint"])
def test_a_run_directory_that_is_deleted_under_the_run(
    at: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    words = [*LONG, "save_model_interval=800"]
    if at == "checkpoint":
        words += ["logging.every_env_steps=100000", "test_interval=100000"]
    with also(monkeypatch, At(880, lambda: shutil.rmtree(run))):
        err = refused(["train", "smoke", *words, "--no-doctor", "-q", "--out", str(run)], capsys)
    assert "is gone: the run directory was deleted or moved before" in err
    assert not run.exists()  # nothing of it was made again


@pytest.mark.parametrize("at", ["metrics", "checkpoint"])
def test_a_run_directory_that_is_made_anew_belongs_to_whoever_made_it(
    at: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    words = [*LONG, "save_model_interval=800"]
    if at == "checkpoint":
        words += ["logging.every_env_steps=100000", "test_interval=100000"]
    others: dict[Path, bytes] = {}

    def make_anew() -> None:
        shutil.rmtree(run)
        with monkeypatch.context() as alone:
            alone.setattr(command, "_loggers", real)
            assert main(["train", "smoke", *TINY, "t_max=160", "--no-doctor", "-q", "--out", str(run)]) == 0
        others.update({path: path.read_bytes() for path in run.rglob("*") if path.is_file()})

    real = command._loggers
    with also(monkeypatch, At(880, make_anew)):
        err = refused(["train", "smoke", *words, "--no-doctor", "-q", "--out", str(run)], capsys)
    assert "the folder was deleted and made anew" in err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == others
