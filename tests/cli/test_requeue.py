"""One command for a job that a cluster starts again and again: it trains, goes on, or says that it has finished."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lockstep.cli import main
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.training.checkpoints.checkpoint import CHECKPOINTED
from tests.cli.test_cli import TINY_RUN, refused

JOB = ["train", "smoke", *TINY_RUN, "--out", "runs/job", "--resume-if-there"]
CLOCKS = ("wall_seconds", "resident_mib", "env_steps_per_second", "updates_per_second")


def numbers(run: RunDirectory) -> list[Any]:
    """The rows but for what the machine was like."""
    return [{name: value for name, value in row.items() if name not in CLOCKS} for row in read_rows(run.metrics)]


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunDirectory:
    """Started for the first time, and finished."""
    monkeypatch.chdir(tmp_path)
    assert main([*JOB, "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    return RunDirectory(Path("runs/job"))


def test_started_again_it_says_that_it_has_finished(job: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_bytes() for path in job.path.iterdir() if path.is_file()}
    assert main(JOB) == 0
    said = capsys.readouterr().out
    assert "runs/job is finished already: 400 env steps, judged return " in said
    assert main([*JOB, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["run"], row["stopped_because"], row["env_steps"]) == ("runs/job", "max_env_steps", 400)
    assert before == {path.name: path.read_bytes() for path in job.path.iterdir() if path.is_file()}


@pytest.mark.parametrize("left", [0, 1])
def test_killed_and_started_again_it_goes_on_exactly(job: RunDirectory, left: int) -> None:
    """With one checkpoint left, or killed before there was any."""
    whole = numbers(job)
    folders = sorted(job.checkpoints.glob("[0-9]*"))
    for folder in folders[left:]:
        shutil.rmtree(folder)
    info = {name: value for name, value in job.read_info().items() if left or name != CHECKPOINTED}
    job.write_info({**info, "status": "running"})
    assert main([*JOB, "--quiet"]) == 0
    assert numbers(job) == whole
    assert job.has_ended


def test_with_other_words_it_is_refused(job: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    before = job.metrics.read_bytes()
    assert "its seed is 1, and this one's is 2" in refused([*JOB, "seed=2"], capsys)
    assert "max_env_steps is 400" in refused([*JOB, "t_max=800"], capsys)
    assert job.metrics.read_bytes() == before


def test_it_must_know_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "give --out" in refused(["train", "smoke", *TINY_RUN, "--resume-if-there"], capsys)
    assert list(tmp_path.iterdir()) == []
