"""A loss that is no number stops a run before the step, and leaves behind what tells why."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.algorithms.learner import DivergedError
from lockstep.config.load import load_config
from lockstep.envs.probes import PROBES
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.loggers import JsonlLogger
from lockstep.training.checkpoints.checkpoint import numbered_checkpoints
from lockstep.training.kill_test import ending, first_difference
from lockstep.training.session import Session
from lockstep.training.trainer import resume, train
from tests.episodes import SPEC, random_episodes
from tests.learners import build
from tests.training.checkpoints.test_checkpoint import run_of
from tests.training.test_session import config

Seen = list[tuple[GradientLearner, torch.Tensor, torch.Tensor, int]]


def poisoned(monkeypatch: pytest.MonkeyPatch, what: str, value: float) -> Seen:
    """From its 100th step on the world pays or shows `value`; or the 20th update finds it in the networks.

    Returns what every update found: learner, parameters, targets, number of updates.
    """
    kind, steps, seen = PROBES["probe-two-step"], [0], Seen()
    real_step, real_update = kind.step, GradientLearner.update

    def step(self: Any, *arguments: Any) -> Any:
        done = real_step(self, *arguments)
        steps[0] += 1
        if steps[0] < 100 or what not in ("obs", "reward"):
            return done
        changed = done._asdict()[what].copy()
        changed[0] = value
        return done._replace(**{what: changed})

    def update(self: GradientLearner, *arguments: Any) -> Any:
        if self.updates == 20 and what == "one parameter":
            self.weights[3] = value
        if self.updates == 20 and what == "all parameters":
            self.weights.fill_(value)
        seen.append((self, self.weights.clone(), self.target_weights.clone(), self.updates))
        return real_update(self, *arguments)

    monkeypatch.setattr(kind, "step", step)
    monkeypatch.setattr(GradientLearner, "update", update)
    return seen


@pytest.mark.parametrize(
    ("what", "value", "suspicion"),
    [
        ("reward", float("nan"), "in batch.reward are not finite: the environment paid a reward that is no finite"),
        ("reward", float("inf"), "in batch.reward are not finite"),
        ("obs", float("nan"), "in batch.obs are not finite: the environment returned observations that are no numbers"),
        ("one parameter", float("nan"), "1 of 498 numbers in parameters are not finite: the networks were damaged"),
        ("all parameters", 1e25, "All that went into the loss is finite"),
    ],
)
def test_the_run_stops_before_the_step_and_says_what_to_look_at(
    what: str, value: float, suspicion: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path / "run", algorithm={"standardize_rewards": False, "name": "vdn"})
    seen = poisoned(monkeypatch, what, value)
    with pytest.raises(UserError, match="The run diverged at") as caught:
        train(load_config(str(run.path)), run, [JsonlLogger()])
    assert suspicion in str(caught.value)
    learner, weights, targets, updates = seen[-1]
    assert torch.equal(learner.weights.nan_to_num(7.0), weights.nan_to_num(7.0))
    assert torch.equal(learner.target_weights, targets)
    assert learner.updates == updates
    (bundle,) = (run.path / "diagnostics").iterdir()
    assert str(bundle) in str(caught.value)
    about = json.loads((bundle / "statistics.json").read_text())
    assert about["suspicion"] in str(caught.value)
    batch = torch.load(bundle / "batch.pt", weights_only=True)
    assert batch["actions"].shape == (16, 2, 2)
    assert about["statistics"]["batch.reward"]["count"] == int(batch["filled"].sum())
    if what in ("obs", "reward"):
        assert not np.isfinite(batch[what].numpy()).all()
        assert torch.isfinite(torch.load(bundle / "learner.pt", weights_only=True)["online"]["agent.values.bias"]).all()
    assert all(np.isfinite(row["loss"]) for row in read_rows(run.metrics) if "loss" in row)


def test_the_last_good_state_is_kept_and_goes_on_once_the_world_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, whole = run_of(tmp_path / "run"), run_of(tmp_path / "whole")
    with monkeypatch.context() as patched:
        poisoned(patched, "reward", float("inf"))
        with pytest.raises(UserError, match="diverged"):
            train(load_config(str(run.path)), run, [JsonlLogger()])
    before = [path.name for path in numbered_checkpoints(run)]
    assert before
    assert resume(run, [JsonlLogger()]).env_steps == 800
    train(load_config(str(whole.path)), whole, [JsonlLogger()])
    assert first_difference(ending(whole), ending(run))[0] is None


def test_infinite_rewards_do_not_spoil_the_running_moments() -> None:
    learner = build(SPEC, config(algorithm={"standardize_rewards": True, "name": "vdn"}))
    learner.update(random_episodes(SPEC, 4))
    before, batch = learner.state_dict()["reward_standardizer"], random_episodes(SPEC, 4)
    batch.reward[0, 0] = float("inf")
    with pytest.raises(DivergedError) as caught:
        learner.update(batch)
    assert learner.state_dict()["reward_standardizer"] == before
    assert torch.equal(caught.value.batch.reward, batch.reward)  # as it was played, not as it was scaled


def test_the_folder_lies_inside_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDirectory(run_of(tmp_path / "run").path)
    poisoned(monkeypatch, "reward", float("nan"))
    with pytest.raises(UserError):
        train(load_config(str(run.path)), run, [JsonlLogger()])
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_a_learner_left_unsaid_is_asked_for_when_the_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path / "run")
    batch = random_episodes(Session(load_config(str(run.path))).spec, 2)

    def check(self: GradientLearner) -> None:
        raise DivergedError("a gradient that is not finite since some update", batch)

    monkeypatch.setattr(GradientLearner, "check", check)
    with pytest.raises(UserError, match="diverged at 800 env steps: a gradient that is not finite since"):
        train(load_config(str(run.path)), run, [JsonlLogger()])
