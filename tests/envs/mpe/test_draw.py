"""Agents and landmarks are where they should be, y upwards, and who covers a landmark shows it."""

import numpy as np

from lockstep.envs.mpe.draw import SIDE, draw_spread
from lockstep.envs.registry import make_vec
from lockstep.envs.rware.palette import THEMES

THEME = THEMES["light"]


def rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


def at(picture: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    """The color at a place of the world."""
    column, row = (x + 1.45) / 2.9 * SIDE, (1.45 - y) / 2.9 * SIDE
    return tuple(int(part) for part in picture[int(row), int(column)])


def test_agents_are_discs_where_they_stand() -> None:
    picture = draw_spread(np.array([[0.8, 0.8], [-0.5, -0.5]]), np.array([[0.0, 0.5], [0.5, -0.5]]))
    assert picture.shape == (SIDE, SIDE, 3)
    assert at(picture, 0.8, 0.8) == rgb(THEME.robots[0])
    assert at(picture, -0.5, -0.5) == rgb(THEME.robots[1])
    assert at(picture, -0.8, 0.8) == rgb(THEME.floor)
    assert at(picture, 0.5 + 0.04, -0.5 + 0.04) == rgb(THEME.goal)


def test_covering_a_landmark_shows() -> None:
    landmarks = np.array([[0.0, 0.0]])
    near, far = draw_spread(np.array([[0.05, 0.0]]), landmarks), draw_spread(np.array([[0.3, 0.0]]), landmarks)
    assert at(near, 0.05 + 0.18, 0.0) == rgb(THEME.flash)
    assert at(far, 0.3 + 0.18, 0.0) == rgb(THEME.floor)


def test_the_game_draws_itself() -> None:
    env = make_vec("mpe:simple_spread_v3", 2, seed=3)
    env.reset(3)
    picture = env.picture(1)  # type: ignore[attr-defined]
    assert rgb(THEME.robots[0]) in {tuple(color) for color in picture.reshape(-1, 3).tolist()}
