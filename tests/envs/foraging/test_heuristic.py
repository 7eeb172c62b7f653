"""The programmed team gathers beside what it can lift, and what it does is counted."""

import numpy as np
import pytest

from lockstep.acting.policy import RandomPolicy
from lockstep.envs.foraging.heuristic import ForagingHeuristic
from lockstep.envs.foraging.simulator import ForagingSimulator
from lockstep.envs.registry import family_of, make_vec
from lockstep.experience.evaluate import evaluate
from lockstep.experience.rollout import collect
from tests.envs.foraging.fields import EAST, LOAD, NORTH, SOUTH, STAY, WEST, field


def chosen(env: ForagingSimulator) -> list[int]:
    actions, _ = ForagingHeuristic(env).act(env.observe(), None, np.zeros((1, 2), dtype=np.int64), None)
    found: list[int] = actions[0].tolist()
    return found


def test_the_first_waits_for_the_second_and_then_both_load() -> None:
    assert chosen(field(". . . . .\n. A1 3 . .\n. . . . .\n. . . . B2\n. . . . ."))[0] == STAY
    assert chosen(field(". . . . .\n. A1 3 B2 .\n. . . . .\n. . . . .\n. . . . .")) == [LOAD, LOAD]


def test_who_is_not_needed_goes_to_other_food() -> None:
    assert chosen(field(". . . . .\n. A1 1 . .\n. . . . .\n. . . 3 .\n. B1 . . .")) in ([LOAD, NORTH], [LOAD, EAST])


def test_the_way_leads_around_food_and_who_waits_there() -> None:
    drawing = ". . . . . .\n. A1 1 . B1 .\n. . . . . .\n. . . . . .\n. . . . . .\n. . . . . ."
    assert chosen(field(drawing))[0] == LOAD
    blocked = ". . . . . .\n. . . . . .\nB1 A1 2 . . .\n. . . . . .\n. . . . . .\n. . . . . ."
    assert chosen(field(blocked))[1] in (NORTH, SOUTH)


def test_nothing_is_tried_where_the_food_is_too_heavy_for_all() -> None:
    env = field(". . . . .\n. A1 9 . .\n. . . . .\n. . . . B2\n. . . . .")
    for _ in range(5):
        actions = chosen(env)
        assert LOAD not in actions
        env.step(np.array([actions]))


@pytest.mark.parametrize("key", ["Foraging-8x8-2p-2f-coop-v3", "Foraging-10x10-3p-3f-v3", "Foraging-6x6-6p-4f-v3"])
def test_it_eats_nearly_everything_and_random_play_hardly_anything(key: str) -> None:
    env = make_vec(key, 50)
    team = family_of(key).heuristic(env)
    assert team is not None
    assert evaluate(team, env, 50, seed=1).returns.mean() > 0.95
    assert evaluate(RandomPolicy(6, np.random.default_rng(1)), env, 50, seed=1).returns.mean() < 0.6


def test_both_engines_play_the_same_by_it() -> None:
    key = "Foraging-6x6-3p-2f-v3"
    ours, truth = make_vec(key, 2, seed=4), make_vec(key, 2, seed=4, engine="official")
    one, other = (evaluate(family_of(key).heuristic(env), env, 2, seed=4).returns for env in (ours, truth))  # type: ignore[arg-type]
    np.testing.assert_array_equal(one, other)


def test_what_a_team_does_is_counted() -> None:
    """A eats while B looks on beside it, and leaves the rest; six of twelve times somebody stays where it is."""
    env = field(". . . . .\n. A1 1 B1 .\n. . . . .\n. . . 2 .\n. . . . .")
    start = env.get_state()
    env.reset = lambda seed=None, mask=None: (env.set_state(start), env.observe())[1]  # type: ignore[method-assign, func-returns-value]
    script = [(LOAD, STAY), (SOUTH, WEST), (EAST, STAY), (EAST, SOUTH), (SOUTH, EAST), (SOUTH, EAST)]
    actions = np.array([script], dtype=np.int64)
    row = family_of(env.spec.key).facts(env, actions, 0)
    assert row["test_eaten_share"] == 0.5
    assert row["test_snatched_meal_share"] == 1.0
    assert row["test_shared_meal_share"] == 0.0
    assert row["test_failed_load_share"] == 0.0
    assert row["test_meal_share_min"] == 0.0
    assert row["test_idle_share"] == 0.5


def test_eaten_food_is_what_was_paid_for() -> None:
    key = "Foraging-5x5-2p-2f-v3"
    env = make_vec(key, 20, time_limit=20)
    episodes = collect(env, RandomPolicy(6, np.random.default_rng(3)), seed=5)
    row = family_of(key).facts(env, episodes.actions.numpy(), 5)
    assert (row["test_eaten_share"] > 0) == bool(episodes.reward.any())
    assert family_of(key).facts(make_vec(key, 20, engine="official"), episodes.actions.numpy(), 5) == {}
