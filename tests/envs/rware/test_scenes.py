"""Moves worked by hand, in both engines: robots are put where the rule bites, and one step is made.

In the drawings of `text`, three letters a cell: ^v<> a robot, in brackets when loaded, s a shelf, R a requested one.
"""

from typing import Any

import numpy as np

from lockstep.envs.registry import make_vec
from lockstep.envs.rware import _kernel
from lockstep.envs.rware.official import OfficialWarehouses
from lockstep.envs.rware.simulator import Simulator

UP, DOWN, WEST, EAST = range(4)
STAY, GO, TURN_LEFT, TURN_RIGHT, TOGGLE = range(5)
Place = tuple[int, int]
Standing = tuple[int, int, int, bool]
"""x, y, direction, loaded (with the shelf that belongs on that place)"""


class Scene:
    """One warehouse in both engines, robots put down by hand; robots that carry take the shelf of their own place."""

    def __init__(self, layout: str, robots: list[Standing], **changes: Any) -> None:
        arguments: dict[str, Any] = {"n_agents": len(robots), "request_queue_size": 1, "layout": layout, **changes}
        ours = make_vec("rware-tiny-2ag-v2", 1, **arguments)
        official = make_vec("rware-tiny-2ag-v2", 1, engine="official", **arguments)
        assert isinstance(ours, Simulator)
        assert isinstance(official, OfficialWarehouses)
        self.ours, self.official = ours, official
        assert np.array_equal(ours.reset(), official.reset())
        self._put_official(robots)
        self._put_ours(robots)
        assert ours.snapshot(0) == official.snapshot(0)

    def _put_official(self, robots: list[Standing]) -> None:
        from rware.warehouse import Direction

        warehouse = self.official.warehouses[0]
        for agent, (x, y, direction, loaded) in zip(warehouse.agents, robots, strict=True):
            agent.x, agent.y, agent.dir = x, y, Direction(direction)
            if loaded:
                agent.carrying_shelf = next(shelf for shelf in warehouse.shelfs if (shelf.x, shelf.y) == (x, y))
        warehouse._recalc_grid()

    def _put_ours(self, robots: list[Standing]) -> None:
        state = self.ours.get_state()
        border = self.ours.config.sensor_range
        width = self.ours.config.floor.width + 2 * border
        wall = state["looks"] & _kernel.ROBOT_BITS == _kernel.WALL
        state["looks"] &= np.where(wall, 0xFF, _kernel.SHELF_BITS).astype(np.uint8)
        for i, (x, y, direction, loaded) in enumerate(robots):
            cell = (y + border) * width + x + border
            state["robots"][0, i] = cell, direction, state["shelves"][0, cell] if loaded else 0, 0
            state["looks"][0, cell] |= (1 + direction) << _kernel.ROBOT_SHIFT | (_kernel.LOADED if loaded else 0)
        self.ours.set_state(state)

    def step(self, *actions: int) -> list[float]:
        """The rewards of one step, in which both engines agree."""
        a, b = self.ours.step(np.array([actions])), self.official.step(np.array([actions]))
        assert np.array_equal(a.obs, b.obs)
        assert np.array_equal(a.reward, b.reward)
        assert self.ours.snapshot(0) == self.official.snapshot(0)
        return [float(reward) for reward in a.reward[0]]

    def places(self) -> list[Place]:
        return [(robot.x, robot.y) for robot in self.ours.snapshot(0).robots]

    def request(self, *shelves: int) -> None:
        """Ask for these shelves, by number, instead of what was drawn."""
        warehouse = self.official.warehouses[0]
        warehouse.request_queue = [warehouse.shelfs[shelf - 1] for shelf in shelves]
        state = self.ours.get_state()
        state["queue"][0] = shelves
        shelf_here = state["shelves"] > 0
        asked = np.isin(state["shelves"], shelves) & shelf_here
        state["looks"] = np.where(shelf_here, state["looks"] & ~np.uint8(3) | np.where(asked, 2, 1), state["looks"])
        state["looks"] = state["looks"].astype(np.uint8)
        self.ours.set_state(state)


def test_four_loaded_robots_in_a_ring_turn() -> None:
    scene = Scene("xx\nxx\n.g", [(0, 0, EAST, True), (1, 0, DOWN, True), (1, 1, WEST, True), (0, 1, UP, True)])
    scene.step(GO, GO, GO, GO)
    assert scene.places() == [(1, 0), (1, 1), (0, 1), (0, 0)]


def test_six_robots_in_a_ring_turn_and_the_one_behind_waits() -> None:
    ring = [(0, 0, EAST), (1, 0, EAST), (2, 0, DOWN), (2, 1, WEST), (1, 1, WEST), (0, 1, UP)]
    scene = Scene("...g\n....\nxx..", [*((x, y, way, False) for x, y, way in ring), (3, 0, WEST, False)])
    scene.step(*[GO] * 7)
    assert scene.places() == [(1, 0), (2, 0), (2, 1), (1, 1), (0, 1), (0, 0), (3, 0)]


def test_two_head_on_stay() -> None:
    scene = Scene("..xxg", [(0, 0, EAST, False), (1, 0, WEST, False)])
    scene.step(GO, GO)
    assert scene.places() == [(0, 0), (1, 0)]


def test_a_loaded_robot_does_not_push_a_standing_shelf() -> None:
    scene = Scene("xx.g", [(0, 0, EAST, True)])
    scene.step(GO)
    assert scene.places() == [(0, 0)]


def test_a_loaded_robot_does_not_follow_an_unloaded_one_from_under_a_shelf() -> None:
    scene = Scene("xx.g", [(0, 0, EAST, True), (1, 0, EAST, False)])
    scene.step(GO, GO)
    assert scene.places() == [(0, 0), (2, 0)]


def test_a_loaded_robot_follows_a_loaded_one() -> None:
    scene = Scene("xx.g", [(0, 0, EAST, True), (1, 0, EAST, True)])
    scene.step(GO, GO)
    assert scene.places() == [(1, 0), (2, 0)]


def test_an_empty_robot_walks_under_shelves() -> None:
    scene = Scene("xx.g", [(0, 0, EAST, False)])
    scene.step(GO)
    assert scene.places() == [(1, 0)]


def test_walls_stop_a_robot() -> None:
    scene = Scene("xx.g", [(0, 0, UP, False)])
    scene.step(GO)
    assert scene.places() == [(0, 0)]


def test_a_delivery_pays_once_and_the_next_request_is_another_shelf() -> None:
    scene = Scene("xxx.g", [(2, 0, EAST, True)])
    scene.request(3)
    assert scene.step(GO) == [0.0]
    assert scene.step(GO) == [1.0]
    assert scene.ours.snapshot(0).requested != (3,)


def test_a_shelf_that_waits_on_a_goal_pays_when_it_is_requested_again() -> None:
    scene = Scene("xxg", [(1, 0, EAST, True)])
    scene.request(2)
    assert scene.step(GO) == [1.0]
    assert scene.ours.snapshot(0).requested == (1,)  # the only other shelf
    scene.request(2)
    assert scene.step(STAY) == [1.0]


def test_a_shelf_is_not_put_down_in_a_corridor() -> None:
    scene = Scene("xx.g", [(1, 0, EAST, True)])
    scene.step(GO)
    scene.step(TOGGLE)
    assert scene.ours.snapshot(0).robots[0].carried_shelf == 2


def test_two_goals_are_served_in_order_and_both_pay_everybody_when_rewards_are_global() -> None:
    floor = "xx.g\n....\nxx.g\nxxxx"
    scene = Scene(floor, [(1, 0, EAST, True), (1, 2, EAST, True)], request_queue_size=2, reward_type="global")
    scene.request(2, 4)
    scene.step(GO, GO)
    assert scene.step(GO, GO) == [2.0, 2.0]


def test_two_stage_rewards_pay_half_for_the_delivery_and_half_for_the_return() -> None:
    scene = Scene("xx.g", [(1, 0, EAST, True)], reward_type="two_stage")
    scene.request(2)
    scene.step(GO)
    assert scene.step(GO) == [0.5]
    rewards = [scene.step(action) for action in (TURN_LEFT, TURN_LEFT, GO, GO, TOGGLE)]
    assert rewards == [[0.0], [0.0], [0.0], [0.0], [0.5]]
