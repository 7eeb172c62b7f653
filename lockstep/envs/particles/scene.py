"""Particle games as they are shown: a plane in films, as text, and told to a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL.Image import Image
from rich.text import Text

from lockstep.drawing.palette import theme_named
from lockstep.envs.others import SharedWorld
from lockstep.envs.particles.draw import SIDE, ParticlePainter, reach_of
from lockstep.envs.particles.games import MOVES
from lockstep.envs.particles.plane import ParticleScene
from lockstep.envs.scene import Event, Picture, Scene

_COLUMNS, _LINES, _DOTS = 41, 21, 5


@dataclass(frozen=True)
class PlaneScene(Scene):
    """Agents and landmarks in a plane; a moment is a `ParticleScene`, of either engine. The scale is that of the
    farthest place in the whole episode, so that landmarks do not move. Where only some of the agents learn, those come
    first."""

    action_names: tuple[str, ...] = MOVES

    def moment(self, world: Any, lane: int) -> ParticleScene:
        """See ParticleSimulator.plane."""
        game: Any = world.env if isinstance(world, SharedWorld) else world
        plane: ParticleScene = game.plane(lane)
        return plane.ordered([*world.learners, *world.rest]) if isinstance(world, SharedWorld) else plane

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
            "targets": _rounded(moments[0].targets),
            "sizes": [moments[0].size(number) for number in range(len(moments[0].agents))],
            "adversaries": moments[0].adversaries,
            "obstacle": moments[0].obstacle_size,
            "words": [plane.words for plane in moments],
        }


def plane_text(plane: ParticleScene, theme: str, reach: float) -> Text:
    """Agents by number, landmarks as rings. reach: of the world shown, from its middle."""
    colors = theme_named(theme)
    cells = [
        [("· " if x % _DOTS == y % _DOTS == 0 else "  ", colors.place) for x in range(_COLUMNS)] for y in range(_LINES)
    ]
    for point in plane.landmarks:
        mark = "▒▒" if plane.obstacle_size else "◎ " if point in plane.targets else "○ "
        _put(cells, point, reach, (mark, colors.request))
    for number, point in enumerate(plane.agents):
        color = colors.conflict if number in plane.adversaries else colors.robots[number % len(colors.robots)]
        _put(cells, point, reach, (f"{number + 1:<2}", f"bold {color}"))
    text = Text(no_wrap=True)
    for line in cells:
        for mark, color in line:
            text.append(mark, f"{color} on {colors.floor}")
        text.append("\n")
    for number, word in enumerate(plane.words):
        text.append(f"{number + 1} says {word}  " if word else "")
    marks = "▒▒ obstacles" if plane.obstacle_size else "◎ landmarks to stand on"
    hunters = "".join(f" {number + 1}" for number in plane.adversaries)
    return text.append(f"1 2 3 agents  {marks}" + f"  adversaries:{hunters}" * bool(hunters), "dim")


def _put(cells: list[list[tuple[str, str]]], point: tuple[float, float], reach: float, mark: tuple[str, str]) -> None:
    x, y = (max(-reach, min(reach, part)) for part in point)
    cells[round((1 - y / reach) / 2 * (len(cells) - 1))][round((1 + x / reach) / 2 * (len(cells[0]) - 1))] = mark


def _rounded(points: Sequence[tuple[float, float]]) -> list[list[float]]:
    return [[round(place, 4) for place in point] for point in points]
