"""What other programs are told of runs: everything once, whoever was killed or resumed."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lockstep.cli import main
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory
from lockstep.runs.followers import TensorBoardFollower, follow, follower_named, moments, run_name
from lockstep.runs.loggers import last_event_step
from lockstep.runs.reader import RunReader
from tests.cli.test_cli import refused
from tests.runs.written import written_run


@pytest.fixture
def run(tmp_path: Path) -> RunReader:
    return written_run(tmp_path / "run", [1.0, 2.0, 3.0])


def added(run: RunReader, *steps: int) -> None:
    """Rows of training, as of a run that goes on."""
    with run.directory.metrics.open("a") as file:
        file.writelines(json.dumps({"env_steps": step, "loss": 0.5}) + "\n" for step in steps)


def events(folder: Path) -> list[tuple[int, str]]:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    (path,) = folder.glob("*/events.*")
    found = EventFileLoader(str(path)).Load()
    return [(event.step, value.tag) for event in found for value in event.summary.value if event.step]


class PretendedWandb:
    """Remembers what it is told."""

    Settings = staticmethod(lambda **settings: settings)

    def __init__(self) -> None:
        self.begun: list[dict[str, Any]] = []
        self.rows: list[tuple[int, dict[str, float]]] = []

    def init(self, **how: Any) -> SimpleNamespace:
        self.begun.append(how)
        return SimpleNamespace(log=lambda row, step: self.rows.append((step, row)), finish=lambda: None)


def test_a_moment_has_all_numbers_of_training_and_evaluation(run: RunReader) -> None:
    told = dict(moments(run.directory))
    assert list(told) == [1_000, 2_000, 3_000]
    assert told[2_000]["test_return_mean"] == 2.0
    assert "loss" in told[2_000]


def test_the_newest_is_kept_back_while_a_run_goes_on(run: RunReader) -> None:
    run.directory.set_status("running")
    with RunDirectory(run.directory.path).locked():
        assert [steps for steps, _ in moments(run.directory)] == [1_000, 2_000]
    assert len(list(moments(run.directory))) == 3  # nobody works at it any more


def test_tensorboard_is_told_everything_once(run: RunReader, tmp_path: Path) -> None:
    follower = TensorBoardFollower(tmp_path / "out")
    assert [follow(run, follower), follow(run, follower)] == [3, 0]
    added(run, 2_000, 3_000, 4_000)  # it was killed and resumed: two rows are there again
    assert follow(run, TensorBoardFollower(tmp_path / "out")) == 1
    told = [step for step, tag in events(tmp_path / "out") if tag == "loss"]
    assert told == [1_000, 2_000, 3_000, 4_000]


def test_whoever_was_killed_while_it_wrote_goes_on(run: RunReader, tmp_path: Path) -> None:
    out = tmp_path / "out"
    follow(run, TensorBoardFollower(out))
    (path,) = out.glob("*/events.*")
    path.write_bytes(path.read_bytes()[:-5])
    assert last_event_step(RunDirectory(path.parent)) == 2_000
    assert follow(run, TensorBoardFollower(out)) == 1
    assert [step for step, tag in events(out) if tag == "loss"] == [1_000, 2_000, 3_000]


def test_wandb_is_told_offline_and_a_resumed_run_has_the_same_id(
    run: RunReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = PretendedWandb()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    for new in (3, 0):
        assert follow(run, follower_named("wandb", tmp_path / "out")) == new
    added(run, 4_000)
    follow(run, follower_named("wandb", tmp_path / "out"))
    assert [step for step, _ in wandb.rows] == [1_000, 2_000, 3_000, 4_000]
    assert {how["mode"] for how in wandb.begun} == {"offline"}
    assert len(wandb.begun) == 2
    assert len({how["id"] for how in wandb.begun}) == 1


def test_mlflow_is_told_everything_once(run: RunReader, tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="an extra of its own")
    for new in (3, 0):
        assert follow(run, follower_named("mlflow", tmp_path / "out")) == new
    added(run, 3_000, 4_000)
    assert follow(run, follower_named("mlflow", tmp_path / "out")) == 1
    (loss,) = (tmp_path / "out").glob("*/*/metrics/loss")
    assert [line.split()[-1] for line in loss.read_text().splitlines()] == ["1000", "2000", "3000", "4000"]


def test_names_tell_runs_apart(run: RunReader, tmp_path: Path) -> None:
    other = written_run(tmp_path / "other", [1.0])
    assert run_name(run.directory) != run_name(other.directory)
    assert run_name(run.directory) == run_name(RunDirectory(tmp_path / "run"))


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_what_is_not_installed_is_a_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=rf"pip install 'lockstep-marl\[{name}\]'"):
        follower_named(name, tmp_path)


def test_sync_is_typed(run: RunReader, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync", str(run.directory.path), "--to", "tensorboard", "--out", str(tmp_path / "out")]) == 0
    assert "wrote 3 new points of 1 run into" in capsys.readouterr().out
    assert "--to paper is unknown; it must be" in refused(["sync", str(run.directory.path), "--to", "paper"], capsys)
