"""SuperSuit's wrappers go around our PettingZoo face: each keeps PettingZoo's promises, and does what it says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test

import lockstep
from lockstep.envs.adapters.pettingzoo import env as in_turns

supersuit = pytest.importorskip("supersuit", reason="supersuit is in the extra dev")
KEY = "rware-tiny-2ag-v2"

WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "flatten": supersuit.flatten_v0,
    "dtype": lambda env: supersuit.dtype_v0(env, np.float64),
    "reshape": lambda env: supersuit.reshape_v0(env, (71, 1)),
    "normalize_obs": supersuit.normalize_obs_v0,
    "frame_stack": lambda env: supersuit.frame_stack_v1(env, 3),
    "frame_skip": lambda env: supersuit.frame_skip_v0(env, 2),
    "sticky_actions": lambda env: supersuit.sticky_actions_v0(env, 0.5),
    "delay_observations": lambda env: supersuit.delay_observations_v0(env, 2),
    "max_observation": lambda env: supersuit.max_observation_v0(env, 2),
    "clip_reward": lambda env: supersuit.clip_reward_v0(env, -0.5, 0.5),
    "agent_indicator": lambda env: supersuit.agent_indicator_v0(env, type_only=False),
    "black_death": supersuit.black_death_v3,
    "pad_observations": supersuit.pad_observations_v0,
    "pad_action_space": supersuit.pad_action_space_v0,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRAPPERS)
def test_a_wrapped_warehouse_passes_pettingzoos_test(name: str) -> None:
    parallel_api_test(WRAPPERS[name](lockstep.parallel_env(KEY, time_limit=30)), num_cycles=60)


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_warehouse_in_turns_plays_an_episode_wrapped(name: str) -> None:
    env = WRAPPERS[name](in_turns(KEY, time_limit=4))
    env.reset(seed=1)
    for agent in env.agent_iter(max_iter=100):
        *_, terminated, truncated, _ = env.last()
        env.step(None if terminated or truncated else env.action_space(agent).sample())
    assert env.agents == []


def test_robots_become_the_lanes_of_a_vector_environment() -> None:
    lanes = supersuit.concat_vec_envs_v1(
        supersuit.pettingzoo_env_to_vec_env_v1(lockstep.parallel_env(KEY, time_limit=5)), 3, base_class="gymnasium"
    )
    assert lanes.num_envs == 6
    obs, _ = lanes.reset(seed=1)
    assert obs.shape == (6, 71)
    for _ in range(12):
        obs, reward, *_ = lanes.step(np.ones(6, dtype=np.int64))
    assert obs.shape == (6, 71)
    assert reward.shape == (6,)
