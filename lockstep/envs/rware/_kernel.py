"""One step of many warehouses, compiled: flat arrays in, flat arrays out. Only `simulator` calls this.

A lane's floor is kept twice: `shelf_at` and `agent_at` say who is where, `looks` says what a robot would see there. The
looks are updated where something changes, so an observation is nothing but table rows copied side by side.

Line numbers cite rware 2.0.0's warehouse.py.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lockstep.envs.rware._right_of_way import resolve_conflicts
from lockstep.envs.rware.random_streams import choose_without_replacement, draw_below, seed_stream

NOOP, FORWARD, LEFT, RIGHT, TOGGLE_LOAD = range(5)
UP, DOWN, WEST, EAST = range(4)
CELL, DIRECTION, CARRIED, HAS_DELIVERED = range(4)
GLOBAL, INDIVIDUAL, TWO_STAGE = range(3)
NUM_LOOKS = 15
"""5 robots (none, or heading up, down, left, right) x 3 shelves (none, standing, requested)."""


class World(NamedTuple):
    """What never changes, the same for all lanes."""

    height: int
    width: int
    sensor_range: int
    reward_type: int
    time_limit: int
    max_inactivity: int
    """0: none"""
    highways: NDArray[np.uint8]
    """(cells,)"""
    goal_cells: NDArray[np.int64]
    """(goals,) in serving order"""
    shelf_cells: NDArray[np.int64]
    """(shelves,)"""
    cell_hashes: NDArray[np.uint64]
    """(cells,) Python's hash of the tuple (x, y)"""
    coordinates: NDArray[np.float32]
    """(cells, 2): x and y as observed"""
    looks: NDArray[np.float32]
    """(NUM_LOOKS, 7 + message bits): what one cell adds to an observation"""


class Lanes(NamedTuple):
    """What changes; the first axis of every array is the lane."""

    agents: NDArray[np.int64]
    """(lanes, agents, 4): CELL, DIRECTION, CARRIED (shelf number or 0), HAS_DELIVERED"""
    messages: NDArray[np.uint8]
    """(lanes, agents, message bits)"""
    shelf_at: NDArray[np.int16]
    """(lanes, cells): number of the shelf there, standing or carried, or 0"""
    shelf_cells: NDArray[np.int64]
    """(lanes, shelves + 1): where the shelf of that number is"""
    agent_at: NDArray[np.int16]
    """(lanes, cells): number of the robot there, or 0"""
    seen_at: NDArray[np.uint8]
    """(lanes, padded cells): look of every cell, with a border of `sensor_range` cells that look empty"""
    queue: NDArray[np.int16]
    """(lanes, requests): numbers of the requested shelves"""
    requested: NDArray[np.uint8]
    """(lanes, shelves + 1): 1 where the shelf of that number is in the queue"""
    steps: NDArray[np.int64]
    """(lanes,) steps of this episode"""
    idle_steps: NDArray[np.int64]
    """(lanes,) steps since the last delivery"""
    streams: NDArray[np.uint64]
    """(lanes, 6), see random_streams"""


@njit(cache=True, nogil=True)
def seed_lanes(lanes: Lanes, chosen: NDArray[np.int64], seed: int) -> None:
    """Restart the random streams: lane i's from seed + i."""
    for lane in chosen:
        seed_stream(lanes.streams[lane], np.uint64(seed) + np.uint64(lane))


@njit(cache=True, nogil=True)
def reset_lanes(world: World, lanes: Lanes, chosen: NDArray[np.int64], obs: NDArray[np.float32]) -> None:
    """Start a new episode in every chosen lane and write its observations."""
    for lane in chosen:
        _reset(world, lanes, lane)
        _observe(world, lanes, lane, obs[lane])


@njit(cache=True, nogil=True)
def step_lanes(
    world: World,
    lanes: Lanes,
    chosen: NDArray[np.int64],
    actions: NDArray[np.int64],
    obs: NDArray[np.float32],
    reward: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
) -> None:
    """One step of every chosen lane; the output rows of other lanes are left alone."""
    wanted = np.empty(lanes.agents.shape[1], dtype=np.int64)
    for lane in chosen:
        _step(world, lanes, lane, actions[lane], reward[lane], wanted)
        truncated[lane] = lanes.steps[lane] >= world.time_limit
        terminated[lane] = not truncated[lane] and 0 < world.max_inactivity <= lanes.idle_steps[lane]
        _observe(world, lanes, lane, obs[lane])


@njit(cache=True, nogil=True)
def play_lanes(
    world: World, lanes: Lanes, chosen: NDArray[np.int64], actions: NDArray[np.int8], reward: NDArray[np.float32]
) -> None:
    """Many steps of every chosen lane without looking. actions: (lanes, steps, agents), reward: the same shape.

    A lane stops for good at its episode's end; the rewards after it are 0.
    """
    wanted = np.empty(lanes.agents.shape[1], dtype=np.int64)
    for lane in chosen:
        reward[lane] = 0.0
        for t in range(actions.shape[1]):
            _step(world, lanes, lane, actions[lane, t], reward[lane, t], wanted)
            idle_end = 0 < world.max_inactivity <= lanes.idle_steps[lane]
            if idle_end or lanes.steps[lane] >= world.time_limit:
                break


@njit(cache=True, nogil=True)
def observe_lanes(world: World, lanes: Lanes, chosen: NDArray[np.int64], obs: NDArray[np.float32]) -> None:
    """Write the observations of every chosen lane from its state alone."""
    for lane in chosen:
        _observe(world, lanes, lane, obs[lane])


@njit(cache=True, nogil=True)
def _reset(world: World, lanes: Lanes, lane: int) -> None:
    """warehouse.py, line 757: robots' cells, their directions, the requests, drawn in this order."""
    agents, queue, stream = lanes.agents[lane], lanes.queue[lane], lanes.streams[lane]
    shelf_at, agent_at, requested = lanes.shelf_at[lane], lanes.agent_at[lane], lanes.requested[lane]
    lanes.messages[lane] = 0
    lanes.steps[lane] = lanes.idle_steps[lane] = 0
    shelf_at[:] = 0
    agent_at[:] = 0
    requested[:] = 0
    for index, cell in enumerate(world.shelf_cells):
        shelf_at[cell] = index + 1
        lanes.shelf_cells[lane, index + 1] = cell

    cells = np.empty(len(agents), dtype=np.int64)
    choose_without_replacement(stream, world.height * world.width, cells)
    for number, cell in enumerate(cells):
        agents[number, CELL] = cell
        agents[number, CARRIED] = agents[number, HAS_DELIVERED] = 0
        agent_at[cell] = number + 1
    for number in range(len(agents)):
        agents[number, DIRECTION] = draw_below(stream, 4)

    requests = np.empty(len(queue), dtype=np.int64)
    choose_without_replacement(stream, len(world.shelf_cells), requests)
    for index, shelf in enumerate(requests):
        queue[index] = shelf + 1
        requested[shelf + 1] = 1

    lanes.seen_at[lane] = 0
    for cell in range(world.height * world.width):
        _refresh(world, lanes, lane, cell)


@njit(cache=True, nogil=True)
def _step(
    world: World,
    lanes: Lanes,
    lane: int,
    actions: NDArray[np.int64],
    reward: NDArray[np.float32],
    wanted: NDArray[np.int64],
) -> None:
    """warehouse.py, line 807: who may move; moves, turns and loads; deliveries."""
    agents, shelf_at, agent_at = lanes.agents[lane], lanes.shelf_at[lane], lanes.agent_at[lane]
    conflict = False
    for i in range(len(agents)):
        reward[i] = 0.0
        cell = agents[i, CELL]
        wanted[i] = cell
        if actions[i] == FORWARD:
            ahead = _ahead(world, cell, agents[i, DIRECTION])
            if ahead != cell:
                other = agent_at[ahead]
                blocked = agents[i, CARRIED] and shelf_at[ahead] and not (other and agents[other - 1, CARRIED])
                if not blocked:
                    wanted[i] = ahead
                    conflict |= other != 0
                    for j in range(i):
                        conflict |= wanted[j] == ahead
    if conflict:
        resolve_conflicts(wanted, agents[:, CELL], world.cell_hashes)

    # Robots in a row follow each other: all leave before any arrives.
    for i in range(len(agents)):
        cell = agents[i, CELL]
        if wanted[i] != cell:
            agent_at[cell] = 0
            if agents[i, CARRIED]:
                shelf_at[cell] = 0
    for i in range(len(agents)):
        cell = agents[i, CELL]
        if wanted[i] != cell:
            agents[i, CELL] = wanted[i]
            agent_at[wanted[i]] = i + 1
            shelf = agents[i, CARRIED]
            if shelf:
                shelf_at[wanted[i]] = shelf
                lanes.shelf_cells[lane, shelf] = wanted[i]
            wanted[i] = cell
        elif actions[i] == LEFT or actions[i] == RIGHT:
            agents[i, DIRECTION] = _turned(agents[i, DIRECTION], actions[i])
        elif actions[i] == TOGGLE_LOAD:
            if not agents[i, CARRIED]:
                agents[i, CARRIED] = shelf_at[cell]
            elif not world.highways[cell]:
                agents[i, CARRIED] = 0
                if agents[i, HAS_DELIVERED] and world.reward_type == TWO_STAGE:
                    reward[i] += 0.5
                agents[i, HAS_DELIVERED] = 0
    for i in range(len(agents)):  # `wanted` now holds where each robot was before
        _refresh(world, lanes, lane, wanted[i])
        _refresh(world, lanes, lane, agents[i, CELL])
    lanes.steps[lane] += 1
    lanes.idle_steps[lane] += 1
    _deliver(world, lanes, lane, reward)


@njit(cache=True, nogil=True)
def _deliver(world: World, lanes: Lanes, lane: int, reward: NDArray[np.float32]) -> None:
    """warehouse.py, line 897: goals in their order; every delivery draws a request from what is not requested now."""
    agents, queue, requested = lanes.agents[lane], lanes.queue[lane], lanes.requested[lane]
    for cell in world.goal_cells:
        shelf = lanes.shelf_at[lane, cell]
        if not requested[shelf]:
            continue
        index = draw_below(lanes.streams[lane], len(world.shelf_cells) - len(queue))
        new = 0
        while index >= 0:
            new += 1
            index -= 1 - np.int64(requested[new])
        for place in range(len(queue)):
            if queue[place] == shelf:
                queue[place] = new
        requested[shelf], requested[new] = 0, 1
        _refresh(world, lanes, lane, cell)
        _refresh(world, lanes, lane, lanes.shelf_cells[lane, new])
        agent = lanes.agent_at[lane, cell] - 1
        if world.reward_type == GLOBAL:
            reward += 1.0
        elif world.reward_type == INDIVIDUAL:
            reward[agent] += 1.0
        else:
            agents[agent, HAS_DELIVERED] = 1
            reward[agent] += 0.5
        lanes.idle_steps[lane] = 0


@njit(cache=True, nogil=True)
def _ahead(world: World, cell: int, direction: int) -> int:
    """The cell in front, or the same one at a wall."""
    x, y = cell % world.width, cell // world.width
    if direction == UP:
        return cell - world.width if y > 0 else cell
    if direction == DOWN:
        return cell + world.width if y < world.height - 1 else cell
    if direction == WEST:
        return cell - 1 if x > 0 else cell
    return cell + 1 if x < world.width - 1 else cell


@njit(cache=True, nogil=True)
def _turned(direction: int, action: int) -> int:
    """Clockwise is up, right, down, left (line 119)."""
    if action == RIGHT:
        return (EAST, WEST, UP, DOWN)[direction]
    return (WEST, EAST, DOWN, UP)[direction]


@njit(cache=True, nogil=True)
def _refresh(world: World, lanes: Lanes, lane: int, cell: int) -> None:
    """Bring `seen_at` up to date with who and what is on a cell."""
    agent, shelf = lanes.agent_at[lane, cell], lanes.shelf_at[lane, cell]
    robot = lanes.agents[lane, agent - 1, DIRECTION] + 1 if agent else 0
    look = 3 * robot + (1 + lanes.requested[lane, shelf] if shelf else 0)
    border = world.sensor_range
    x, y = cell % world.width, cell // world.width
    lanes.seen_at[lane, (y + border) * (world.width + 2 * border) + x + border] = look


@njit(cache=True, nogil=True)
def _observe(world: World, lanes: Lanes, lane: int, obs: NDArray[np.float32]) -> None:
    """Flattened observations (line 626): self, then every cell of the view, row by row."""
    agents, seen_at = lanes.agents[lane], lanes.seen_at[lane]
    view = 2 * world.sensor_range + 1
    padded_width = world.width + 2 * world.sensor_range
    per_cell = world.looks.shape[1]
    for i in range(len(agents)):
        cell, direction = agents[i, CELL], agents[i, DIRECTION]
        own = obs[i]
        own[0], own[1] = world.coordinates[cell, 0], world.coordinates[cell, 1]
        own[2] = 1.0 if agents[i, CARRIED] else 0.0
        for heading in range(4):
            own[3 + heading] = 1.0 if heading == direction else 0.0
        own[7] = world.highways[cell]
        corner = (cell // world.width) * padded_width + cell % world.width
        place = 8
        for row in range(view):
            for column in range(view):
                look = world.looks[seen_at[corner + row * padded_width + column]]
                for feature in range(per_cell):
                    own[place + feature] = look[feature]
                place += per_cell
    if lanes.messages.shape[2]:
        _write_messages(world, lanes, lane, obs)


@njit(cache=True, nogil=True)
def _write_messages(world: World, lanes: Lanes, lane: int, obs: NDArray[np.float32]) -> None:
    """The robots in view say what they said in their last action; it stands before the two shelf features."""
    agents, bits = lanes.agents[lane], lanes.messages.shape[2]
    reach = world.sensor_range
    for i in range(len(agents)):
        x, y = agents[i, CELL] % world.width, agents[i, CELL] // world.width
        place = 8 + 5
        for row in range(y - reach, y + reach + 1):
            for column in range(x - reach, x + reach + 1):
                if 0 <= row < world.height and 0 <= column < world.width:
                    agent = lanes.agent_at[lane, row * world.width + column]
                    if agent:
                        for bit in range(bits):
                            obs[i, place + bit] = lanes.messages[lane, agent - 1, bit]
                place += world.looks.shape[1]
