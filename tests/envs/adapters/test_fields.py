"""Fields of food with other libraries' faces: what people who use lbforaging find there."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

import lockstep
import lockstep.envs.adapters.gymnasium  # registers the ids
from lockstep.envs.adapters.field_env import FieldEnv
from lockstep.envs.foraging.official import make_official
from lockstep.errors import UserError

KEYS = ("Foraging-8x8-2p-2f-v3", "Foraging-2s-8x8-3p-2f-coop-v3", "Foraging-5x5-6p-3f-v3")


def pair(key: str, **arguments: Any) -> tuple[FieldEnv, Any]:
    """Our face and the package's environment."""
    ours = gymnasium.make(f"lockstep/{key}", **arguments).unwrapped
    assert isinstance(ours, FieldEnv)
    return ours, make_official(ours.config)


@pytest.mark.parametrize("key", KEYS)
def test_a_program_that_used_the_package_goes_on(key: str) -> None:
    """Also through seeds, on a used field, where the package starts players where nobody stood before."""
    ours, truth = pair(key, penalty=0.1)
    assert ours.observation_space == truth.observation_space
    assert ours.action_space == truth.action_space
    rng = np.random.default_rng(3)
    for seed in (7, None, 7, 8, None):
        mine, theirs = ours.reset(seed=seed)[0], truth.reset(seed=seed)[0]
        done = False
        while not done:
            np.testing.assert_array_equal(mine, theirs)
            assert [(p.position, p.level, p.score) for p in ours.players] == [
                (p.position, p.level, p.score) for p in truth.players
            ]
            np.testing.assert_array_equal(ours.field, truth.field)
            if len(mine) < 4:  # they are every combination
                assert ours.get_valid_actions() == truth.get_valid_actions()
            actions = rng.choice(6, size=len(mine), p=(0.1, 0.15, 0.15, 0.15, 0.15, 0.3)).tolist()
            mine, rewards, done, truncated, info = ours.step(actions)
            theirs, *others = truth.step(actions)
            assert [rewards, done, truncated, info] == others  # to the last bit
    assert ours.game_over == truth.game_over


def test_epymarls_calling_habit_meets_the_same_trajectory() -> None:
    ours, truth = pair(KEYS[0])
    for env in (ours, truth):
        env.seed(5)
    for _ in range(3):
        np.testing.assert_array_equal(ours.reset()[0], truth.reset()[0])


def test_layers_have_the_packages_shape() -> None:
    ours, truth = pair(KEYS[0], grid_observation=True, sight=2)
    mine, theirs = ours.reset(seed=1)[0], truth.reset(seed=1)[0]
    assert mine[0].shape == (3, 5, 5)
    np.testing.assert_array_equal(mine, theirs)
    assert ours.observation_space.contains(mine)


def test_many_at_once_restart_by_gymnasiums_rules() -> None:
    env = gymnasium.make_vec(f"lockstep/{KEYS[0]}", num_envs=3, max_episode_steps=4)
    obs, _ = env.reset(seed=[5, 9, 2])  # type: ignore[arg-type]
    alone = lockstep.make_vec(KEYS[0], 1, seed=9)
    np.testing.assert_array_equal(obs[1], alone.reset()[0])
    for step in range(5):
        obs, reward, _, truncated, info = env.step(np.zeros((3, 2), dtype=int))
        assert truncated.tolist() == [step == 3] * 3
        assert info["agent_rewards"].shape == (3, 2)
        assert reward.shape == (3,)
    with pytest.raises(UserError, match="two names of one thing"):
        gymnasium.make_vec("lockstep/Foraging-8x8-2p-2f-v3", num_envs=1, max_episode_steps=4, time_limit=3)


def test_pettingzoos_own_tests_pass() -> None:
    parallel_api_test(lockstep.parallel_env(KEYS[1]), num_cycles=120)
    parallel_seed_test(lambda: lockstep.parallel_env(KEYS[1]), num_cycles=20)


def test_a_seed_means_the_same_on_a_used_field() -> None:
    """PettingZoo promises it, so here a seed also forgets where players stood."""
    env = lockstep.parallel_env(KEYS[2])
    first = env.reset(seed=4)[0]
    for _ in range(3):
        env.reset()
    for name, seen in env.reset(seed=4)[0].items():
        np.testing.assert_array_equal(seen, first[name])


def test_players_have_names_and_their_own_rewards() -> None:
    env = lockstep.parallel_env(KEYS[0], max_cycles=3, render_mode="rgb_array")
    obs, _ = env.reset(seed=4)
    assert list(obs) == ["player_0", "player_1"]
    assert env.metadata["name"] == "foraging"
    assert env.state_space.contains(env.state())
    assert env.render().shape == (8 * 24, 8 * 24, 3)  # type: ignore[union-attr]
    for step in range(3):
        _, rewards, _, truncated, _ = env.step({"player_0": 5, "player_1": 0})
        assert set(rewards) == {"player_0", "player_1"}
        assert truncated["player_0"] is (step == 2)
    assert env.agents == []
