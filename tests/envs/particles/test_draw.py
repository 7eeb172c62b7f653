"""Agents and landmarks are where they should be, y upwards, and who covers a landmark shows it."""

from typing import Literal

import numpy as np
import pytest
from PIL import Image

from lockstep.drawing.palette import THEMES
from lockstep.envs.particles.draw import SIDE, ParticlePainter, reach_of
from lockstep.envs.particles.plane import ParticleScene, Point
from lockstep.envs.registry import make_vec

REACH = 1.5


def rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


def at(picture: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """The color at a place of the world."""
    column, row = (x + REACH) / (2 * REACH) * SIDE, (REACH - y) / (2 * REACH) * SIDE
    return tuple(np.asarray(picture)[int(row), int(column)].tolist())


def drawn(agents: tuple[Point, ...], landmarks: tuple[Point, ...], theme: str = "light") -> Image.Image:
    return ParticlePainter(REACH, SIDE, theme).floor(ParticleScene(agents, landmarks))


@pytest.mark.parametrize("theme", THEMES)
def test_everybody_is_drawn_where_they_stand(theme: str) -> None:
    colors = THEMES[theme]
    picture = drawn(((0.8, 0.8), (-0.6, -0.6)), ((0.1, 0.6), (0.6, -0.4)), theme)
    assert picture.size == (SIDE, SIDE)
    assert at(picture, 0.8, 0.8) == rgb(colors.robots[0])
    assert at(picture, -0.6, -0.6) == rgb(colors.robots[1])
    assert at(picture, -0.8, 0.8) == rgb(colors.floor)
    for x, y in ((0.1, 0.6), (0.6, -0.4)):
        assert at(picture, x, y) == rgb(colors.flash)  # the middle of a landmark
        assert at(picture, x + 0.138, y) == rgb(colors.goal)  # and the ring that an agent fills


def test_covering_a_landmark_shows() -> None:
    flash, floor = rgb(THEMES["light"].flash), rgb(THEMES["light"].floor)
    assert at(drawn(((0.05, 0.1),), ((0.0, 0.1),)), 0.05 + 0.2, 0.1) == flash
    assert at(drawn(((0.3, 0.1),), ((0.0, 0.1),)), 0.3 + 0.2, 0.1) == floor


def test_nobody_leaves_the_picture() -> None:
    planes = [ParticleScene(((0.0, 0.0),), ((0.5, 0.5),)), ParticleScene(((-2.0, 0.0),), ((0.5, 0.5),))]
    assert reach_of(planes[:1]) == pytest.approx(1.25)
    assert reach_of(planes) > 2.15  # the agent's far edge


def test_who_flies_very_far_waits_at_the_edge_and_is_smaller() -> None:
    """Else one stray agent would make all others specks."""
    far = ParticleScene(((-9.0, 0.2),), ((0.5, 0.5),))
    assert reach_of([far]) == 2.25
    picture = ParticlePainter(REACH, SIDE).floor(far)
    color, floor = rgb(THEMES["light"].robots[0]), rgb(THEMES["light"].floor)
    edge = -REACH + 0.15
    assert at(picture, edge, 0.2) == color
    assert at(picture, edge, 0.2 + 0.13) == floor


def test_twice_the_size_is_the_same_picture() -> None:
    plane = ParticleScene(((0.8, 0.8), (-0.6, -0.6)), ((0.1, 0.6),))
    small, large = (ParticlePainter(REACH, side).frame(plane, "left", "right") for side in (SIDE, 2 * SIDE))
    assert large.size == pytest.approx((2 * small.width, 2 * small.height), abs=3)
    shrunk = np.asarray(large.resize(small.size, Image.Resampling.BOX)).astype(int)
    assert np.abs(shrunk - np.asarray(small)).mean() < 3


@pytest.mark.parametrize("engine", ["lockstep", "official"])
def test_the_game_says_who_is_where(engine: Literal["lockstep", "official"]) -> None:
    if engine == "official":
        pytest.importorskip("mpe2")
    env = make_vec("mpe:simple_spread_v3", 2, seed=3, engine=engine)
    env.reset(3)
    plane = env.plane(1)  # type: ignore[attr-defined]
    agents, _, landmarks, _, _ = env.places()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(plane.agents, agents[1])
    np.testing.assert_array_equal(plane.landmarks, landmarks[1])
