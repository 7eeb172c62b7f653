"""simple_spread as a picture: landmarks are crosses, agents are discs, and who covers a landmark has a ring."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lockstep.envs.rware.palette import theme_named

SIDE = 420
"""Pixels."""
_OVERSAMPLING = 3
_REACH = 1.45
"""Half of the world that is shown; landmarks lie within 1, and agents that go further leave the picture."""
AGENT_RADIUS, _LANDMARK = 0.15, 0.06
_COVERING = 0.1
"""Distance below which mpe2's benchmark counts a landmark as occupied (simple_spread.py, benchmark_data)."""


def draw_spread(
    positions: NDArray[np.float64], landmarks: NDArray[np.float64], theme: str = "light"
) -> NDArray[np.uint8]:
    """(SIDE, SIDE, 3) uint8. positions, landmarks: (agents, 2), y upwards."""
    colors, pixels = theme_named(theme), SIDE * _OVERSAMPLING
    picture = Image.new("RGB", (pixels, pixels), colors.floor)
    pen = ImageDraw.Draw(picture)

    def disc(place: NDArray[np.float64], radius: float, **paint: object) -> None:
        x, y = _pixel(place, pixels)
        size = radius / (2 * _REACH) * pixels
        pen.ellipse((x - size, y - size, x + size, y + size), **paint)  # type: ignore[arg-type]

    low, high = _pixel(np.array([-1.0, 1.0]), pixels), _pixel(np.array([1.0, -1.0]), pixels)
    pen.rectangle((*low, *high), outline=colors.cross, width=_OVERSAMPLING)
    for place in landmarks:
        x, y = _pixel(place, pixels)
        arm = _LANDMARK / (2 * _REACH) * pixels
        for dx, dy in ((arm, arm), (arm, -arm)):
            pen.line((x - dx, y - dy, x + dx, y + dy), fill=colors.goal, width=3 * _OVERSAMPLING)
    for number, place in enumerate(positions):
        covers = np.linalg.norm(landmarks - place, axis=-1).min() < _COVERING
        if covers:
            disc(place, AGENT_RADIUS + 0.05, outline=colors.flash, width=4 * _OVERSAMPLING)
        disc(place, AGENT_RADIUS, fill=colors.robots[number % len(colors.robots)])
    for place in landmarks:
        disc(place, 0.02, fill=colors.flash)
    return np.array(picture.reduce(_OVERSAMPLING))


def _pixel(place: NDArray[np.float64], pixels: int) -> tuple[float, float]:
    """World to picture: y points down there."""
    x, y = (place * (1, -1) + _REACH) / (2 * _REACH) * pixels
    return float(x), float(y)
