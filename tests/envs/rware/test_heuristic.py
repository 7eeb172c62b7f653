"""The heuristic team: shortest ways, sensible errands, no deadlock, the same on both engines."""

from typing import Any

import numpy as np
import pytest

from lockstep.envs.protocol import VectorEnv
from lockstep.envs.registry import make_vec
from lockstep.envs.rware._errands import FAR
from lockstep.envs.rware.heuristic import MAX_PLANNED_CELLS, HeuristicPolicy, routes_of
from lockstep.envs.rware.layout import layout_from_text
from lockstep.errors import UserError

CORRIDOR = """
xxx
...
.g.
"""
UP, DOWN, LEFT, RIGHT = range(4)


def play(env: VectorEnv, steps: int) -> np.ndarray:
    """(lanes, steps) team rewards."""
    policy, memory, rewards = HeuristicPolicy(env), None, []
    obs = env.reset()
    for _ in range(steps):
        actions, memory = policy.act(obs, None, None, memory)
        rewards.append(env.step(actions).reward.sum(-1))
    return np.stack(rewards, axis=-1)


def steps(routes: Any, row: int, x: int, y: int, direction: int) -> int:
    return int(routes.steps[row, 4 * (y * 3 + x) + direction])


def test_ways_count_turns_and_loaded_robots_keep_to_highways() -> None:
    routes = routes_of(layout_from_text(CORRIDOR))
    to_first_place, to_third_loaded, to_goal = 0, 5, 6
    assert steps(routes, to_first_place, 0, 2, UP) == 2
    assert steps(routes, to_first_place, 0, 2, DOWN) == 4  # two turns first
    assert steps(routes, to_first_place, 2, 0, LEFT) == 2  # unloaded, under a shelf
    assert steps(routes, to_third_loaded, 0, 0, DOWN) == 6  # down, turn, two right, turn, up
    assert steps(routes, to_goal, 0, 0, DOWN) == 4  # two down, turn, one right
    assert steps(routes, -1, 0, 0, UP) == 0


def test_a_walled_in_place_is_far_for_a_loaded_robot() -> None:
    routes = routes_of(layout_from_text("xxx.\nxxx.\nxxx.\n...g"))
    middle = list(routes.places).index(5)
    loaded = routes.steps[len(routes.places) + middle]
    assert loaded[4 * 15 : 4 * 16].min() == FAR
    assert routes.steps[middle, 4 * 15 : 4 * 16].min() < FAR


def test_one_robot_delivers_by_the_shortest_way() -> None:
    """Three up from below the shelf's column, lift, and back: worked by hand."""
    env = make_vec("rware-tiny-2ag-v2", 1, layout="x.x\n...\n...\n.g.", n_agents=1, request_queue_size=1, time_limit=40)
    rewards = play(env, 40)[0]
    first = int(np.flatnonzero(rewards)[0])
    # At most: two turns and four forward to the shelf, lift, two turns, three down, turn, one to the side.
    assert first + 1 <= 2 + 4 + 1 + 2 + 3 + 1 + 1
    assert rewards.sum() >= 2


@pytest.mark.parametrize("key", ["rware-tiny-2ag-v2", "rware-tiny-4ag-v2", "rware-small-4ag-hard-v2"])
def test_nobody_is_stuck(key: str) -> None:
    """Somebody delivers in every hundred steps of every lane: no deadlock, and no robots dancing around each other."""
    rewards = play(make_vec(key, 64, seed=5, time_limit=500), 500)
    hundreds = rewards.reshape(64, 5, 100).sum(-1)
    assert hundreds.min() >= 1


def test_it_beats_the_prototype() -> None:
    """5.65 per 100 steps is what a quick version earned (docs/baselines.md)."""
    assert play(make_vec("rware-tiny-2ag-v2", 256, seed=1, time_limit=100), 100).sum(1).mean() > 5.65


def test_both_engines_are_played_the_same() -> None:
    ours = play(make_vec("rware-tiny-4ag-v2", 3, seed=7, time_limit=120), 120)
    official = play(make_vec("rware-tiny-4ag-v2", 3, seed=7, time_limit=120, engine="official"), 120)
    np.testing.assert_array_equal(ours, official)
    assert ours.sum() > 0


def test_crowds_do_not_break_it() -> None:
    """Ten robots and hardly any room: whatever they do, every action is one of five."""
    env = make_vec(
        "rware-tiny-2ag-v2", 4, layout="xx..\nxx..\n..gg\n....", n_agents=10, request_queue_size=2, time_limit=60
    )
    assert play(env, 60).shape == (4, 60)


def test_acting_leaves_the_memory_it_was_given_alone() -> None:
    env = make_vec("rware-tiny-2ag-v2", 2, seed=1)
    policy, obs = HeuristicPolicy(env), env.reset()
    _, memory = policy.act(obs, None, None, None)
    before = memory.copy()
    first, _ = policy.act(obs, None, None, memory)
    again, _ = policy.act(obs, None, None, memory)
    np.testing.assert_array_equal(memory, before)
    np.testing.assert_array_equal(first, again)


def test_what_it_cannot_do_is_a_sentence() -> None:
    with pytest.raises(UserError, match="heuristic team for warehouses"):
        HeuristicPolicy(make_vec("probe-coin", 1))
    with pytest.raises(UserError, match="sends no messages"):
        HeuristicPolicy(make_vec("rware-tiny-2ag-v2", 1, msg_bits=1))
    side = int(MAX_PLANNED_CELLS**0.5) + 1
    with pytest.raises(UserError, match="up to 2,500 cells"):
        routes_of(layout_from_text("\n".join(["x" * (side - 1) + "g"] * side)))
