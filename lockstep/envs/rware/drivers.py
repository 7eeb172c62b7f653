"""Ways to drive robots that find bugs: random play alone hardly ever lifts a shelf or meets anybody.

A driver reads an official `Warehouse` and returns one action (0..4) for every robot.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

NOOP, FORWARD, LEFT, RIGHT, TOGGLE_LOAD = range(5)
_CLOCKWISE = (0, 3, 1, 2)

Place = tuple[int, int]
"""(x, y)"""
Driver = Callable[[Any, np.random.Generator], list[int]]


def uniform(warehouse: Any, rng: np.random.Generator) -> list[int]:
    """Every action equally likely."""
    return [int(action) for action in rng.integers(5, size=warehouse.n_agents)]


def forward(warehouse: Any, rng: np.random.Generator) -> list[int]:
    """Mostly straight on: robots run into each other and into shelves."""
    return _drawn(warehouse, rng, [0.02, 0.72, 0.08, 0.08, 0.10])


def loading(warehouse: Any, rng: np.random.Generator) -> list[int]:
    """Half of the time lifting or putting down."""
    return _drawn(warehouse, rng, [0.02, 0.32, 0.08, 0.08, 0.50])


def everybody_on(warehouse: Any, rng: np.random.Generator) -> list[int]:
    """Forward without exception, but for a turn now and then: lines, rings and jams."""
    return _drawn(warehouse, rng, [0.0, 0.94, 0.03, 0.03, 0.0])


def delivering(warehouse: Any, rng: np.random.Generator) -> list[int]:
    """Fetch requested shelves, bring them to a goal and back along the corridors, through whoever is in the way."""
    free_places = _free_places(warehouse)
    return [
        int(rng.integers(5)) if rng.random() < 0.1 else _deliver(warehouse, robot, free_places)
        for robot in warehouse.agents
    ]


def crowding(warehouse: Any, rng: np.random.Generator) -> list[int]:
    """Everybody wants to the first goal, lifting whatever lies on the way."""
    goal = warehouse.goals[0]
    return [
        int(rng.integers(5)) if rng.random() < 0.25 else _towards(robot, goal, TOGGLE_LOAD)
        for robot in warehouse.agents
    ]


DRIVERS: Mapping[str, Driver] = {
    driver.__name__: driver for driver in (uniform, forward, loading, everybody_on, delivering, crowding)
}


def _drawn(warehouse: Any, rng: np.random.Generator, chances: list[float]) -> list[int]:
    return [int(action) for action in rng.choice(5, size=warehouse.n_agents, p=chances)]


def _deliver(warehouse: Any, robot: Any, free_places: list[Place]) -> int:
    shelf = robot.carrying_shelf
    if shelf is None:
        wanted = min(warehouse.request_queue, key=lambda one: _distance(robot, (one.x, one.y)))
        return _towards(robot, (wanted.x, wanted.y), TOGGLE_LOAD)
    if shelf in warehouse.request_queue:
        return _along_corridors(warehouse, robot, min(warehouse.goals, key=lambda goal: _distance(robot, goal)), NOOP)
    if not free_places:
        return FORWARD
    place = min(free_places, key=lambda one: _distance(robot, one))
    return _along_corridors(warehouse, robot, place, TOGGLE_LOAD)


def _along_corridors(warehouse: Any, robot: Any, place: Place, on_arrival: int) -> int:
    """One step of a shortest way that crosses no other shelf place; straight ahead where there is none."""
    steps_left = _steps_left(warehouse.highways.tobytes(), warehouse.grid_size, place)
    nearest = min(_neighbors(warehouse.grid_size, (robot.x, robot.y)), key=lambda one: steps_left.get(one, 10**6))
    if (robot.x, robot.y) == place or nearest not in steps_left:
        return _towards(robot, place, on_arrival)
    return _towards(robot, nearest, on_arrival)


@lru_cache(maxsize=2048)
def _steps_left(highways: bytes, grid_size: tuple[int, int], place: Place) -> dict[Place, int]:
    """Steps to `place` from every corridor cell from which a loaded robot can reach it, breadth first."""
    steps_left, front = {place: 0}, [place]
    while front:
        around = [(near, here) for here in front for near in _neighbors(grid_size, here)]
        front = []
        for near, here in around:
            if near not in steps_left and highways[near[1] * grid_size[1] + near[0]]:
                steps_left[near] = steps_left[here] + 1
                front.append(near)
    return steps_left


def _neighbors(grid_size: tuple[int, int], place: Place) -> list[Place]:
    x, y = int(place[0]), int(place[1])
    around = [(x, y - 1), (x, y + 1), (x - 1, y), (x + 1, y)]
    return [(a, b) for a, b in around if 0 <= a < grid_size[1] and 0 <= b < grid_size[0]]


def _free_places(warehouse: Any) -> list[Place]:
    taken = {(shelf.x, shelf.y) for shelf in warehouse.shelfs}
    return [(int(x), int(y)) for y, x in np.argwhere(warehouse.highways == 0) if (x, y) not in taken]


def _distance(robot: Any, place: Place) -> int:
    return int(abs(robot.x - place[0]) + abs(robot.y - place[1]))


def _towards(robot: Any, place: Place, on_arrival: int) -> int:
    """Turn, then go: along the row first for odd robots, along the column first for even ones."""
    dx, dy = place[0] - robot.x, place[1] - robot.y
    if dx == dy == 0:
        return on_arrival
    along_row = dx != 0 and (dy == 0 or robot.id % 2 == 1)
    wanted = (3 if dx > 0 else 2) if along_row else (1 if dy > 0 else 0)
    if robot.dir.value == wanted:
        return FORWARD
    turns = (_CLOCKWISE.index(wanted) - _CLOCKWISE.index(robot.dir.value)) % 4
    return LEFT if turns == 3 else RIGHT
