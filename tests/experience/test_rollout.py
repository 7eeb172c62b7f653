"""Playing whole episodes: every lane to its own end, nothing lost, blind play the same as seeing play."""

from typing import Any

import numpy as np
import pytest
import torch

from lockstep.acting.exploration import Script
from lockstep.acting.policy import RandomPolicy
from lockstep.arrays import Actions, Mask, Obs
from lockstep.envs.onset_memory import remembering
from lockstep.envs.protocol import PlaysUnobserved
from lockstep.envs.registry import make_vec
from lockstep.experience.rollout import collect, random_play

LAYOUT = ".....\n.x.x.\n.x.x.\n.....\n..g.."


def warehouse(num_envs: int, **arguments: Any) -> Any:
    return make_vec("rware-tiny-2ag-v2", num_envs, seed=0, time_limit=40, layout=LAYOUT, **arguments)


def random_policy(seed: int = 0) -> RandomPolicy:
    return RandomPolicy(5, np.random.default_rng(seed))


class Recorder:
    """A policy that remembers what it was shown."""

    def __init__(self, policy: RandomPolicy) -> None:
        self.policy = policy
        self.seen: list[Obs] = []
        self.last: list[Actions] = []

    def act(self, obs: Obs, available: Mask | None, last_actions: Actions, memory: Any) -> tuple[Actions, Any]:
        self.seen.append(obs.copy())
        self.last.append(last_actions.copy())
        return self.policy.act(obs, available, last_actions, memory)


def test_an_episode_records_what_the_policy_saw_and_did() -> None:
    policy = Recorder(random_policy())
    batch = collect(warehouse(3), policy, seed=5)
    assert batch.obs.shape == (3, 41, 2, 71)
    assert torch.equal(batch.obs[:, :-1], torch.from_numpy(np.stack(policy.seen, axis=1)))
    assert torch.equal(batch.actions[:, :-1], torch.from_numpy(np.stack(policy.last[1:], axis=1)))
    assert (policy.last[0] == -1).all()
    assert batch.truncated[:, -1].all()
    assert not batch.terminated.any()
    assert batch.num_steps == 3 * 40


def test_lanes_end_each_at_its_own_time() -> None:
    # Without a delivery for 7 steps an episode is over.
    batch = collect(warehouse(64, max_inactivity_steps=7), random_policy(), seed=1)
    lengths = batch.lengths()
    assert lengths.min() == 7
    for lane in range(64):
        last = int(lengths[lane]) - 1
        assert (batch.terminated | batch.truncated)[lane].flatten().nonzero().tolist() == [[last]]
        assert batch.reward[lane, last + 1 :].abs().sum() == 0


def test_the_same_seed_plays_the_same_episodes() -> None:
    one, other = (collect(warehouse(4), random_policy(), seed=3) for _ in range(2))
    assert torch.equal(one.obs, other.obs)
    assert not torch.equal(one.obs, collect(warehouse(4), random_policy(), seed=4).obs)


def test_warehouses_can_be_played_blind() -> None:
    assert isinstance(warehouse(1), PlaysUnobserved)


def test_blind_random_play_remembers_exactly_the_rewarding_episodes() -> None:
    env = warehouse(200)
    played = random_play(env, np.random.default_rng(0), seed=11)
    assert played.episodes is not None
    assert played.lengths.tolist() == [40] * 200
    earned = played.returns[played.returns > 0]
    assert 0 < len(earned) < 200
    assert played.episodes.returns().tolist() == earned.tolist()
    assert played.episodes.filled.all()


@pytest.mark.parametrize("flags", [(), (2,)])
def test_blind_random_play_counts_the_steps_that_happened(flags: tuple[int, ...]) -> None:
    env = remembering(warehouse(400, max_inactivity_steps=38), flags)
    played = random_play(env, np.random.default_rng(0), seed=11)
    actions = np.random.default_rng(0).integers(5, size=(40, 400, 2), dtype=np.int8)
    seen = collect(env, random_policy(), Script(actions), seed=11)
    assert played.lengths.tolist() == seen.lengths().tolist()
    assert 38 == played.lengths.min() < played.lengths.max() <= 40


@pytest.mark.parametrize("key", ["probe-coin", "probe-two-step"])
def test_random_play_that_cannot_be_blind_remembers_all(key: str) -> None:
    played = random_play(make_vec(key, 8), np.random.default_rng(0), seed=1)
    assert played.episodes is not None
    assert played.episodes.returns().tolist() == played.returns.tolist()
