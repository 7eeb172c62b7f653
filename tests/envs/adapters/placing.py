"""Robots put down by hand, with any shelf on their backs."""

from collections.abc import Sequence

import numpy as np

from lockstep.envs.rware import _kernel
from lockstep.envs.rware.simulator import Simulator

Standing = tuple[int, int, int, int]
"""x, y, direction (0 up, 1 down, 2 left, 3 right), the number of the carried shelf or 0."""


def put(simulator: Simulator, robots: Sequence[Standing], requested: Sequence[int] | None = None) -> None:
    """Put the robots of lane 0 where they are wanted, and ask for these shelves first."""
    state, border = simulator.get_state(), simulator.config.sensor_range
    width = simulator.config.floor.width + 2 * border
    looks, shelves = state["looks"][0], state["shelves"][0]
    if requested is not None:
        queue = [*requested, *(number for number in state["queue"][0] if number not in requested)]
        state["queue"][0] = queue[: state["queue"].shape[1]]
    walls = looks & _kernel.ROBOT_BITS == _kernel.WALL
    for i, (x, y, direction, carried) in enumerate(robots):
        cell = (y + border) * width + x + border
        if carried:
            shelves[shelves == carried] = 0
            shelves[cell] = carried
        state["robots"][0, i] = cell, direction, carried, 0
    asked = np.isin(shelves, state["queue"][0]) & (shelves > 0)
    looks[:] = np.where(walls, _kernel.WALL, (shelves > 0).astype(np.uint8) * _kernel.SHELF)
    looks[asked] = _kernel.REQUESTED_SHELF
    for cell, direction, carried, _ in state["robots"][0]:
        looks[cell] |= (1 + direction) << _kernel.ROBOT_SHIFT | (_kernel.LOADED if carried else 0)
    simulator.set_state(state)
