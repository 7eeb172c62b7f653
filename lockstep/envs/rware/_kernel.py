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

from lockstep.compute.compiled import compiled, inlined
from lockstep.envs.random_streams import choose_without_replacement, draw_below, seed_stream
from lockstep.envs.rware._right_of_way import resolve_conflicts

NOOP, FORWARD, LEFT, RIGHT, TOGGLE_LOAD = range(5)
UP, DOWN, WEST, EAST = range(4)
GLOBAL, INDIVIDUAL, TWO_STAGE = range(3)
CELL, DIRECTION, CARRIED, HAS_DELIVERED = range(4)
STEPS, IDLE_STEPS = range(2)

# A look: two bits for the shelf, three for the robot (1 + its direction), one for its load, one for a claim.
SHELF, REQUESTED_SHELF, SHELF_BITS = 1, 2, 3
ROBOT_SHIFT, ROBOT_BITS = 2, 7 << 2
WALL = 5 << ROBOT_SHIFT
LOADED = 1 << 5
CLAIMED = 1 << 6
"""Somebody wants to enter; set only while a step is decided."""
NUM_LOOKS = 64
BUT_SHELF, BUT_ROBOT, BUT_LOADED, BUT_CLAIMED = (0xFF & ~bits for bits in (SHELF_BITS, ROBOT_BITS, LOADED, CLAIMED))

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


class WarehouseLanes(NamedTuple):
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
def seed_lanes(streams: NDArray[np.uint64], chosen: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
    """Restart the random streams of the chosen lanes, each from its own seed. chosen, seeds: (chosen lanes,)"""
    for c in range(len(chosen)):
        seed_stream(streams[chosen[c]], seeds[c])


@compiled
def reset_lanes(world: World, lanes: WarehouseLanes, chosen: NDArray[np.int64]) -> None:
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
def advance_lanes(
    world: World,
    lanes: WarehouseLanes,
    chosen: NDArray[np.int64],
    num_steps: int,
    actions: NDArray[np.int8],
    reward: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
) -> None:
    """`num_steps` steps of every chosen lane (line 807), or fewer: a lane stops for good where its episode ends.

    actions, reward: (num_steps * lanes * agents,), all rewards 0 before. terminated, truncated: (lanes,), of which the
    chosen are written.
    """
    # Taken out of their tuples here: in the loop, every use would count references.
    robots, looks, shelves, clocks = lanes.robots, lanes.looks, lanes.shelves, lanes.clocks
    ahead_of, highways, goals = world.ahead, world.highways, world.goals
    reward_type, time_limit, max_inactivity = world.reward_type, world.time_limit, world.max_inactivity
    num_lanes, num_robots = robots.shape[:2]
    wanted = np.empty(num_robots, dtype=np.int64)
    for c in range(len(chosen)):
        lane = chosen[c]
        for t in range(num_steps):
            at = (t * num_lanes + lane) * num_robots
            if _choose_cells(lane, actions, at, robots, looks, ahead_of, wanted):
                for i in range(num_robots):
                    looks[lane, wanted[i]] &= BUT_CLAIMED
                resolve_conflicts(wanted, robots, lane, world.cell_hashes)
            _leave_cells(lane, robots, looks, shelves, wanted)
            _arrive_and_act(lane, actions, reward, at, robots, looks, shelves, highways, reward_type, wanted)
            clocks[lane, STEPS] += 1
            clocks[lane, IDLE_STEPS] += 1
            for g in range(len(goals)):
                if looks[lane, goals[g]] & SHELF_BITS == REQUESTED_SHELF:
                    _deliver(world, lanes, lane, goals[g], reward, at)
            truncated[lane] = clocks[lane, STEPS] >= time_limit
            terminated[lane] = 0 < max_inactivity <= clocks[lane, IDLE_STEPS]
            if truncated[lane] or terminated[lane]:
                break


@inlined
def _choose_cells(
    lane: int,
    actions: NDArray[np.int8],
    at: int,
    robots: NDArray[np.int32],
    looks: NDArray[np.uint8],
    ahead_of: NDArray[np.int64],
    wanted: NDArray[np.int64],
) -> bool:
    """Write the cell that every robot wants, its own if it stays. True where robots may be in each other's way."""
    conflict = False
    for i in range(len(wanted)):
        cell = np.int64(robots[lane, i, CELL])
        wanted[i] = cell
        if actions[at + i] == FORWARD:
            ahead = cell + ahead_of[robots[lane, i, DIRECTION]]
            look = looks[lane, ahead]
            # A loaded robot may follow another loaded one, but not push a standing shelf (line 829).
            pushes = robots[lane, i, CARRIED] and look & SHELF_BITS and not look & LOADED
            if look & ROBOT_BITS != WALL and not pushes:
                wanted[i] = ahead
                if look >= 1 << ROBOT_SHIFT:  # a robot is there, or another one wants to be
                    conflict = True
                looks[lane, ahead] = look | CLAIMED
    return conflict


@inlined
def _leave_cells(
    lane: int,
    robots: NDArray[np.int32],
    looks: NDArray[np.uint8],
    shelves: NDArray[np.int16],
    wanted: NDArray[np.int64],
) -> None:
    """Take away all robots that move, before any arrives: they may follow each other. `wanted` becomes the look that a
    mover takes along, or -1 for those that stay."""
    for i in range(len(wanted)):
        cell = np.int64(robots[lane, i, CELL])
        if wanted[i] == cell:
            wanted[i] = -1
            continue
        look = looks[lane, cell]
        if look & LOADED:
            looks[lane, cell] = shelves[lane, cell] = 0
        else:
            looks[lane, cell] = look & SHELF_BITS
        robots[lane, i, CELL] = wanted[i]
        wanted[i] = look


@inlined
def _arrive_and_act(
    lane: int,
    actions: NDArray[np.int8],
    reward: NDArray[np.float32],
    at: int,
    robots: NDArray[np.int32],
    looks: NDArray[np.uint8],
    shelves: NDArray[np.int16],
    highways: NDArray[np.uint8],
    reward_type: int,
    taken: NDArray[np.int64],
) -> None:
    """Movers arrive with the look they took along; the others turn, load or unload (line 875)."""
    for i in range(len(taken)):
        cell = np.int64(robots[lane, i, CELL])
        action = actions[at + i]
        if taken[i] >= 0:
            if taken[i] & LOADED:
                looks[lane, cell] = taken[i]
                shelves[lane, cell] = robots[lane, i, CARRIED]
            else:
                looks[lane, cell] = (looks[lane, cell] & SHELF_BITS) | (taken[i] & ROBOT_BITS)
        elif action in (LEFT, RIGHT):
            direction = _TURNED[action - LEFT, robots[lane, i, DIRECTION]]
            robots[lane, i, DIRECTION] = direction
            looks[lane, cell] = (looks[lane, cell] & BUT_ROBOT) | ((1 + direction) << ROBOT_SHIFT)
        elif action == TOGGLE_LOAD:
            look = looks[lane, cell]
            if not look & LOADED:
                if look & SHELF_BITS:
                    robots[lane, i, CARRIED] = shelves[lane, cell]
                    looks[lane, cell] = look | LOADED
            elif not highways[cell]:
                robots[lane, i, CARRIED] = 0
                looks[lane, cell] = look & BUT_LOADED
                if robots[lane, i, HAS_DELIVERED] and reward_type == TWO_STAGE:
                    reward[at + i] += np.float32(0.5)
                robots[lane, i, HAS_DELIVERED] = 0


@compiled
def _deliver(world: World, lanes: WarehouseLanes, lane: int, goal: int, reward: NDArray[np.float32], at: int) -> None:
    """Line 897: pay for the requested shelf on a goal, and draw a new request from what is not requested now."""
    num_robots, num_requests = lanes.robots.shape[1], lanes.queue.shape[1]
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
        if lanes.queue[lane, place] == lanes.shelves[lane, goal]:
            lanes.queue[lane, place] = new
            break
    lanes.looks[lane, goal] = (lanes.looks[lane, goal] & BUT_SHELF) | SHELF
    _request(lanes, lane, new)
    for i in range(num_robots):
        if world.reward_type == GLOBAL:
            reward[at + i] += np.float32(1.0)
        elif lanes.robots[lane, i, CELL] == goal:
            if world.reward_type == INDIVIDUAL:
                reward[at + i] += np.float32(1.0)
            else:
                lanes.robots[lane, i, HAS_DELIVERED] = 1
                reward[at + i] += np.float32(0.5)
    lanes.clocks[lane, IDLE_STEPS] = 0


@compiled
def _request(lanes: WarehouseLanes, lane: int, shelf: int) -> None:
    """Let the shelf look requested, wherever it is."""
    for cell in range(lanes.shelves.shape[1]):
        if lanes.shelves[lane, cell] == shelf:
            lanes.looks[lane, cell] = (lanes.looks[lane, cell] & BUT_SHELF) | REQUESTED_SHELF
            return
