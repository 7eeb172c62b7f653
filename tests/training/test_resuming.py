"""What a resume refuses: a run whose checkpoints are gone, and one that is no longer the run that stopped."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from lockstep.cli import main
from lockstep.config.load import dump_toml, load_config
from lockstep.runs.directory import RunDirectory, read_rows
from tests.training.faults import TINY

OLD = Path(__file__).parent / "folders"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("finished") / "run"
    words = [*TINY, "t_max=160", "env.key=rware-tiny-2ag-v2", "env.time_limit=5", "segment_steps=0", "num_envs=8"]
    words += ["env.arguments.layout=.....\n.x.x.\n..g..", "env.arguments.request_queue_size=1"]
    assert main(["train", "smoke", *words, "--no-doctor", "-q", "--out", str(run)]) == 0
    return run


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> RunDirectory:
    shutil.copytree(finished, tmp_path / "run")
    return RunDirectory(tmp_path / "run")


def contents(run: RunDirectory) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(run.path.rglob("*")) if path.is_file()}


def configure(run: RunDirectory, words: list[str]) -> None:
    run.config.write_text(dump_toml(load_config(str(run.config), words)))


@pytest.mark.parametrize("status", ["finished", "solved", "interrupted", "failed", "running"])
def test_a_run_whose_checkpoints_are_gone_is_left_as_it_is(status: Any, run: RunDirectory, capsys: Any) -> None:
    shutil.rmtree(run.checkpoints)
    run.set_status(status)
    before = contents(run)
    assert main(["resume", str(run.path), "t_max=320"]) == 2
    assert "its checkpoints are gone" in capsys.readouterr().err
    assert contents(run) == before


def test_a_run_of_an_older_version_says_by_its_status_that_it_had_checkpoints(run: RunDirectory, capsys: Any) -> None:
    shutil.rmtree(run.checkpoints)
    run.write_info({"status": "finished"})
    assert main(["resume", str(run.path), "t_max=320"]) == 2
    assert "its checkpoints are gone" in capsys.readouterr().err


def test_a_run_that_begins_again_keeps_the_rows_that_it_had(run: RunDirectory) -> None:
    shutil.rmtree(run.checkpoints)
    run.write_info({"status": "running"})  # killed before its first checkpoint
    before = run.metrics.read_bytes()
    assert main(["resume", str(run.path), "-q"]) == 0
    assert run.metrics.with_name(".metrics.jsonl.before").read_bytes() == before
    assert len(read_rows(run.metrics)) == before.count(b"\n")


CHANGES = [
    "seed=2",
    "lr=0.5",
    "gamma=0.5",
    "td_lambda=0.125",
    "buffer_size=20",
    "hidden_dim=16",
    "env.arguments.layout=......\n.x.xx.\n...g..",
    "env.time_limit=6",
    "actor_tau=0.5",
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_setting_is_named_and_refused(change: str, run: RunDirectory, capsys: Any) -> None:
    configure(run, [change])
    before = contents(run)
    assert main(["resume", str(run.path), "t_max=320"]) == 2
    said = capsys.readouterr().err
    assert change.partition("=")[0] in said or "env.arguments" in said
    assert "--changed" in said
    assert contents(run) == before


def test_a_changed_setting_that_is_asked_for_is_said(run: RunDirectory, capsys: Any) -> None:
    configure(run, ["lr=0.5", 'logging.loggers=["lines"]'])
    assert main(["resume", str(run.path), "t_max=320", "--changed", "--json"]) == 0
    said = capsys.readouterr().out
    assert "optimizer.lr from 0.002 to 0.5" in said
    assert main(["resume", str(run.path), "t_max=480"]) == 0  # it is the run's own setting from now on


def test_only_the_ends_may_move_without_being_asked_for(run: RunDirectory) -> None:
    configure(run, ["t_max=320"])
    assert main(["resume", str(run.path), "stop_at_test_return=1000", "-q"]) == 0


@pytest.mark.parametrize("version", [1, 2])
def test_checkpoints_that_do_not_know_their_settings_are_resumed(version: int, tmp_path: Path) -> None:
    shutil.copytree(OLD / f"schema-{version}", tmp_path / "run")
    assert main(["resume", str(tmp_path / "run"), "-q"]) == 0
