"""A warehouse as a picture: plain arrays, no display, no window."""

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.rware.snapshot import Snapshot

Color = tuple[int, int, int]
CORRIDOR: Color = (250, 250, 248)
PLACE: Color = (226, 226, 222)
LINE: Color = (206, 206, 202)
GOAL: Color = (84, 88, 96)
SHELF: Color = (110, 134, 178)
REQUESTED_SHELF: Color = (226, 126, 48)
ROBOT: Color = (38, 122, 96)
LOADED_ROBOT: Color = (178, 52, 62)
HEADING: Color = (255, 255, 255)
_OVERSAMPLING = 3
_VECTORS = ((0, -1), (0, 1), (-1, 0), (1, 0))


def draw(snapshot: Snapshot, cell_pixels: int = 24) -> NDArray[np.uint8]:
    """(height * cell_pixels, width * cell_pixels, 3) uint8.

    Squares are shelves, orange when requested; discs are robots, red when loaded, with a white mark where they head;
    dark cells are goals. Drawn three times as large and averaged, so that edges are smooth.
    """
    size = cell_pixels * _OVERSAMPLING
    canvas = np.empty((snapshot.height * size, snapshot.width * size, 3), dtype=np.uint8)
    for y in range(snapshot.height):
        for x in range(snapshot.width):
            ground = GOAL if (x, y) in snapshot.goals else CORRIDOR if snapshot.highways[y][x] else PLACE
            _cell(canvas, x, y, size)[:] = LINE
            _cell(canvas, x, y, size)[_OVERSAMPLING:, _OVERSAMPLING:] = ground
    margin = size // 8
    for number, (x, y) in enumerate(snapshot.shelves, start=1):
        color = REQUESTED_SHELF if number in snapshot.requested else SHELF
        _cell(canvas, x, y, size)[margin : size - margin, margin : size - margin] = color
    v, u = (np.indices((size, size)) + 0.5) / size - 0.5
    disc = u**2 + v**2 < 0.30**2
    for robot in snapshot.robots:
        cell = _cell(canvas, robot.x, robot.y, size)
        cell[disc] = LOADED_ROBOT if robot.carried_shelf else ROBOT
        dx, dy = _VECTORS[robot.direction]
        along, across = u * dx + v * dy, np.abs(u * dy - v * dx)
        cell[(along > 0) & (along < 0.27) & (across < 0.06)] = HEADING
    smooth = canvas.reshape(
        snapshot.height * cell_pixels, _OVERSAMPLING, snapshot.width * cell_pixels, _OVERSAMPLING, 3
    ).mean((1, 3))
    picture: NDArray[np.uint8] = smooth.round().astype(np.uint8)
    return picture


def _cell(canvas: NDArray[np.uint8], x: int, y: int, size: int) -> NDArray[np.uint8]:
    cell: NDArray[np.uint8] = canvas[y * size : (y + 1) * size, x * size : (x + 1) * size]
    return cell
