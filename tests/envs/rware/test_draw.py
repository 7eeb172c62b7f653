"""Everything of a state is where it should be in its picture, in every size and theme."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lockstep.drawing.palette import THEMES, Theme
from lockstep.drawing.stamps import FLASH_FRAMES, fitting_cell_pixels
from lockstep.envs.rware.draw import FloorPlan, Painter, draw
from lockstep.envs.rware.snapshot import Robot
from lockstep.errors import UserError
from tests.envs.rware.scenes import DOWN, LEFT, RIGHT, UP, large_scene, scene

GOLDEN = Path(__file__).parent / "golden"
CELL = 40


def rgb(color: str) -> tuple[int, ...]:
    return tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))


def at(picture: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    """The color at a place given in cells."""
    return tuple(int(part) for part in picture[int(y * CELL), int(x * CELL)])


@pytest.mark.parametrize("name", THEMES)
def test_every_entity_appears_where_it_should(name: str) -> None:
    theme: Theme = THEMES[name]
    robots = [Robot(0, 1, RIGHT, 0, False), Robot(2, 2, UP, 1, False)]
    picture = draw(scene(robots, requested=(1,), layout="xx.\n...\n.g."), CELL, name)
    assert picture.shape == (3 * CELL, 3 * CELL, 3)
    assert at(picture, 2.5, 0.5) == rgb(theme.floor)
    assert at(picture, 0.03, 0.5) == rgb(theme.island)  # the place of the carried shelf is empty
    assert at(picture, 0.5, 0.5) == rgb(theme.island)
    assert at(picture, 1.5, 0.5) == rgb(theme.shelf)
    assert at(picture, 1.5, 0.36) == rgb(theme.shelf_board)
    assert at(picture, 1.5, 2.15) == rgb(theme.goal)
    assert at(picture, 0.25, 1.35) == rgb(theme.robots[0])
    assert at(picture, 0.6, 1.5) == rgb(theme.heading)
    assert at(picture, 2.5, 2.1) == rgb(theme.request)  # the load
    assert at(picture, 2.165, 2.165) == rgb(theme.request_mark)
    assert at(picture, 2.3, 2.6) == rgb(theme.robots[1])


@pytest.mark.parametrize(("direction", "dx", "dy"), [(UP, 0, -1), (DOWN, 0, 1), (LEFT, -1, 0), (RIGHT, 1, 0)])
def test_the_arrow_points_where_the_robot_heads(direction: int, dx: int, dy: int) -> None:
    picture = draw(scene([Robot(1, 1, direction, 0, False)]), CELL)
    heading = rgb(THEMES["light"].heading)
    assert at(picture, 1.5 + 0.18 * dx, 1.5 + 0.18 * dy) == heading
    assert at(picture, 1.5 - 0.18 * dx, 1.5 - 0.18 * dy) != heading


def test_a_requested_shelf_carries_a_mark_that_needs_no_color() -> None:
    picture = draw(scene([], requested=(1,)), CELL)
    light, dark = (int(np.mean(at(picture, 0.5 + shift, 0.5))) for shift in (0.25, 0.0))
    assert light - dark > 80
    assert abs(int(np.mean(at(picture, 2.5, 0.5))) - light) < 80  # another shelf has no such mark


def test_a_requested_load_differs_from_another_without_color() -> None:
    robot = [Robot(1, 1, UP, 1, False)]
    wanted, other = (draw(scene(robot, requested=requested), CELL).astype(int).mean(-1) for requested in ((1,), (2,)))
    corner = (int(1.165 * CELL), int(1.165 * CELL))
    assert wanted[int(1.1 * CELL), int(1.5 * CELL)] - wanted[corner] > 80
    assert abs(other[int(1.1 * CELL), int(1.5 * CELL)] - other[corner]) < 5


def test_hues_of_robots_differ_in_brightness_or_hue_from_what_they_carry() -> None:
    for theme in THEMES.values():
        for load in (theme.shelf, theme.request):
            for robot in theme.robots:
                assert np.abs(np.subtract(rgb(robot), rgb(load))).sum() > 60


def test_a_frame_has_the_floor_a_margin_and_a_line() -> None:
    snapshot = scene([])
    painter = Painter(FloorPlan.of(snapshot), CELL)
    frame = painter.frame(snapshot, "world", "step 3")
    assert frame.size == painter.size
    assert painter.width < frame.width
    page = rgb(THEMES["light"].page)
    assert frame.getpixel((2, 2)) == page
    line = np.asarray(frame)[painter.margin + painter.height :]
    inked = (np.abs(line.astype(int) - page).sum(-1) > 90).any(0)
    assert inked[: frame.width // 2].any()
    assert inked[frame.width // 2 :].any()


def test_a_long_line_ends_in_dots_and_stays_off_the_other() -> None:
    snapshot = scene([])
    painter = Painter(FloorPlan.of(snapshot), CELL)
    full = np.asarray(painter.frame(snapshot, "a very long name of a world and of a team " * 3, "step 3"))
    short = np.asarray(painter.frame(snapshot, "", "step 3"))
    right = slice(painter.margin + painter.width - 40, None)
    np.testing.assert_array_equal(full[:, right], short[:, right])


def test_a_delivery_shines_and_fades() -> None:
    snapshot = scene([])
    painter = Painter(FloorPlan.of(snapshot), CELL)
    dark = np.asarray(painter.frame(snapshot)).astype(int)
    shining = [
        np.abs(np.asarray(painter.frame(snapshot, flashes={(1, 1): age})).astype(int) - dark).sum()
        for age in range(FLASH_FRAMES)
    ]
    assert min(shining) > 0
    assert shining[-1] < max(shining) / 2


@pytest.mark.parametrize("scale", [1, 2])
def test_the_largest_floor_with_nineteen_robots_fits(scale: int) -> None:
    snapshot = large_scene()
    cell = scale * fitting_cell_pixels(snapshot.height, snapshot.width)
    painter = Painter(FloorPlan.of(snapshot), cell, "dark")
    frame = painter.frame(snapshot, "rware-large-19ag-v2", "step 1")
    assert frame.size == painter.size
    assert max(frame.size) <= scale * 720
    assert fitting_cell_pixels(11, 10) == 40


def test_edges_are_crisp_at_any_size() -> None:
    """Cells have whole pixels: a picture of twice the size is not a blurred one of the size."""
    for cell in (17, 34):
        picture = draw(scene([]), cell)
        colors = np.unique(picture[: cell // 2, cell + 2 : 2 * cell - 2].reshape(-1, 3), axis=0)
        assert len(colors) == 1  # a bare highway cell is one color


@pytest.mark.parametrize("theme", THEMES)
def test_it_looks_as_it_did(theme: str) -> None:
    """Golden pictures; delete one to have it drawn anew."""
    robots = [Robot(0, 1, RIGHT, 0, False), Robot(2, 1, DOWN, 2, False), Robot(1, 1, LEFT, 1, False)]
    snapshot = scene(robots, requested=(1, 3), layout="x.x\n...\nx.x\n.g.")
    frame = Painter(FloorPlan.of(snapshot), 28, theme).frame(snapshot, "a world", "return 2", {(1, 3): 1})
    path = GOLDEN / f"warehouse-{theme}.png"
    if not path.is_file():
        frame.save(path, optimize=True)
        pytest.fail(f"{path.name} was missing and is drawn anew; look at it, then run again")
    golden = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert golden.shape == np.asarray(frame).shape
    off = np.abs(golden - np.asarray(frame))
    assert off.mean() < 1.0  # another FreeType may set the line of text a little differently
    assert (off[: 4 * 28].max(-1) > 40).mean() < 0.001  # the floor's smallest marks count


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(UserError, match="light or dark"):
        draw(scene([]), theme="pink")
