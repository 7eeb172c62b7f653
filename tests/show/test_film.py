"""Recordings become films of the right length, size and light."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from rich.console import Console

from lockstep.drawing.palette import THEMES
from lockstep.envs.particles.draw import SIDE, reach_of
from lockstep.envs.particles.plane import ParticleScene
from lockstep.envs.particles.scene import PlaneScene, plane_text
from lockstep.envs.rware.scene import WarehouseScene, floor_text
from lockstep.envs.rware.snapshot import Robot
from lockstep.envs.scene import Event, OwnPictures
from lockstep.errors import UserError
from lockstep.show.film import check_request, frames, write
from lockstep.show.recording import Recording, Step
from lockstep.show.terminal import play_in_terminal
from tests.envs.rware.scenes import scene


def recording() -> Recording:
    """A robot carries a requested shelf onto the goal in its second step."""
    snapshots = tuple(scene([Robot(1, y, 1, 1, False)], requested=(1,) if y < 2 else (2,)) for y in (0, 1, 2, 2))
    steps = (Step((1,), (0.0,)), Step((1,), (1.0,), (Event("delivery", 0, (1, 2)),)), Step((0,), (0.0,)))
    return Recording("rware-test", "a team", 1, WarehouseScene(), snapshots, steps)


def test_there_is_a_picture_for_every_frame_and_deliveries_shine() -> None:
    pictures = [np.asarray(picture).astype(int) for picture in frames(recording())]
    assert len(pictures) == 4
    assert len({picture.shape for picture in pictures}) == 1
    floor = slice(0, pictures[0].shape[0] * 3 // 4)
    assert np.abs(pictures[3][floor] - pictures[2][floor]).max() > 20  # the ring has grown, nothing else has moved


def test_scale_and_theme() -> None:
    light, large = frames(recording())[0], frames(recording(), "dark", scale=2)[0]
    assert abs(large.width - 2 * light.width) <= 2
    assert large.getpixel((1, 1)) == tuple(bytes.fromhex(THEMES["dark"].page[1:]))


def test_own_pictures_are_enlarged_and_stand_on_a_page() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    drawn = Recording("a world", "a team", 1, OwnPictures(), (picture, picture), (Step((0,), (0.0,)),))
    frame = frames(drawn)[0]
    margin = (frame.width - 80) // 2
    np.testing.assert_array_equal(np.asarray(frame)[margin : margin + 60, margin : margin + 80], picture)
    large = frames(drawn, scale=2)[0]
    assert large.width == pytest.approx(2 * frame.width, abs=2)


@pytest.mark.parametrize("theme", THEMES)
def test_particles_are_drawn_in_every_theme_and_keep_their_scale(theme: str) -> None:
    """The picture is as wide as the farthest agent needs, in all frames alike: a landmark does not move."""
    planes = (ParticleScene(((0.0, 0.0),), ((0.9, 0.9),)), ParticleScene(((2.0, 0.0),), ((0.9, 0.9),)))
    first, last = frames(Recording("a world", "a team", 1, PlaneScene(), planes, (Step((0,), (-1.5,)),)), theme)
    assert first.size == last.size
    side = first.width - 2 * ((first.width - SIDE) // 2)
    reach = reach_of(planes)
    x, y = (round((first.width - side) / 2 + (reach + sign * 0.9) / (2 * reach) * side) for sign in (1, -1))
    assert first.getpixel((x, y)) == last.getpixel((x, y)) == tuple(bytes.fromhex(THEMES[theme].flash[1:]))
    assert first.getpixel((1, 1)) == tuple(bytes.fromhex(THEMES[theme].page[1:]))


def test_what_is_asked_for_is_what_is_written(tmp_path: Path) -> None:
    twice = [recording(), recording()]
    write(twice, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as film:
        assert sum(1 for _ in ImageSequence.Iterator(film)) == 8
    write(twice, tmp_path / "frames")
    assert len(list((tmp_path / "frames").iterdir())) == 8
    write(twice, tmp_path / "a.html")
    assert "LockstepPlayer" in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize(
    ("out", "theme", "sentence"),
    [
        ("a.avi", "light", "must end in"),
        ("no/a.gif", "light", "there is no folder"),
        ("a.gif", "pink", "light or dark"),
    ],
)
def test_impossible_requests_are_refused_before_any_work(out: str, theme: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=sentence):
        check_request(tmp_path / out, theme)


def test_a_floor_as_text_has_two_columns_a_cell() -> None:
    first, *_, last = recording().moments
    lines = floor_text(first, "dark").plain.splitlines()
    assert lines[:3] == ["  ▼]▐▌", " · · ·", " ·GO ·"]
    assert lines[3].startswith("▲ robot")
    assert floor_text(last, "dark").plain.splitlines()[:3] == ["  " + " ·" + "[]", " · · ·", " ·▼) ·"]


def test_particles_as_text_stand_where_they_are() -> None:
    plane = ParticleScene(agents=((0.0, 0.0), (1.0, -1.0)), landmarks=((-1.0, 1.0),))
    lines = plane_text(plane, "dark", reach=1.0).plain.splitlines()
    assert (lines[0][:1], lines[10][40:41], lines[20][80:81]) == ("◎", "1", "2")
    assert "".join(lines[:21]).replace("·", "").split() == ["◎", "1", "2"]


def test_a_world_of_pictures_has_no_text() -> None:
    picture = np.zeros((4, 4, 3), dtype=np.uint8)
    drawn = Recording("a world", "a team", 1, OwnPictures(), (picture, picture), (Step((0,), (0.0,)),))
    with pytest.raises(UserError, match="no floor to draw as text"):
        play_in_terminal(drawn, fps=100, console=Console(file=StringIO()))


def test_off_a_terminal_the_first_and_the_last_frame_are_printed() -> None:
    stream = StringIO()
    play_in_terminal(recording(), fps=100, console=Console(file=stream, width=60))
    assert "step 0" in stream.getvalue()
    assert "step 3   return 1" in stream.getvalue()
