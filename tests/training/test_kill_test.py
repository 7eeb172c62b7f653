"""Killing and resuming, for real, a few times; and the comparison that would find a difference."""

import pytest
import torch

from lockstep.errors import UserError
from lockstep.training import kill_test
from lockstep.training.kill_test import first_difference, selftest_resume


def test_killed_runs_end_as_the_one_that_was_never_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    short = ["collection.warmup_env_steps=20000", "training.max_env_steps=60000", "evaluation.episodes=10"]
    monkeypatch.setattr(kill_test, "WORDS", [*kill_test.WORDS, *short])
    monkeypatch.setattr(kill_test, "MAX_ENV_STEPS", 60_000)
    monkeypatch.setattr(kill_test, "KILLS_PER_RUN", 1)
    report = selftest_resume(kills=3)
    assert report.difference is None, report.difference
    assert report.kills >= 2
    assert report.leaves > 300
    assert "no difference" in report.text()
    assert "None left another process behind" in report.text()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_policy_that_is_killed_in_the_middle_of_its_schedules_ends_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    short = ["training.max_env_steps=60000", "evaluation.episodes=10", "num_envs=64", "algorithm=mappo"]
    schedules = ["minibatches=2", "lr_finish=0", "entropy_finish=0", "anneal_env_steps=60000", "critic_tau=0.1"]
    monkeypatch.setattr(kill_test, "WORDS", [*kill_test.WORDS, *short, *schedules])
    monkeypatch.setattr(kill_test, "VICTIMS", ("training", "parent"))
    monkeypatch.setattr(kill_test, "MAX_ENV_STEPS", 60_000)
    monkeypatch.setattr(kill_test, "KILLS_PER_RUN", 2)
    report = selftest_resume(kills=4)
    assert report.difference is None, report.difference
    assert report.kills == 4


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_hundred_kills_leave_no_difference() -> None:
    """Half an hour: `lockstep selftest resume --kills 100`."""
    report = selftest_resume(kills=100)
    assert (report.kills, report.difference) == (100, None)
    assert min(report.helpers, report.parents, report.worlds, report.during_a_checkpoint) >= 10


def test_the_first_differing_leaf_is_named() -> None:
    one = {"state": {"weights": torch.zeros(3), "steps": 4, "wall_seconds": 1.0}, "rows": [{"loss": float("nan")}]}
    same = {"state": {"weights": torch.zeros(3), "steps": 4, "wall_seconds": 9.0}, "rows": [{"loss": float("nan")}]}
    assert first_difference(one, same) == (None, 3)
    nudged = torch.zeros(3)
    nudged[2] = 1e-30
    assert first_difference(one, {**same, "state": {"weights": nudged, "steps": 4}})[0] == (
        "/state/weights is a tensor (3,) instead of a tensor (3,)"
    )
    assert first_difference(one, {**same, "state": {"weights": torch.zeros(3), "steps": 4.0}})[0] == (
        "/state/steps is 4.0 instead of 4"
    )
    assert first_difference(one, {**same, "rows": []})[0] == "/rows/0/loss is missing"
    assert first_difference(one, {**same, "more": [1]})[0] == "/more/0 is one too many"


def test_no_kills_are_refused() -> None:
    with pytest.raises(UserError, match="--kills 0 tests nothing"):
        selftest_resume(kills=0)
