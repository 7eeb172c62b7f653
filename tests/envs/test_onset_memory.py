"""While a flag is on, the numbers of the moment it came on stay in sight; nothing else changes."""

from typing import Any

import numpy as np
import pytest

from lockstep.doctor.world import check_env
from lockstep.envs.onset_memory import BlindOnsetMemory, OnsetMemory, remembering
from lockstep.envs.protocol import PlaysUnobserved
from lockstep.envs.registry import make_vec
from lockstep.errors import UserError
from lockstep.experience.rollout import random_play
from lockstep.spec import FLAG_BITS, FLOAT_BITS, EnvSpec

LAYOUT = ".....\n.x.x.\n.x.x.\n.....\n..g.."
CARRYING, X, Y = 2, 0, 1


def warehouse(lanes: int = 16) -> OnsetMemory:
    env = remembering(make_vec("rware-tiny-2ag-v2", lanes, seed=3, time_limit=60, layout=LAYOUT), (CARRYING,))
    assert isinstance(env, OnsetMemory)
    return env


def test_the_place_of_the_pick_up_is_remembered_until_the_shelf_is_put_down() -> None:
    env, rng = warehouse(), np.random.default_rng(0)
    obs = env.reset()
    expected = np.zeros((16, 2, 2), dtype=np.float32)
    was_carrying = np.zeros((16, 2), dtype=bool)
    pick_ups = 0
    for _ in range(60):
        carrying = obs[..., CARRYING] > 0
        for lane, agent in zip(*np.nonzero(carrying & ~was_carrying), strict=True):
            expected[lane, agent] = obs[lane, agent, [X, Y]]
            pick_ups += 1
        expected[~carrying] = 0
        np.testing.assert_array_equal(obs[..., -2:], expected)
        was_carrying = carrying
        obs = env.step(rng.integers(5, size=(16, 2))).obs
    assert pick_ups > 20


def test_nothing_is_carried_over_into_the_next_episode() -> None:
    env, rng = warehouse(), np.random.default_rng(1)
    env.reset()
    for _ in range(30):
        env.step(rng.integers(5, size=(16, 2)))
    half = np.arange(16) < 8
    before = env.noted.copy()
    obs = env.reset(seed=9, mask=half)
    assert before[:8].any()
    assert not obs[:8, :, -2:].any()
    np.testing.assert_array_equal(obs[8:, :, -2:].reshape(before[8:].shape), before[8:])


def test_lanes_outside_the_mask_keep_what_they_remember() -> None:
    env, rng = warehouse(), np.random.default_rng(2)
    env.reset()
    for _ in range(20):
        env.step(rng.integers(5, size=(16, 2)))
    still = np.arange(16) >= 8
    before = env.noted[still].copy()
    env.step(rng.integers(5, size=(16, 2)), ~still)
    np.testing.assert_array_equal(env.noted[still], before)


def test_the_future_follows_from_the_state() -> None:
    env, rng = warehouse(), np.random.default_rng(4)
    env.reset()
    actions = rng.integers(5, size=(40, 16, 2))
    for step in actions[:20]:
        env.step(step)
    state = env.get_state()
    first = [env.step(step).obs.copy() for step in actions[20:]]
    env.set_state(state)
    second = [env.step(step).obs.copy() for step in actions[20:]]
    np.testing.assert_array_equal(first, second)


def test_it_keeps_every_promise_of_the_protocol() -> None:
    promises = check_env(
        lambda lanes, seed: remembering(
            make_vec("rware-tiny-2ag-v2", lanes, seed=seed, time_limit=60, layout=LAYOUT), (CARRYING, 7)
        )
    )
    assert {promise.name: promise.outcome for promise in promises if promise.outcome != "kept"} == {}


def test_the_state_of_another_environment_is_refused_in_a_sentence() -> None:
    env = warehouse(2)
    with pytest.raises(UserError, match="not from an environment that remembers onsets"):
        env.set_state(env.env.get_state())


class Sure:
    """One lane, one agent, two steps: a flag that goes on and off, and a number beside it."""

    num_envs, plays_teams = 1, False

    def __init__(self, numbers: list[float]) -> None:
        self.spec = EnvSpec("sure", 1, 2, 2, 9, (FLAG_BITS, FLOAT_BITS))
        self.numbers = iter(numbers)

    def reset(self, seed: int | None = None, mask: Any = None) -> Any:
        return np.array([[[0.0, next(self.numbers)]]], dtype=np.float32)


def test_what_is_off_is_zero_whatever_the_number_was() -> None:
    """No minus zero, and nothing of what is no number: compiled play has plain zeros there."""
    sure: Any = Sure([-1.0, float("nan"), float("inf")])
    env = OnsetMemory(sure, (0,))
    for _ in range(3):
        noted = env.reset()[..., 2:]
        assert noted.tolist() == [[[0.0]]]
        assert not np.signbit(noted).any()


def test_it_plays_teams_where_the_environment_does_even_if_that_cannot_play_blind() -> None:
    plain = make_vec("rware-tiny-2ag-v2", 2, engine="official")
    assert not OnsetMemory(plain, (CARRYING,)).plays_teams
    seeing = OnsetMemory(make_vec("rware-tiny-2ag-v2", 2), (CARRYING,))
    assert not isinstance(seeing, PlaysUnobserved)
    assert seeing.plays_teams


def test_blind_play_stays_blind_and_the_same() -> None:
    plain = make_vec("rware-tiny-2ag-v2", 64, seed=0, time_limit=60, layout=LAYOUT)
    env = remembering(make_vec("rware-tiny-2ag-v2", 64, seed=0, time_limit=60, layout=LAYOUT), (CARRYING,))
    assert isinstance(env, BlindOnsetMemory)
    assert isinstance(env, PlaysUnobserved)
    expected = random_play(plain, np.random.default_rng(5), 11)
    found = random_play(env, np.random.default_rng(5), 11)
    assert expected.returns.tolist() == found.returns.tolist()
    assert expected.episodes is not None
    assert found.episodes is not None
    np.testing.assert_array_equal(found.episodes.obs[..., :-2], expected.episodes.obs)


def test_a_world_that_cannot_play_blind_still_cannot() -> None:
    plain = make_vec("rware-tiny-2ag-v2", 2, engine="official")
    assert not isinstance(remembering(plain, (CARRYING,)), PlaysUnobserved)
    assert remembering(plain, ()) is plain


@pytest.mark.parametrize("feature", [X, 71, 4_000])
def test_only_flags_can_come_on(feature: int) -> None:
    with pytest.raises(UserError, match=f"remember_onset={feature} names no flag"):
        remembering(make_vec("rware-tiny-2ag-v2", 1), (feature,))
