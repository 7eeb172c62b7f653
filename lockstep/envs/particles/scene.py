"""simple_spread as it is shown: a plane in films, as text, and told to a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL.Image import Image
from rich.text import Text

from lockstep.drawing.palette import theme_named
from lockstep.envs.particles.config import ACTION_NAMES
from lockstep.envs.particles.draw import SIDE, ParticlePainter, reach_of
from lockstep.envs.particles.plane import ParticleScene
from lockstep.envs.scene import Event, Picture, Scene

_COLUMNS, _LINES, _DOTS = 41, 21, 5


@dataclass(frozen=True)
class PlaneScene(Scene):
    """Agents and landmarks in a plane; a moment is a `ParticleScene`, of either engine. The scale is that of the
    farthest place in the whole episode, so that landmarks do not move."""

    action_names = ACTION_NAMES

    def moment(self, world: Any, lane: int) -> ParticleScene:
        """See SpreadSimulator.plane."""
        plane: ParticleScene = world.plane(lane)
        return plane

    def picture(self, moments: Sequence[ParticleScene], number: int, theme: str) -> Picture:
        """The plane alone."""
        return np.array(ParticlePainter(reach_of(moments), SIDE, theme).floor(moments[number]))

    def text(self, moments: Sequence[ParticleScene], number: int, theme: str) -> Text:
        """A grid of two columns a place."""
        return plane_text(moments[number], theme, reach_of(moments))

    def film(
        self,
        moments: Sequence[ParticleScene],
        events: Sequence[tuple[Event, ...]],
        captions: Sequence[tuple[str, str]],
        theme: str,
        scale: float,
    ) -> list[Image]:
        """All in one scale, on round pages."""
        painter = ParticlePainter(reach_of(moments), round(scale * SIDE), theme)
        return [painter.frame(plane, *caption) for plane, caption in zip(moments, captions, strict=True)]

    def told(self, moments: Sequence[ParticleScene]) -> dict[str, Any]:
        """For scene.js."""
        return {
            "kind": "particles",
            "reach": reach_of(moments),
            "planes": [_rounded(plane.agents) for plane in moments],
            "landmarks": _rounded(moments[0].landmarks),
        }


def plane_text(plane: ParticleScene, theme: str, reach: float) -> Text:
    """Agents by number, landmarks as rings. reach: of the world shown, from its middle."""
    colors = theme_named(theme)
    cells = [
        [("· " if x % _DOTS == y % _DOTS == 0 else "  ", colors.place) for x in range(_COLUMNS)] for y in range(_LINES)
    ]
    for point in plane.landmarks:
        _put(cells, point, reach, ("◎ ", colors.request))
    for number, point in enumerate(plane.agents):
        _put(cells, point, reach, (f"{number + 1:<2}", f"bold {colors.robots[number % len(colors.robots)]}"))
    text = Text(no_wrap=True)
    for line in cells:
        for mark, color in line:
            text.append(mark, f"{color} on {colors.floor}")
        text.append("\n")
    return text.append("1 2 3 agents  ◎ landmarks to stand on", "dim")


def _put(cells: list[list[tuple[str, str]]], point: tuple[float, float], reach: float, mark: tuple[str, str]) -> None:
    x, y = (max(-reach, min(reach, part)) for part in point)
    cells[round((1 - y / reach) / 2 * (len(cells) - 1))][round((1 + x / reach) / 2 * (len(cells[0]) - 1))] = mark


def _rounded(points: Sequence[tuple[float, float]]) -> list[list[float]]:
    return [[round(place, 4) for place in point] for point in points]
