"""PettingZoo's own tests pass, and what it shows is the simulator."""

import warnings
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

import lockstep
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


def test_it_draws_itself() -> None:
    env = lockstep.parallel_env(KEY, render_mode="rgb_array")
    env.reset()
    picture = env.render()
    assert picture is not None
    assert picture.shape == (264, 240, 3)
