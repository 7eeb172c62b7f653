"""What users of the official package read in a warehouse, by its names: a moment of ours, told in the package's words.

Everything here is a copy that cannot be written to: whoever wants to put robots somewhere uses
`Simulator.set_state`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.rware.official import official_direction
from lockstep.envs.rware.snapshot import Robot, Snapshot
from lockstep.errors import UserError


@dataclass(frozen=True)
class ShelfView:
    """One shelf at one moment."""

    id: int
    """Counted from 1, in reading order of the shelf places."""
    x: int
    y: int


@dataclass(frozen=True)
class AgentView:
    """One robot at one moment."""

    id: int
    """Counted from 1."""
    x: int
    y: int
    dir: Any
    """A member of `rware.warehouse.Direction`."""
    carrying_shelf: ShelfView | None
    has_delivered: bool
    message: NDArray[np.float64] = field(compare=False)
    """(message bits,)"""


def shelf_views(snapshot: Snapshot) -> tuple[ShelfView, ...]:
    """All shelves, standing and carried."""
    return tuple(ShelfView(number, x, y) for number, (x, y) in enumerate(snapshot.shelves, start=1))


def request_views(snapshot: Snapshot) -> tuple[ShelfView, ...]:
    """The requested shelves, in the order of the queue."""
    shelves = shelf_views(snapshot)
    return tuple(shelves[number - 1] for number in snapshot.requested)


def agent_views(snapshot: Snapshot) -> tuple[AgentView, ...]:
    """All robots."""
    shelves = shelf_views(snapshot)

    def view(number: int, robot: Robot) -> AgentView:
        carried = shelves[robot.carried_shelf - 1] if robot.carried_shelf else None
        message = _frozen(np.array(robot.message, dtype=np.float64))
        way = official_direction(robot.direction)
        return AgentView(number, robot.x, robot.y, way, carried, robot.has_delivered, message)

    return tuple(view(number, robot) for number, robot in enumerate(snapshot.robots, start=1))


def grid_of(snapshot: Snapshot) -> NDArray[np.int32]:
    """(2, height, width): the number of the robot on every cell, and that of the shelf; 0 where there is none."""
    grid = np.zeros((2, snapshot.height, snapshot.width), dtype=np.int32)
    for number, (x, y) in enumerate(snapshot.shelves, start=1):
        grid[1, y, x] = number
    for number, robot in enumerate(snapshot.robots, start=1):
        grid[0, robot.y, robot.x] = number
    return _frozen(grid)


def highways_of(snapshot: Snapshot) -> NDArray[np.uint8]:
    """(height, width): 1 on corridors and goals."""
    return _frozen(np.array(snapshot.highways, dtype=np.uint8))


def global_image(
    snapshot: Snapshot, layers: Sequence[str], pad_to_shape: tuple[int, ...] | None = None
) -> NDArray[np.float32]:
    """(layers, height, width): the whole floor in image layers, by their names in any case.

    pad_to_shape: a larger (layers, height, width), zeros around. Raises UserError where that is smaller, for unknown
    layers, and, as the package swaps x and y in them, for robots' directions and loads on floors that are not square.
    """
    image = np.stack([_layer(snapshot, layer.lower()) for layer in layers])
    if pad_to_shape is None:
        return image
    missing = [wanted - there for wanted, there in zip(pad_to_shape, image.shape, strict=True)]
    if min(missing) < 0:
        raise UserError(f"pad_to_shape={pad_to_shape} is smaller than the image, which is {image.shape}.")
    return np.pad(image, [(more // 2, more - more // 2) for more in missing])


def _layer(snapshot: Snapshot, layer: str) -> NDArray[np.float32]:
    plan = np.zeros((snapshot.height, snapshot.width), dtype=np.float32)
    grid = grid_of(snapshot)
    if layer == "shelves":
        plan[grid[1] > 0] = 1.0
    elif layer == "agents":
        plan[grid[0] > 0] = 1.0
    elif layer == "accessible":
        plan[grid[0] == 0] = 1.0
    elif layer == "requests":
        for shelf in request_views(snapshot):
            plan[shelf.y, shelf.x] = 1.0
    elif layer == "goals":
        for x, y in snapshot.goals:
            plan[y, x] = 1.0
    elif layer in ("agent_direction", "agent_load"):
        if snapshot.height != snapshot.width:
            raise UserError(f"The image layer {layer!r} works on square floors only: the package swaps its x and y.")
        for robot in snapshot.robots:
            plan[robot.x, robot.y] = robot.direction + 1 if layer == "agent_direction" else robot.carried_shelf > 0
    else:
        raise UserError(f"There is no image layer {layer!r}.")
    return plan


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
