"""A run that begins as the team of another: what it takes over, what counts, what does not fit."""

from pathlib import Path

import pytest
import torch

from lockstep.cli import main
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.training.checkpoints.checkpoint import numbered_checkpoints, read_team
from tests.training.faults import TINY

SMALL = "env.arguments.layout=.....\n.x.x.\n..g.."
LARGE = "env.arguments.layout=......\n.x.xx.\n......\n..g..."
WARM = ["env.key=rware-tiny-2ag-v2", "env.time_limit=5", "segment_steps=0", "num_envs=8", "warmup_env_steps=0"]


def train(out: Path, *words: str) -> int:
    request = "env.arguments.request_queue_size=1"
    return main(["train", "smoke", *TINY, *WARM, request, *words, "--no-doctor", "--out", str(out)])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("source") / "run"
    assert train(run, SMALL, "t_max=80") == 0
    return run


def parameters(run: Path, network: str, checkpoint: str) -> dict[str, torch.Tensor]:
    return read_team(str(run), checkpoint).networks[network].state_dict()


def test_a_run_begins_as_the_team_of_another_whose_env_steps_count(source: Path, tmp_path: Path) -> None:
    steps = read_team(str(source)).env_steps
    end = f"t_max={steps + 80}"
    assert train(tmp_path / "run", LARGE, f"init_from={source}", end, "checkpoint.keep=10") == 0
    run = RunDirectory(tmp_path / "run")
    assert int(numbered_checkpoints(run)[0].name) == steps
    begun = parameters(run.path, "agent", str(steps))
    assert all(torch.equal(begun[name], value) for name, value in parameters(source, "agent", "best").items())
    first = read_rows(run.metrics)[0]
    assert first["env_steps"] > steps
    assert first["env_steps_per_second"] * first["wall_seconds"] < 200  # its own steps, not those that it inherited


def test_a_state_of_another_size_needs_another_mixer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [SMALL, "network.agent_id=false"]
    assert train(tmp_path / "three", *words, "env.arguments.n_agents=3", "t_max=80") == 0
    two = [*words, "env.arguments.n_agents=2", f"init_from={tmp_path / 'three'}", "t_max=400"]
    assert train(tmp_path / "two", *two) == 0
    assert "the mixer begins anew" in capsys.readouterr().out


def test_one_that_was_killed_before_its_first_checkpoint_begins_as_the_same_team(source: Path, tmp_path: Path) -> None:
    end = f"t_max={read_team(str(source)).env_steps + 80}"
    assert train(tmp_path / "run", SMALL, f"init_from={source}", end) == 0
    run, steps = RunDirectory(tmp_path / "run"), read_team(str(source)).env_steps
    for folder in run.checkpoints.iterdir():
        folder.rename(tmp_path / folder.name)
    run.write_info({"status": "running"})
    assert main(["resume", str(run.path), "-q"]) == 0
    assert read_rows(run.metrics)[0]["env_steps"] > steps
    begun = parameters(run.path, "agent", str(steps))
    assert all(torch.equal(begun[name], value) for name, value in parameters(source, "agent", "best").items())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hidden_dim=16"], "its agents' network has other shapes. Give this one the same [network]"),
        (["env.arguments.sensor_range=2"], "features and"),
        (["t_max=40"], "Raise t_max"),
        (["init_from=nowhere"], "nowhere"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_folder_is_made(
    words: list[str], said: str, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path / "run", SMALL, f"init_from={source}", "t_max=400", *words) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
