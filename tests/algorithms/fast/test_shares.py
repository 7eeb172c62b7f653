"""Several processes work out the gradient that one would."""

import os
import signal
from typing import Any

import pytest
import torch

from lockstep.algorithms.fast import shares
from lockstep.algorithms.fast.shares import GradientWorker, GradientWorkers, num_shares, share_bounds, update_ms
from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import make_env
from lockstep.errors import UserError
from lockstep.spec import FLAG_BITS, EnvSpec
from tests.episodes import random_episodes
from tests.learners import build

SPEC = EnvSpec("test", 3, 6, 4, 9, (FLAG_BITS,) * 6)


def learner(num_threads: int, **changes: Any) -> GradientLearner:
    config = {
        "network": {"recurrent": True, "hidden_dim": 16},
        "algorithm": {"target_sync_updates": 3, "td_lambda": 0.5, "standardize_rewards": True},
        "replay": {"batch_size": 33},
        "training": {"num_threads": num_threads},
    }
    return build(SPEC, RunConfig.model_validate(config | changes))


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("learner_share", [1.0, 0.3])
def test_two_shares_learn_what_one_learns(learner_share: float) -> None:
    alone, together = learner(1), learner(2, training={"num_threads": 2, "learner_share": learner_share})
    assert (alone.workers.count, together.workers.count) == (1, 2)
    for seed in range(4):
        batch = random_episodes(SPEC, 33, seed=seed)
        expected, found = alone.update(batch), together.update(batch)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert found[name].item() == pytest.approx(value.item(), rel=1e-4, abs=1e-6), name
    torch.testing.assert_close(together.weights, alone.weights, rtol=1e-3, atol=1e-5)


def test_shares_repeat_themselves_to_the_last_bit() -> None:
    first, second = learner(2), learner(2)
    for seed in range(4):
        batch = random_episodes(SPEC, 33, seed=seed)
        first.update(batch)
        second.update(batch)
    assert torch.equal(first.weights, second.weights)


@pytest.mark.parametrize(
    ("episodes", "shares", "own", "bounds"),
    [
        (64, 1, 0.4, [0, 64]),
        (64, 2, 1.0, [0, 32, 64]),
        (64, 2, 0.5, [0, 21, 64]),
        (64, 3, 0.5, [0, 13, 38, 64]),
        (2, 2, 0.1, [0, 1, 2]),
    ],
)
def test_the_learners_share_may_be_smaller(episodes: int, shares: int, own: float, bounds: list[int]) -> None:
    assert share_bounds(episodes, shares, own) == bounds


def test_there_is_time_for_something_else_before_the_step() -> None:
    subject, calls = learner(2), []
    before = subject.weights.clone()
    subject.update(random_episodes(SPEC, 33), lambda: calls.append(torch.equal(subject.weights, before)))
    assert calls == [True]


def test_few_episodes_are_not_shared() -> None:
    assert learner(4, replay={"batch_size": 31}).workers.count == 1
    assert learner(4, replay={"batch_size": 48}).workers.count == 3


def helper(subject: GradientLearner) -> GradientWorker:
    """The first of the processes that work for it."""
    assert isinstance(subject.workers, GradientWorkers)
    return subject.workers.helpers[0]


def test_a_dead_helper_is_a_sentence() -> None:
    subject = learner(2)
    subject.update(random_episodes(SPEC, 33))
    before = subject.weights.clone()
    os.kill(helper(subject).process.pid, signal.SIGKILL)
    with pytest.raises(UserError, match=r"has died \(exit code -9.*num_threads=1 needs no helpers"):
        subject.update(random_episodes(SPEC, 33))
    assert torch.equal(subject.weights, before)


def test_helpers_leave_with_the_learner() -> None:
    subject = learner(2)
    process = helper(subject).process.process
    del subject
    assert process.poll() is not None


def stopped(subject: GradientLearner) -> int:
    """Let a helper stand still, as by a debugger or an overloaded machine. Returns its number."""
    process = helper(subject).process
    os.kill(process.pid, signal.SIGSTOP)
    return process.pid


def test_a_helper_that_stands_still_is_replaced_and_nothing_changes(monkeypatch: Any, capsys: Any) -> None:
    undisturbed, subject = learner(2), learner(2)
    for seed in range(4):
        batch = random_episodes(SPEC, 33, seed=seed)
        undisturbed.update(batch)
        if seed == 1:
            number = stopped(subject)
            with monkeypatch.context() as patched:
                patched.setattr(shares, "SILENT_SECONDS", 0.2)
                patched.setattr(shares, "LOOK_SECONDS", 0.1)
                subject.update(batch)
            assert "did not answer" in capsys.readouterr().err
            assert helper(subject).process.pid != number
        else:
            subject.update(batch)
    assert torch.equal(subject.weights, undisturbed.weights)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_helpers_that_stand_still_again_and_again_are_a_sentence(monkeypatch: Any) -> None:
    subject = learner(2)
    for name in ("SILENT_SECONDS", "START_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(shares, name, 0.05)
    monkeypatch.setattr(shares, "MAX_SILENCES", 2)
    stopped(subject)
    subject.update(random_episodes(SPEC, 33))
    before = subject.weights.clone()
    stopped(subject)
    with pytest.raises(UserError, match=r"silent for too long, 2 times in a row.*num_threads=1"):
        subject.update(random_episodes(SPEC, 33))
    assert torch.equal(subject.weights, before)


CORES = (1, 2, 4, 8, 16)
TASKS = {
    "solve": [1, 2, 2, 2, 2],
    "report-final": [1, 2, 4, 8, 13],
    "smoke": [1, 2, 2, 2, 2],
    "report-default": [1, 2, 2, 2, 2],
}


@pytest.mark.parametrize("preset", TASKS)
def test_more_cores_are_never_expected_to_be_slower(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = load_config(preset)
    spec = make_env(made.env, 1, 0).spec
    chosen = []
    for there in CORES:
        monkeypatch.setattr("lockstep.algorithms.fast.shares.cores", lambda there=there: there)
        chosen.append(num_shares(made, spec))
    assert chosen == TASKS[preset]
    expected = [update_ms(made, spec, shares) for shares in chosen]
    assert expected == sorted(expected, reverse=True)


def test_a_number_of_threads_is_taken_literally(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockstep.algorithms.fast.shares.cores", lambda: 2)
    made = load_config("solve", ["training.num_threads=4"])
    assert num_shares(made, make_env(made.env, 1, 0).spec) == 4
