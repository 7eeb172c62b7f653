"""A field is drawn, written and told as it is."""

import numpy as np
import pytest

from lockstep.drawing.palette import THEMES
from lockstep.drawing.stamps import FLASH_FRAMES
from lockstep.envs.foraging.draw import draw
from lockstep.envs.foraging.moment import FieldMoment
from lockstep.envs.foraging.scene import ForagingScene, events_between, field_text
from lockstep.envs.registry import family_of, make_vec
from lockstep.envs.scene import Event

CELL = 40
FIRST = FieldMoment(5, 6, ((0, 0), (2, 2)), (1, 2), (((1, 2), 3), ((3, 4), 12)), 15, 0)
EATEN = FieldMoment(5, 6, ((0, 0), (2, 2)), (1, 2), (((3, 4), 12),), 15, 1)
SCENE = ForagingScene(sight=5)


def rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


def at(picture: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    """The color at a place given in cells."""
    return tuple(int(part) for part in picture[int(y * CELL), int(x * CELL)])


@pytest.mark.parametrize("name", THEMES)
def test_everything_is_drawn_where_it_is(name: str) -> None:
    theme, picture = THEMES[name], draw(FIRST, CELL, name)
    assert picture.shape == (5 * CELL, 6 * CELL, 3)
    assert at(picture, 5.5, 0.6) == rgb(theme.floor)
    assert at(picture, 3.5, 2.5) == rgb(theme.island)
    assert at(picture, 0.25, 0.5) == rgb(theme.robots[0])
    assert at(picture, 2.25, 2.5) == rgb(theme.robots[1])
    assert at(picture, 2.25, 1.6) == rgb(theme.request)
    assert at(picture, 2.7, 1.12) == rgb(theme.robots[2])  # the leaf


def test_levels_are_to_be_read() -> None:
    """Another level is another picture, of food and of players."""
    other = FieldMoment(5, 6, FIRST.players, (2, 2), (((1, 2), 4), ((3, 4), 12)), 16, 0)
    apart = (draw(FIRST, CELL) != draw(other, CELL)).any(-1)
    cells = {(int(row) // CELL, int(column) // CELL) for row, column in np.argwhere(apart)}
    assert cells == {(0, 0), (1, 2)}


def test_two_on_one_cell_are_both_seen() -> None:
    both = draw(FieldMoment(5, 6, ((2, 2), (2, 2)), (1, 2), (), 3, 0), CELL)
    colors = {tuple(color) for color in both.reshape(-1, 3).tolist()}
    assert {rgb(color) for color in THEMES["light"].robots[:2]} <= colors


def test_a_meal_a_load_in_vain_and_a_conflict_are_events() -> None:
    assert events_between(FIRST, (0, 5), EATEN) == (Event("meal", 1, (2, 2)),)
    assert events_between(FIRST, (0, 5), FIRST) == (Event("failed load", 1, (2, 2)),)
    assert events_between(FIRST, (1, 1), FIRST) == ()  # a wall, and food in the way
    assert events_between(FIRST, (4, 0), FIRST) == (Event("conflict", 0, (0, 0)),)


def test_a_meal_shines_in_a_film() -> None:
    moments = [FIRST, *[EATEN] * (FLASH_FRAMES + 1)]
    film = SCENE.film(moments, [()] * (len(moments) - 1), [("", "")] * len(moments), "light", 1.0)
    last = np.asarray(film[-1])
    assert [bool((np.asarray(frame) != last).any()) for frame in film] == [True] * (FLASH_FRAMES + 1) + [False]
    assert len({frame.size for frame in film}) == 1


def test_text_tells_everything_without_color() -> None:
    lines = field_text(FIRST, "dark").plain.splitlines()
    assert lines[0].startswith("A1 ·")
    assert lines[1] == " · ·●3 · · ·"
    assert lines[2] == " · ·B2 · · ·"
    assert lines[3] == " · · · ·12 ·"


def test_a_page_is_told_food_with_the_frames_in_which_it_is_there() -> None:
    told = SCENE.told([FIRST, FIRST, EATEN])
    assert told["foods"] == [[2, 1, 3, 2], [4, 3, 12, 3]]
    assert told["frames"][0] == [[0, 0], [2, 2]]
    assert (told["kind"], told["flashFrames"], told["levels"]) == ("foraging", FLASH_FRAMES, [1, 2])
    assert "SCENES.foraging" in family_of("Foraging-8x8-2p-2f-v3").script()


@pytest.mark.parametrize("engine", ["lockstep", "official"])
def test_the_field_says_who_is_where(engine: str) -> None:
    key = "Foraging-8x8-2p-2f-v3"
    env = make_vec(key, 2, seed=3, engine=engine)  # type: ignore[arg-type]
    obs = env.reset(3)
    scene = family_of(key).scene(env)
    assert scene is not None
    moment = scene.moment(env, 1)
    assert [list(moment.players[0]), moment.levels[0]] == [obs[1, 0, 6:8].tolist(), obs[1, 0, 8]]
    assert [[*place, level] for place, level in moment.foods] == obs[1, 0, :6].reshape(2, 3).tolist()
    about = family_of(key).about(env)
    assert about.sees == ("Each player sees", "the whole field")
    assert ("Levels of players", "up to 2") in about.rows
