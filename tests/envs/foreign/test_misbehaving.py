"""A world that raises anything, or exits, ends in a sentence; what was learnt before is kept."""

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from lockstep.acting.policy import RandomPolicy
from lockstep.cli import main
from lockstep.envs.foreign.workers import WorkerSettings
from lockstep.envs.protocol import VectorEnv, dropped_lanes
from lockstep.envs.registry import make_vec
from lockstep.errors import AbandonedError, UserError
from lockstep.experience.rollout import collect
from lockstep.runs.directory import RunDirectory
from lockstep.training.checkpoints.checkpoint import numbered_checkpoints
from lockstep.training.kill_test import ending, first_difference
from tests.envs.foreign.games import RAISED, Raising

HERE = "tests.envs.foreign.games"
TINY = [
    *("collection.num_envs=4", "warmup_env_steps=0", "hidden_dim=8", "replay.batch_size=4", "t_max=120"),
    *("test_interval=1000", "test_nepisode=4", "log_interval=12", "save_model_interval=1000", "tensorboard=False"),
]


def words(how: str, marks: Path, after: int) -> list[str]:
    marks.mkdir()
    arguments = {"how": how, "marks": str(marks), "after": after}
    return [f"env.key={HERE}:Raising", f"env.arguments={json.dumps(arguments)}", *TINY]


@pytest.fixture(autouse=True)
def _from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Raising, "taken", 0)


@pytest.mark.parametrize("how", ["pipe", "exit", "own"])
def test_a_training_whose_world_fails_is_saved_and_goes_on_to_the_same_end(
    how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, cut = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "cut")
    train = ["train", "report-week1", "--no-doctor", "-q"]
    assert main([*train, *words(how, tmp_path / "never", 10**9), "--out", str(whole.path)]) == 0
    Raising.taken = 0
    assert main([*train, *words(how, tmp_path / "once", 250), "--out", str(cut.path)]) == 2
    said = capsys.readouterr().err
    sentence = next(line for line in said.splitlines() if line.startswith("lockstep: "))
    name = {"pipe": "BrokenPipeError", "exit": "exit (0)", "own": "Odd: no Exception at all"}[how]
    for part in (
        f"{HERE}:Raising, lane ",
        ", step ",
        name,
        "games.py, line",
        "is saved",
        f"resume {cut.path}",
    ):
        assert part in sentence, sentence
    assert "Traceback" not in said
    assert cut.read_info()["status"] == "failed"
    assert len(numbered_checkpoints(cut)) == 1
    assert main(["resume", str(cut.path), "-q"]) == 0
    assert first_difference(ending(whole), ending(cut))[0] is None


@pytest.mark.parametrize("how", list(RAISED))
@pytest.mark.parametrize("where", ["step", "reset"])
def test_whatever_a_world_raises_is_a_sentence(how: str, where: str, tmp_path: Path) -> None:
    env = make_vec(f"{HERE}:Raising", 2, 5, how=how, marks=str(tmp_path), where=where)
    said = r"Raising, lane 0, (step 1|the first observation of an episode): the world "
    with pytest.raises(UserError, match=said) as raised:
        played(env)
    assert "\n" not in str(raised.value)
    env.close()


def test_what_is_not_the_worlds_passes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (KeyboardInterrupt, AbandonedError):
        monkeypatch.setitem(RAISED, "own", kind)
        (tmp_path / "raised").unlink(missing_ok=True)
        env = make_vec(f"{HERE}:Raising", 1, 5, how="own", marks=str(tmp_path))
        with pytest.raises(kind):
            played(env)


@pytest.mark.parametrize("how", ["pipe", "exit", "own"])
def test_in_a_process_of_its_own_it_costs_an_episode(how: str, tmp_path: Path) -> None:
    env = make_vec(f"{HERE}:Raising", 2, 5, workers=WorkerSettings(1, 30.0), how=how, marks=str(tmp_path))
    for lost in (True, False):
        played(env)
        dropped = dropped_lanes(env)
        assert dropped is not None
        assert dropped.tolist() == [lost, lost]
    env.close()


def test_one_that_always_fails_in_a_process_of_its_own_says_what_it_raised(tmp_path: Path) -> None:
    said = r"failed 3 times .*lane 0, step 1: the world raised ValueError: first line \("
    env = make_vec(f"{HERE}:Raising", 1, 5, workers=WorkerSettings(1, 30.0), how="value", marks=str(tmp_path))
    for time in range(3):
        (tmp_path / "raised").unlink(missing_ok=True)
        with pytest.raises(UserError, match=said) if time == 2 else nullcontext():
            played(env)
    env.close()


def played(env: VectorEnv) -> None:
    """One episode in every lane, at random."""
    collect(env, RandomPolicy(env.spec.num_actions, np.random.default_rng(1)), seed=3)
