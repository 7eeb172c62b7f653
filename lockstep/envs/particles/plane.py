"""One game of simple_spread at one moment: for drawing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]


@dataclass(frozen=True)
class ParticleScene:
    """Who is where; x to the right, y upwards. Landmarks lie within 1 of the middle, agents may go further."""

    agents: tuple[Point, ...]
    landmarks: tuple[Point, ...]

    @classmethod
    def of(cls, agents: NDArray[np.float64], landmarks: NDArray[np.float64]) -> "ParticleScene":
        """agents, landmarks: (number, 2)."""
        return cls(_points(agents), _points(landmarks))


def _points(places: NDArray[np.float64]) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in places)
