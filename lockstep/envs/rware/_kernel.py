# mypy: disable-error-code="no-any-return, arg-type, assignment"
"""One step of many warehouses, compiled: flat arrays in, flat arrays out. Only `simulator` calls this.

A floor is a grid with a border of walls as wide as a robot can see, flattened; a cell is an index into it. What is on a
cell is kept as one byte, its look, brought up to date where something moves. A robot that wants to move reads the look
ahead, and an observation is nothing but the looks around a robot, translated by a table.

Line numbers cite rware 2.0.0's warehouse.py.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.rware._compiled import compiled
from lockstep.envs.rware._right_of_way import resolve_conflicts
from lockstep.envs.rware.random_streams import choose_without_replacement, draw_below, seed_stream

NOOP, FORWARD, LEFT, RIGHT, TOGGLE_LOAD = range(5)
UP, DOWN, WEST, EAST = range(4)
GLOBAL, INDIVIDUAL, TWO_STAGE = range(3)
CELL, DIRECTION, CARRIED, HAS_DELIVERED = range(4)
STEPS, IDLE_STEPS = range(2)

# A look: two bits for the shelf, three for the robot (1 + its direction), one for its load, one for a claim.
NO_SHELF, SHELF, REQUESTED_SHELF, SHELF_BITS = 0, 1, 2, 3
ROBOT_SHIFT, ROBOT_BITS = 2, 7 << 2
WALL = 5 << ROBOT_SHIFT
LOADED = 1 << 5
CLAIMED = 1 << 6
"""Somebody wants to enter; set only while a step is decided."""
NUM_LOOKS = 64

_TURNED = np.array([[WEST, EAST, DOWN, UP], [EAST, WEST, UP, DOWN]], dtype=np.int16)
"""[LEFT or RIGHT, direction] -> direction: clockwise is up, right, down, left (line 119)."""


class World(NamedTuple):
    """What never changes, the same for all lanes. `cells` counts the border in, `places` does not."""

    reward_type: int
    time_limit: int
    max_inactivity: int
    """0: none"""
    ahead: NDArray[np.int64]
    """(4,): added to a cell, the next one in that direction"""
    cell_of_place: NDArray[np.int64]
    """(places,)"""
    highways: NDArray[np.uint8]
    """(cells,)"""
    goals: NDArray[np.int64]
    """(goals,) cells in serving order"""
    first_looks: NDArray[np.uint8]
    """(cells,) before anybody is there and anything requested"""
    first_shelves: NDArray[np.int16]
    """(cells,) numbers of the shelves at their places, or 0"""
    num_shelves: int
    cell_hashes: NDArray[np.uint64]
    """(cells,) Python's hash of the tuple (x, y)"""


class Lanes(NamedTuple):
    """What changes, and all of it; the first axis of every array is the lane."""

    robots: NDArray[np.int32]
    """(lanes, agents, 4): CELL, DIRECTION, CARRIED (shelf number or 0), HAS_DELIVERED"""
    looks: NDArray[np.uint8]
    """(lanes, cells)"""
    shelves: NDArray[np.int16]
    """(lanes, cells): number of the shelf there, standing or carried, or 0"""
    queue: NDArray[np.int16]
    """(lanes, requests): numbers of the requested shelves"""
    clocks: NDArray[np.int64]
    """(lanes, 2): STEPS of this episode, IDLE_STEPS since the last delivery"""
    messages: NDArray[np.uint8]
    """(lanes, agents, message bits)"""
    streams: NDArray[np.uint64]
    """(lanes, 6), see random_streams"""


@compiled
def seed_lanes(streams: NDArray[np.uint64], chosen: NDArray[np.int64], seed: int) -> None:
    """Restart the random streams: lane i's from seed + i."""
    for lane in chosen:
        seed_stream(streams[lane], np.uint64(seed) + np.uint64(lane))


@compiled
def reset_lanes(world: World, lanes: Lanes, chosen: NDArray[np.int64]) -> None:
    """Start a new episode in every chosen lane: robots' cells, directions, requests, drawn in this order (line 757)."""
    num_robots, num_requests = lanes.robots.shape[1], lanes.queue.shape[1]
    places = np.empty(num_robots, dtype=np.int64)
    requests = np.empty(num_requests, dtype=np.int64)
    for lane in chosen:
        stream = lanes.streams[lane]
        lanes.looks[lane] = world.first_looks
        lanes.shelves[lane] = world.first_shelves
        lanes.messages[lane] = 0
        lanes.clocks[lane] = 0
        choose_without_replacement(stream, len(world.cell_of_place), places)
        for i in range(num_robots):
            cell, direction = world.cell_of_place[places[i]], draw_below(stream, 4)
            lanes.robots[lane, i, CELL] = cell
            lanes.robots[lane, i, DIRECTION] = direction
            lanes.robots[lane, i, CARRIED] = lanes.robots[lane, i, HAS_DELIVERED] = 0
            lanes.looks[lane, cell] |= (1 + direction) << ROBOT_SHIFT
        choose_without_replacement(stream, world.num_shelves, requests)
        for place in range(num_requests):
            lanes.queue[lane, place] = requests[place] + 1
            _request(lanes, lane, requests[place] + 1)


@compiled
def step_lanes(
    world: World,
    lanes: Lanes,
    chosen: NDArray[np.int64],
    actions: NDArray[np.int64],
    reward: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
) -> None:
    """One step of every chosen lane; the rows of other lanes are left alone. actions, reward: (lanes * agents,)"""
    num_robots = lanes.robots.shape[1]
    wanted = np.empty(num_robots, dtype=np.int64)
    for lane in chosen:
        at = lane * num_robots
        for i in range(num_robots):
            reward[at + i] = 0.0
        _advance(world, lanes, lane, actions, reward, at, wanted)
        truncated[lane] = lanes.clocks[lane, STEPS] >= world.time_limit
        terminated[lane] = 0 < world.max_inactivity <= lanes.clocks[lane, IDLE_STEPS]


@compiled
def play_lanes(
    world: World,
    lanes: Lanes,
    chosen: NDArray[np.int64],
    num_steps: int,
    actions: NDArray[np.int8],
    reward: NDArray[np.float32],
) -> None:
    """Many steps of every chosen lane without looking. actions, reward: (num_steps * lanes * agents,), reward all 0.

    A lane stops for good at its episode's end.
    """
    num_lanes, num_robots = lanes.robots.shape[:2]
    wanted = np.empty(num_robots, dtype=np.int64)
    for lane in chosen:
        for t in range(num_steps):
            _advance(world, lanes, lane, actions, reward, (t * num_lanes + lane) * num_robots, wanted)
            idle_end = 0 < world.max_inactivity <= lanes.clocks[lane, IDLE_STEPS]
            if idle_end or lanes.clocks[lane, STEPS] >= world.time_limit:
                break


@compiled
def _advance(
    world: World,
    lanes: Lanes,
    lane: int,
    actions: NDArray[np.int64],
    reward: NDArray[np.float32],
    at: int,
    wanted: NDArray[np.int64],
) -> None:
    """warehouse.py, line 807: who may move; moves, turns and loads; deliveries. wanted: (agents,) scratch."""
    robots, looks, shelves = lanes.robots, lanes.looks, lanes.shelves
    num_robots = robots.shape[1]
    conflict = False
    for i in range(num_robots):
        cell = np.int64(robots[lane, i, CELL])
        wanted[i] = cell
        if actions[at + i] == FORWARD:
            ahead = cell + world.ahead[robots[lane, i, DIRECTION]]
            look = looks[lane, ahead]
            if look & ROBOT_BITS == WALL:
                continue
            # A loaded robot may follow another loaded one, but not push a standing shelf (line 829).
            if robots[lane, i, CARRIED] and look & SHELF_BITS and not look & LOADED:
                continue
            wanted[i] = ahead
            if look >= 1 << ROBOT_SHIFT:  # a robot is there, or another one wants to be
                conflict = True
            looks[lane, ahead] = look | CLAIMED
    if conflict:
        for i in range(num_robots):
            looks[lane, wanted[i]] &= ~CLAIMED & 0xFF
        resolve_conflicts(wanted, robots, lane, world.cell_hashes)

    # Robots in a row follow each other: all leave before any arrives.
    delivery = False
    for i in range(num_robots):
        cell = np.int64(robots[lane, i, CELL])
        if wanted[i] != cell:
            look = looks[lane, cell]
            if look & LOADED:
                looks[lane, cell] = 0
                shelves[lane, cell] = 0
            else:
                looks[lane, cell] = look & SHELF_BITS
            robots[lane, i, CELL] = wanted[i]
            wanted[i] = look
        else:
            wanted[i] = -1
    for i in range(num_robots):
        cell = np.int64(robots[lane, i, CELL])
        look = wanted[i]
        if look >= 0:
            if look & LOADED:
                looks[lane, cell] = look
                shelves[lane, cell] = robots[lane, i, CARRIED]
            else:
                looks[lane, cell] = (looks[lane, cell] & SHELF_BITS) | look & ROBOT_BITS
        elif actions[at + i] >= LEFT:
            look = looks[lane, cell]
            if actions[at + i] <= RIGHT:
                direction = _TURNED[actions[at + i] - LEFT, robots[lane, i, DIRECTION]]
                robots[lane, i, DIRECTION] = direction
                looks[lane, cell] = look & ~ROBOT_BITS | (1 + direction) << ROBOT_SHIFT
            elif not look & LOADED:
                if look & SHELF_BITS:
                    robots[lane, i, CARRIED] = shelves[lane, cell]
                    looks[lane, cell] = look | LOADED
            elif not world.highways[cell]:
                robots[lane, i, CARRIED] = 0
                looks[lane, cell] = look & ~LOADED
                if robots[lane, i, HAS_DELIVERED] and world.reward_type == TWO_STAGE:
                    reward[at + i] += np.float32(0.5)
                robots[lane, i, HAS_DELIVERED] = 0

    lanes.clocks[lane, STEPS] += 1
    lanes.clocks[lane, IDLE_STEPS] += 1
    for goal in world.goals:
        if looks[lane, goal] & SHELF_BITS == REQUESTED_SHELF:
            delivery = True
    if delivery:
        _deliver(world, lanes, lane, reward, at)


@compiled
def _deliver(world: World, lanes: Lanes, lane: int, reward: NDArray[np.float32], at: int) -> None:
    """warehouse.py, line 897: goals in their order; every delivery draws a request from what is not requested now."""
    num_robots, num_requests = lanes.robots.shape[1], lanes.queue.shape[1]
    for cell in world.goals:
        if lanes.looks[lane, cell] & SHELF_BITS != REQUESTED_SHELF:
            continue
        candidate = draw_below(lanes.streams[lane], world.num_shelves - num_requests)
        new = 0
        while candidate >= 0:
            new += 1
            requested = False
            for place in range(num_requests):
                requested |= lanes.queue[lane, place] == new
            if not requested:
                candidate -= 1
        for place in range(num_requests):
            if lanes.queue[lane, place] == lanes.shelves[lane, cell]:
                lanes.queue[lane, place] = new
                break
        lanes.looks[lane, cell] = lanes.looks[lane, cell] & ~SHELF_BITS | SHELF
        _request(lanes, lane, new)
        for i in range(num_robots):
            if world.reward_type == GLOBAL:
                reward[at + i] += np.float32(1.0)
            elif lanes.robots[lane, i, CELL] == cell:
                if world.reward_type == INDIVIDUAL:
                    reward[at + i] += np.float32(1.0)
                else:
                    lanes.robots[lane, i, HAS_DELIVERED] = 1
                    reward[at + i] += np.float32(0.5)
        lanes.clocks[lane, IDLE_STEPS] = 0


@compiled
def _request(lanes: Lanes, lane: int, shelf: int) -> None:
    """Let the shelf look requested, wherever it is."""
    for cell in range(lanes.shelves.shape[1]):
        if lanes.shelves[lane, cell] == shelf:
            lanes.looks[lane, cell] = lanes.looks[lane, cell] & ~SHELF_BITS | REQUESTED_SHELF
            return
