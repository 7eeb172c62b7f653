"""Rewards are recorded as the team's sum or as every agent's own, however and wherever an episode is played."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockstep.acting.exploration import Script
from lockstep.acting.policy import RandomPolicy
from lockstep.algorithms import registry
from lockstep.algorithms.fast.shares import Exchange
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.registry import make_vec
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.replay import EpisodeStore
from lockstep.experience.rollout import collect, random_play
from lockstep.runs.directory import RunDirectory
from lockstep.spec import episode_bytes
from lockstep.training.checkpoints.checkpoint import load_latest, save_checkpoint
from lockstep.training.kill_test import first_difference
from lockstep.training.session import Session
from tests.experience.test_fields import all_of, same
from tests.experience.test_playing import OneByOne, assert_same, plays_teams, policy, warehouse
from tests.training.test_session import advanced, config, untimed

SPREAD = "mpe:simple_spread_v3"


def recording_own(env: VectorEnv) -> Any:
    env.spec = replace(env.spec, num_rewards=env.spec.num_agents)
    return env


def scripted(env: Any, seed: int = 2) -> EpisodeBatch:
    """One episode of every lane, its actions drawn beforehand."""
    shape = (env.spec.time_limit, env.num_envs, env.spec.num_agents)
    actions = np.random.default_rng(0).integers(env.spec.num_actions, size=shape)
    return collect(env, policy(env.spec), Script(actions), seed)


def busy(**arguments: Any) -> Any:
    """A small warehouse in which random robots earn something now and then, each for itself."""
    return warehouse(200, request_queue_size=3, reward_type="individual", time_limit=60, **arguments)


def test_compiled_and_step_by_step_play_record_each_robots_own_reward() -> None:
    fast, slow = recording_own(busy()), recording_own(busy())
    assert plays_teams(fast)
    batch = scripted(fast)
    assert batch.reward.shape == (200, 60, 2)
    assert (batch.reward.sum((0, 1)) > 0).all(), "each of them earned something, and not the same"
    assert not torch.equal(batch.reward[..., 0], batch.reward[..., 1])
    assert_same(batch, scripted(OneByOne(slow)))
    assert torch.equal(batch.team_reward, scripted(busy()).reward)
    assert torch.equal(batch.returns(), scripted(busy()).returns())


ENGINES: tuple[dict[str, Any], ...] = ({}, {"engine": "official"})


def test_the_official_warehouse_pays_each_robot_the_same() -> None:
    own, official = (recording_own(warehouse(3, request_queue_size=3, **more)) for more in ENGINES)
    assert_same(scripted(own), scripted(official))


def test_the_official_games_of_particles_pay_each_agent_the_same() -> None:
    games = [recording_own(make_vec(SPREAD, 3, seed=0, **more)) for more in ENGINES]
    own, official = (scripted(game) for game in games)
    assert own.reward.shape == (3, 25, 3)
    assert len({*own.reward[0, :, 0].tolist()} - {*own.reward[0, :, 1].tolist()}) > 0
    assert torch.equal(own.reward, official.reward)


def test_blind_random_play_remembers_each_robots_own_reward() -> None:
    blind = random_play(recording_own(busy()), np.random.default_rng(0), seed=11)
    assert blind.episodes is not None
    assert blind.episodes.reward.shape[-1] == 2
    assert blind.episodes.returns().tolist() == blind.returns[blind.returns > 0].tolist()


def test_agents_of_foreign_worlds_keep_their_own_rewards() -> None:
    env = recording_own(make_vec("tests.envs.foreign.games:Unequal", 2, seed=0))
    batch = collect(env, RandomPolicy(env.spec.num_actions, np.random.default_rng(0)), seed=1)
    assert batch.reward[0, :5].tolist() == [[1.0, 10.0], [1.0, 10.0], [0.0, 10.0], [0.0, 10.0], [0.0, 0.0]]
    assert batch.returns().tolist() == [42.0, 42.0]


def test_the_teams_sum_adds_its_agents_one_after_the_other() -> None:
    env = make_vec(SPREAD, 2, seed=0, N=11)
    own, together = scripted(recording_own(make_vec(SPREAD, 2, seed=0, N=11))), scripted(env)
    total = own.reward[..., 0]
    for agent in range(1, 11):
        total = total + own.reward[..., agent]
    assert torch.equal(together.reward[..., 0], total)


def test_own_rewards_travel_through_memory_and_to_helpers() -> None:
    env = recording_own(busy())
    batch = scripted(env)
    store = EpisodeStore(env.spec, 200, torch.device("cpu"))
    store.add(batch)
    assert same(store.get(all_of(200, env.spec)), batch)
    assert store.num_bytes() == 200 * episode_bytes(env.spec, masks=False)
    assert store.num_rewarding() == int((batch.returns() > 0).sum())
    exchange = Exchange.create(env.spec, 7, 200, 60)
    assert same(exchange.read(exchange.write(batch)), batch)


def test_a_run_of_an_algorithm_that_asks_for_them_is_saved_and_resumed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """QMIX, asking for more than it needs, learns what it learns from the sum."""
    sums = advanced(config(), 16)
    asking = {**registry.ALGORITHMS, "qmix": replace(registry.ALGORITHMS["qmix"], reward="own")}
    monkeypatch.setattr(registry, "ALGORITHMS", asking)
    own = advanced(config(), 12)
    assert own.spec.num_rewards == 2
    run = RunDirectory.create(tmp_path / "run", "test", 1, "")
    save_checkpoint(own, run)
    resumed = Session(own.config)
    assert load_latest(resumed, run) == []
    for session in (own, resumed):
        for _ in range(4):
            session.advance()
        assert first_difference(session.learner.policy_state(), sums.learner.policy_state())[0] is None
    assert untimed(own.metrics_row()) == untimed(resumed.metrics_row()) == untimed(sums.metrics_row())
