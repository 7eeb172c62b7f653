"""Teams that are small enough to be committed, judged again."""

import json
from pathlib import Path

import numpy as np
import pytest

from lockstep.algorithms.registry import algorithm_of
from lockstep.cli import main
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import make_vec
from lockstep.networks.flat import named_parameters
from lockstep.reproduce.benchmark.check import FOLDER, INDEX
from lockstep.reproduce.benchmark.tasks import TASKS
from lockstep.teams.kept import KeptTeam
from tests.cli.test_cli import refused

TASK = TASKS["spread"]


@pytest.fixture
def team() -> KeptTeam:
    """A team that has learnt nothing."""
    env = {"key": TASK.key, "time_limit": TASK.time_limit}
    network = {"recurrent": False, "hidden_dim": 16}
    config = RunConfig.model_validate({"env": env, "network": network, "algorithm": {"name": "qmix"}})
    networks = algorithm_of(config).networks(make_vec(TASK.key, 1).spec, config)
    about = {"name": "qmix", "env_steps": 0, "env": env, "network": network, "algorithm": {"name": "qmix"}}
    return KeptTeam(about, {name: value.numpy() for name, value in named_parameters(networks).items()})


@pytest.fixture
def committed(tmp_path: Path, team: KeptTeam, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with that team, which says what it earns."""
    monkeypatch.setattr("lockstep.reproduce.benchmark.check.EPISODES", 10)
    from lockstep.reproduce.benchmark.check import _INDEX, _judged

    folder = tmp_path / FOLDER
    folder.mkdir()
    team.rounded().write(folder / "spread-qmix.npz")
    said = [_judged("spread", "qmix", 1, folder / "spread-qmix.npz")]
    (folder / INDEX).write_text(json.dumps(_INDEX.dump_python(said, mode="json")))
    return tmp_path


def test_a_rounded_team_has_the_agents_weights_within_a_step_of_their_row(tmp_path: Path, team: KeptTeam) -> None:
    bytes_ = team.rounded().write(tmp_path / "small.npz")
    assert bytes_ < team.write(tmp_path / "whole.npz")
    with (tmp_path / "small.npz").open("rb") as file:
        small = KeptTeam.read(file)
    with (tmp_path / "whole.npz").open("rb") as file:
        whole = KeptTeam.read(file)
    assert small.about == whole.about == team.about
    assert all(np.array_equal(whole.arrays[name], array) for name, array in team.arrays.items())
    assert small.arrays.keys() == {name for name in team.arrays if name.startswith("agent.")}
    for name, array in small.arrays.items():
        step = np.abs(team.arrays[name]).max(-1, keepdims=True) / 127
        assert (np.abs(array - team.arrays[name]) <= 0.501 * step).all()


def test_a_committed_team_earns_what_is_said_of_it(committed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "benchmark", "--check", str(committed)]) == 0
    assert "equal" in capsys.readouterr().out


def test_a_team_that_earns_something_else_is_found_out(committed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = committed / FOLDER / INDEX
    (row,) = json.loads(index.read_text())
    index.write_text(json.dumps([{**row, "mean": row["mean"] + 200.0}]))
    assert main(["reproduce", "benchmark", "--check", str(committed)]) == 1
    assert "standard errors apart" in capsys.readouterr().out


def test_a_file_names_no_world_of_its_own(committed: Path, team: KeptTeam, capsys: pytest.CaptureFixture[str]) -> None:
    """The task is the table's, so a stranger's file can make nothing that is not in it."""
    about = {**team.about, "env": {**team.about["env"], "key": "os:system", "arguments": {"command": "true"}}}
    KeptTeam(about, team.arrays).rounded().write(committed / FOLDER / "spread-qmix.npz")
    assert "holds no team of spread" in refused(["reproduce", "benchmark", "--check", str(committed)], capsys)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_team_is_a_sentence(committed: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (committed / FOLDER / "spread-qmix.npz").write_bytes(content)
    assert "holds no team of spread" in refused(["reproduce", "benchmark", "--check", str(committed)], capsys)


def test_an_index_that_leads_out_is_refused(committed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = committed / FOLDER / INDEX
    (row,) = json.loads(index.read_text())
    index.write_text(json.dumps([{**row, "file": "../../private.npz"}]))
    assert "names spread, ../../private.npz" in refused(["reproduce", "benchmark", "--check", str(committed)], capsys)
    index.write_text("{")
    assert "cannot be read" in refused(["reproduce", "benchmark", "--check", str(committed)], capsys)
    index.unlink()
    assert "has no teams/teams.json" in refused(["reproduce", "benchmark", "--check", str(committed)], capsys)
