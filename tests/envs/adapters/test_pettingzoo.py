"""PettingZoo's own tests pass, and what it shows is the simulator."""

import warnings
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import (
    api_test,
    max_cycles_test,
    parallel_api_test,
    parallel_seed_test,
    render_test,
    seed_test,
    state_test,
)
from pettingzoo.utils import aec_to_parallel, parallel_to_aec

import lockstep
import lockstep.envs.pettingzoo as old_address
from lockstep.envs.adapters import pettingzoo as face
from lockstep.envs.adapters.pettingzoo import env as in_turns
from lockstep.envs.registry import make_vec
from lockstep.errors import UserError

KEY = "rware-tiny-2ag-v2"


@pytest.mark.parametrize("arguments", [{}, {"msg_bits": 1}, {"observation_type": "image_dict"}])
def test_pettingzoos_api_test_passes(arguments: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(lockstep.parallel_env(KEY, **arguments), num_cycles=600)


def test_pettingzoos_seed_test_passes() -> None:
    parallel_seed_test(lambda: lockstep.parallel_env(KEY), num_cycles=300)


@pytest.mark.filterwarnings("ignore:.*(needs a display|all zeros)")
def test_pettingzoos_other_tests_pass() -> None:
    max_cycles_test(face)
    render_test(in_turns)
    state_test(in_turns(), lockstep.parallel_env())
    seed_test(in_turns, num_cycles=50)


@pytest.mark.parametrize("arguments", [{}, {"msg_bits": 1}])
def test_pettingzoos_api_test_passes_in_turns(arguments: dict[str, Any]) -> None:
    api_test(in_turns(KEY, **arguments), num_cycles=100)


def test_there_and_back_between_turns_and_at_once_changes_nothing() -> None:
    plain = lockstep.parallel_env(KEY, time_limit=20)
    there = aec_to_parallel(parallel_to_aec(lockstep.parallel_env(KEY, time_limit=20)))
    assert plain.possible_agents == there.possible_agents
    for env in (plain, there):
        env.reset(seed=2)
    rng = np.random.default_rng(0)
    while plain.agents:
        actions = {agent: int(rng.integers(5)) for agent in plain.agents}
        one, other = plain.step(actions), there.step(actions)
        assert all(np.array_equal(one[0][agent], other[0][agent]) for agent in actions)
        assert one[1:4] == other[1:4]
    assert there.agents == []


def test_it_has_what_pettingzoos_users_read() -> None:
    env = lockstep.parallel_env(KEY)
    env.reset(seed=7)
    assert set(env.observation_spaces) == set(env.action_spaces) == {"robot_0", "robot_1"}
    assert env.observation_space("robot_1") is env.observation_spaces["robot_1"]
    assert env.state() in env.state_space
    assert env.unwrapped.np_random_seed == 7
    twin = lockstep.parallel_env(KEY)
    twin.reset(seed=7)
    assert env.unwrapped.np_random.bit_generator.state == twin.unwrapped.np_random.bit_generator.state
    assert env.unwrapped.np_random.bit_generator.state != np.random.default_rng(7).bit_generator.state  # it was used


def test_its_old_address_still_works() -> None:
    assert old_address.parallel_env is lockstep.parallel_env
    assert old_address.env is in_turns


def test_the_step_limit_has_pettingzoos_name_too() -> None:
    assert lockstep.parallel_env(KEY, max_cycles=4).config.time_limit == 4
    with pytest.raises(UserError, match="two names"):
        lockstep.parallel_env(KEY, max_cycles=4, time_limit=5)


def test_robots_see_what_the_simulator_shows() -> None:
    env, plain = lockstep.parallel_env(KEY, time_limit=30), make_vec(KEY, 1, seed=4, time_limit=30)
    obs, _ = env.reset(seed=4)
    assert np.array_equal(np.stack([obs["robot_0"], obs["robot_1"]]), plain.reset()[0])
    while env.agents:
        actions = {agent: env.action_space(agent).sample() for agent in env.agents}
        obs, reward, terminated, truncated, _ = env.step(actions)
        step = plain.step(np.array([[actions["robot_0"], actions["robot_1"]]]))
        assert np.array_equal(np.stack([obs["robot_0"], obs["robot_1"]]), step.obs[0])
        assert list(reward.values()) == step.reward[0].tolist()
        assert obs["robot_0"] in env.observation_space("robot_0")
    assert not any(terminated.values())
    assert all(truncated.values())
    assert env.state().shape == (142,)


def test_an_action_left_out_and_a_step_after_the_end_are_refused() -> None:
    env = lockstep.parallel_env(KEY, time_limit=1)
    env.reset()
    with pytest.raises(UserError, match="robot_1"):
        env.step({"robot_0": 0})
    env.step({"robot_0": 0, "robot_1": 0})
    with pytest.raises(UserError, match="ended"):
        env.step({"robot_0": 0, "robot_1": 0})


def test_a_step_without_actions_after_the_end_returns_nothing() -> None:
    env = lockstep.parallel_env(KEY, time_limit=1)
    assert env.step({}) == ({}, {}, {}, {}, {})
    env.reset()
    env.step({"robot_0": 0, "robot_1": 0})
    assert env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})


def test_it_draws_itself() -> None:
    env = lockstep.parallel_env(KEY, render_mode="rgb_array")
    env.reset()
    picture = env.render()
    assert picture is not None
    assert picture.shape == (264, 240, 3)
