"""The example of an environment of one's own is one that can be trained on."""

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test

from examples.own_world import CELLS, Meeting, parallel_env
from lockstep.envs.registry import make_vec


def test_it_keeps_pettingzoos_promises() -> None:
    parallel_api_test(parallel_env(), num_cycles=100)


def test_both_are_paid_for_meeting_on_the_flag() -> None:
    world = Meeting()
    world.reset(seed=1)
    world.cells, world.flag = {"robot": 2, "guide": 1}, 3
    _, rewards, terminations, _, _ = world.step({"robot": 2, "guide": 3})
    assert rewards == {"robot": 1.0, "guide": 1.0}
    assert all(terminations.values())


def test_lockstep_sees_its_shapes_and_its_end() -> None:
    env = make_vec("examples.own_world:parallel_env", 1, seed=1, max_cycles=5)
    assert (env.spec.num_agents, env.spec.obs_dim, env.spec.num_actions, env.spec.time_limit) == (
        2,
        3 * CELLS + 1,
        4,
        5,
    )
    env.reset()
    ends = []
    for _ in range(5):
        step = env.step(np.array([[0, 0]]))
        ends.append(bool(step.truncated[0]))
    assert ends == [False, False, False, False, True]
    assert step.reward[0].tolist() == pytest.approx([-0.05, -0.05])
