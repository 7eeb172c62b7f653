"""A run as its folder tells it, whole or not."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory
from lockstep.runs.reader import RunReader
from tests.runs.folders import append, evaluation, make_run


def a_process_that_is_gone() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def hold(run: RunDirectory, pid: int, host: str) -> None:
    run.lock.write_text(json.dumps({"pid": pid, "host": host}))


def test_a_record_holds_numbers_configuration_and_standing(tmp_path: Path) -> None:
    run = make_run(
        tmp_path / "a",
        metrics=[{"env_steps": 100, "wall_seconds": 1.5, "loss": 0.5}],
        evaluations=[evaluation(50, 1.0)],
        words=("seed=7",),
    )
    record = RunReader.open(run.path)
    assert (record.name, record.standing, record.env_steps, record.wall_seconds) == ("a", "finished", 100, 1.5)
    assert record.config.seed == 7
    assert record.metrics["loss"].tolist() == [0.5]
    assert record.evaluations["test_return_mean"].tolist() == [1.0]


def test_the_best_evaluation_is_the_latest_of_the_highest(tmp_path: Path) -> None:
    rows = [evaluation(10, 2.0), evaluation(20, 3.0), evaluation(30, 3.0, std=0.25, episodes=1000), evaluation(40, 1.0)]
    assert RunReader.open(make_run(tmp_path / "a", evaluations=rows).path).selected == (3.0, 0.25, 30, 1000)


def test_an_empty_run_has_nothing_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("this is no toml")
    record = RunReader.open(tmp_path)
    assert (record.selected, record.env_steps, record.wall_seconds, record.standing) == (None, 0, 0.0, "unknown")
    assert record.config_or_none() is None
    with pytest.raises(UserError, match="TOML"):
        _ = record.config


def test_a_record_follows_the_run(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", evaluations=[evaluation(10, 1.0)])
    record = RunReader.open(run.path)
    assert not record.refresh()
    append(run.evaluations, evaluation(20, 2.0))
    assert record.refresh()
    assert record.env_steps == 20
    run.set_status("interrupted")
    assert record.refresh()
    assert record.standing == "interrupted"


def test_a_run_whose_process_is_gone_has_died(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", status="running")
    record = RunReader.open(run.path)
    assert record.standing == "died"  # nobody holds it at all
    hold(run, a_process_that_is_gone(), platform.node())
    assert record.standing == "died"


def test_a_run_that_is_written_now_is_running(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", status="running")
    record = RunReader.open(run.path)
    hold(run, os.getppid(), platform.node())
    assert record.standing == "running"
    run.lock.unlink()
    with run.locked():
        assert record.standing == "running"


def test_another_hosts_run_is_believed(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", status="running")
    hold(run, a_process_that_is_gone(), "another-host")
    assert RunReader.open(run.path).standing == "running"


def test_records_need_no_torch() -> None:
    code = "import sys, lockstep.runs.reader; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
