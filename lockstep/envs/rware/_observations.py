# mypy: disable-error-code="arg-type, assignment, return-value"
"""What the robots see, written from the looks of the cells around them. Only `simulator` calls this.

Line numbers cite rware 2.0.0's warehouse.py.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled, inlined
from lockstep.envs.rware._kernel import (
    CELL,
    DIRECTION,
    DOWN,
    EAST,
    LOADED,
    REQUESTED_SHELF,
    ROBOT_BITS,
    ROBOT_SHIFT,
    SHELF_BITS,
    WALL,
    WEST,
    WarehouseLanes,
)

OWN, CELL_FEATURES = 8, 7
SHELVES, REQUESTS, AGENTS, AGENT_DIRECTION, AGENT_LOAD, GOALS, ACCESSIBLE = range(7)
"""Image layers, in the order of rware's ImageLayer."""


class Eyes(NamedTuple):
    """How to see, the same for all lanes and robots."""

    sensor_range: int
    width: int
    """Cells in one row of the floor, borders included."""
    own_features: NDArray[np.float32]
    """(cells, 8): x, y, carrying, direction one-hot, on highway, as far as the cell decides them"""
    cell_features: NDArray[np.float32]
    """(looks, 8): has robot, its direction one-hot, has shelf, it is requested, and a 0 to fill up"""
    image_layers: NDArray[np.int64]
    """(layers,)"""
    directional: bool
    """Images are turned so that the robot looks up."""
    with_features: bool
    """Images follow after six features of the robot itself."""
    goal_cells: NDArray[np.uint8]
    """(cells,)"""


@compiled
def write_flat(eyes: Eyes, lanes: WarehouseLanes, chosen: NDArray[np.int64], obs: NDArray[np.float32]) -> None:
    """Flattened observations without messages (line 626): self, then every cell of the view, row by row.

    obs: (lanes * agents * features,). A cell's seven features are written as eight, one vector store, and the next
    cell overwrites the last of them; only the last cell of a view is written as seven.
    """
    robots, looks = lanes.robots, lanes.looks
    own_features, cell_features = eyes.own_features, eyes.cell_features
    num_robots, view = robots.shape[1], 2 * eyes.sensor_range + 1
    features = OWN + view * view * CELL_FEATURES
    to_corner = eyes.sensor_range * (eyes.width + 1)
    for c in range(len(chosen)):
        lane = chosen[c]
        for i in range(num_robots):
            place = np.uintp((lane * num_robots + i) * features)
            cell = np.int64(robots[lane, i, CELL])
            _copy_eight(own_features, cell, obs, place)
            obs[place + np.uintp(2)] = np.float32(looks[lane, cell] & LOADED != 0)
            obs[place + np.uintp(3 + robots[lane, i, DIRECTION])] = np.float32(1.0)
            place += np.uintp(OWN)
            corner = cell - to_corner
            for row in range(view):
                for column in range(view - (row == view - 1)):
                    _copy_eight(cell_features, looks[lane, corner + column], obs, place)
                    place += np.uintp(CELL_FEATURES)
                corner += eyes.width
            look = looks[lane, corner - eyes.width + view - 1]
            for feature in range(CELL_FEATURES):
                obs[place + np.uintp(feature)] = cell_features[look, feature]


@inlined
def _copy_eight(table: NDArray[np.float32], row: int, obs: NDArray[np.float32], place: int) -> None:
    """obs[place : place + 8] = table[row]. All are read before any is written, and places are unsigned, so that the
    compiler sees that one vector load and one vector store will do."""
    a, b, c, d = table[row, 0], table[row, 1], table[row, 2], table[row, 3]
    e, f, g, h = table[row, 4], table[row, 5], table[row, 6], table[row, 7]
    obs[place], obs[place + np.uintp(1)], obs[place + np.uintp(2)], obs[place + np.uintp(3)] = a, b, c, d
    obs[place + np.uintp(4)], obs[place + np.uintp(5)], obs[place + np.uintp(6)], obs[place + np.uintp(7)] = e, f, g, h


@compiled
def write_with_messages(eyes: Eyes, lanes: WarehouseLanes, chosen: NDArray[np.int64], obs: NDArray[np.float32]) -> None:
    """The same with what every robot in view said in its last action, between its direction and the shelf."""
    num_robots, bits = lanes.messages.shape[1:]
    reach = eyes.sensor_range
    features = OWN + (2 * reach + 1) ** 2 * (CELL_FEATURES + bits)
    robot_at = np.zeros(lanes.looks.shape[1], dtype=np.int64)
    for lane in chosen:
        for i in range(num_robots):
            robot_at[lanes.robots[lane, i, CELL]] = i
        for i in range(num_robots):
            place = (lane * num_robots + i) * features
            middle = np.int64(lanes.robots[lane, i, CELL])
            for feature in range(OWN):
                obs[place + feature] = eyes.own_features[middle, feature]
            obs[place + 2] = np.float32(lanes.looks[lane, middle] & LOADED != 0)
            obs[place + 3 + lanes.robots[lane, i, DIRECTION]] = np.float32(1.0)
            place += OWN
            for row in range(-reach, reach + 1):
                for column in range(-reach, reach + 1):
                    cell = middle + row * eyes.width + column
                    look = lanes.looks[lane, cell]
                    for feature in range(5):
                        obs[place + feature] = eyes.cell_features[look, feature]
                    for bit in range(bits):
                        heard = _has_robot(look) and lanes.messages[lane, robot_at[cell], bit]
                        obs[place + 5 + bit] = np.float32(1.0 if heard else 0.0)
                    obs[place + 5 + bits] = eyes.cell_features[look, 5]
                    obs[place + 6 + bits] = eyes.cell_features[look, 6]
                    place += CELL_FEATURES + bits


@compiled
def write_images(eyes: Eyes, lanes: WarehouseLanes, chosen: NDArray[np.int64], obs: NDArray[np.float32]) -> None:
    """Image observations (line 531), layer by layer, each row by row; before them, if asked, the robot's features."""
    num_robots, reach = lanes.robots.shape[1], eyes.sensor_range
    view = 2 * reach + 1
    features = len(eyes.image_layers) * view * view + (6 if eyes.with_features else 0)
    for lane in chosen:
        for i in range(num_robots):
            place = (lane * num_robots + i) * features
            middle, direction = np.int64(lanes.robots[lane, i, CELL]), lanes.robots[lane, i, DIRECTION]
            if eyes.with_features:
                for heading in range(4):
                    obs[place + heading] = np.float32(heading == direction)
                obs[place + 4] = eyes.own_features[middle, 7]
                obs[place + 5] = np.float32(lanes.looks[lane, middle] & LOADED != 0)
                place += 6
            for layer in eyes.image_layers:
                for row in range(view):
                    for column in range(view):
                        y, x = row, column
                        if eyes.directional and direction == DOWN:
                            y, x = view - 1 - row, view - 1 - column
                        elif eyes.directional and direction == WEST:
                            y, x = view - 1 - column, row
                        elif eyes.directional and direction == EAST:
                            y, x = column, view - 1 - row
                        cell = middle + (y - reach) * eyes.width + x - reach
                        obs[place] = np.float32(_pixel(eyes, lanes, lane, layer, cell))
                        place += 1


@compiled
def _pixel(eyes: Eyes, lanes: WarehouseLanes, lane: int, layer: int, cell: int) -> int:
    """One cell in one image layer. Two layers have x and y exchanged (line 557), on square floors only."""
    if layer in (AGENT_DIRECTION, AGENT_LOAD):
        cell = (cell % eyes.width) * eyes.width + cell // eyes.width
    look = np.int64(lanes.looks[lane, cell])
    if look & ROBOT_BITS == WALL:
        return 0
    if layer == SHELVES:
        return 1 if look & SHELF_BITS else 0
    if layer == REQUESTS:
        return 1 if look & SHELF_BITS == REQUESTED_SHELF else 0
    if layer == AGENTS:
        return 1 if look & ROBOT_BITS else 0
    if layer == AGENT_DIRECTION:
        return (look & ROBOT_BITS) >> ROBOT_SHIFT
    if layer == AGENT_LOAD:
        return 1 if look & LOADED else 0
    if layer == GOALS:
        return np.int64(eyes.goal_cells[cell])
    return 0 if look & ROBOT_BITS else 1


@compiled
def _has_robot(look: int) -> bool:
    return look & ROBOT_BITS != 0 and look & ROBOT_BITS != WALL
