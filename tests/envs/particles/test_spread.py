"""The compiled simple_spread is mpe2's, to the last bit; and it keeps the promises of the protocol."""

import sys
from typing import Any

import numpy as np
import pytest

from lockstep.envs.particles.simulator import ParticleSimulator
from lockstep.envs.registry import has_official_engine, make_vec
from lockstep.errors import UserError
from lockstep.spec import EnvSpec

KEY = "mpe:simple_spread_v3"


def spread(num_envs: int = 1, seed: int = 0, **arguments: Any) -> ParticleSimulator:
    env = make_vec(KEY, num_envs, seed, **arguments)
    assert isinstance(env, ParticleSimulator)
    return env


def placed(positions: list[list[float]], landmarks: list[list[float]], **arguments: Any) -> ParticleSimulator:
    """One game at rest with agents and landmarks where they are wanted."""
    env = spread(N=len(positions), **arguments)
    env.reset()
    state = env.get_state()
    env.set_state(state | {"positions": np.array([positions]), "landmarks": np.array([landmarks])})
    return env


STAY = np.zeros((1, 2), dtype=np.int64)


def test_without_the_package_nothing_is_confirmed_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_official_engine(KEY)
    monkeypatch.setitem(sys.modules, "mpe2", None)
    monkeypatch.delitem(sys.modules, "mpe2.simple_spread_v3", raising=False)
    assert not has_official_engine(KEY)
    with pytest.raises(UserError, match=r"needs the package mpe2.*pip install 'lockstep-marl\[worlds\]'"):
        make_vec(KEY, 1, engine="official")


def test_a_learner_is_told_the_shapes() -> None:
    assert spread().spec == EnvSpec(KEY, 3, 18, 5, 25, (32,) * 18)
    assert make_vec("pz-mpe-simple-spread-v3", 1).spec == EnvSpec("pz-mpe-simple-spread-v3", 3, 18, 5, 25, (32,) * 18)


def test_distance_is_shared_and_collisions_are_ones_own() -> None:
    """Landmarks 1 and 2 away from the agents nearest to them; two agents touch. Half of each counts."""
    env = placed([[0.0, 0.0], [0.2, 0.0], [5.0, 0.0]], [[0.0, 1.0], [5.0, 2.0], [5.0, 0.0]])
    step = env.step(np.zeros((1, 3), dtype=np.int64))
    assert step.reward[0].tolist() == [-2.0, -2.0, -1.5]


def test_an_action_pushes_and_friction_slows() -> None:
    """A push of 5 over 0.1 s makes 0.5 per second, which moves 0.05 in the step after and decays by a quarter."""
    env = placed([[0.0, 0.0], [9.0, 9.0]], [[0.0, 0.0], [9.0, 9.0]])
    env.step(np.array([[2, 0]]))
    env.step(STAY)
    positions, velocities, *_ = env.places()
    assert positions[0, 0].tolist() == pytest.approx([0.05, 0.0])
    assert velocities[0, 0].tolist() == pytest.approx([0.375, 0.0])


def test_the_end_of_time_is_a_truncation_and_success_a_termination() -> None:
    step = placed([[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, 1.0]], time_limit=1, terminate_on_success=True).step(
        STAY
    )
    assert (step.terminated[0], step.truncated[0]) == (False, True)
    step = placed([[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, 1.0]], terminate_on_success=True).step(STAY)
    assert (step.terminated[0], step.truncated[0]) == (True, False)


def test_lanes_outside_the_mask_stay_as_they_are() -> None:
    env = spread(num_envs=2, seed=7)
    env.reset()
    before = env.get_state()
    step = env.step(np.full((2, 3), 2), np.array([True, False]))
    after = env.get_state()
    assert all(np.array_equal(before[name][1], after[name][1]) for name in before)
    assert not np.array_equal(before["velocities"][0], after["velocities"][0])
    assert step.reward[1].tolist() == [0.0, 0.0, 0.0]


def test_a_state_continues_exactly() -> None:
    env, actions = spread(num_envs=3, seed=5), np.array([[1, 2, 3]] * 3)
    env.reset()
    state = env.get_state()
    first = [env.step(actions).obs.copy() for _ in range(5)]
    env.reset()
    env.set_state(state)
    assert [env.step(actions).obs.tolist() for _ in range(5)] == [obs.tolist() for obs in first]


def test_a_seed_belongs_to_a_lane() -> None:
    assert np.array_equal(spread(num_envs=2, seed=10).reset()[1], spread(num_envs=1, seed=11).reset()[0])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"N": 0}, "must be a whole number from 1 to 50"),
        ({"local_ratio": 2}, "from 0 to 1"),
        ({"continuous_actions": True}, "mpe2.simple_spread_v3:parallel_env"),
        ({"max_cycle": 3}, "did you mean max_cycles"),
        ({"time_limit": 0}, "time_limit=0"),
        ({"time_limit": 5, "max_cycles": 6}, "two names of one thing"),
    ],
)
def test_impossible_rules_are_refused(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        spread(**arguments)


def test_impossible_steps_are_refused_and_change_nothing() -> None:
    env = spread()
    with pytest.raises(UserError, match="reset it before"):
        env.step(np.zeros((1, 3), dtype=int))
    env.reset()
    before = env.get_state()
    for actions, sentence in (([[0, 0, 5]], "Action 5"), ([[0, 0]], "1 x 3"), ([[0.0, 0.0, 0.0]], "whole numbers")):
        with pytest.raises(UserError, match=sentence):
            env.step(np.array(actions))
    assert all(np.array_equal(before[name], value) for name, value in env.get_state().items())
