"""Recordings become films of the right length, size and light."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from rich.console import Console

from lockstep.envs.rware.palette import THEMES
from lockstep.envs.rware.snapshot import Robot
from lockstep.errors import UserError
from lockstep.recording import Event, Recording, Step
from lockstep.runs.film import check_request, frames, write
from lockstep.runs.terminal import floor_text, play_in_terminal
from tests.envs.rware.scenes import scene


def recording() -> Recording:
    """A robot carries a requested shelf onto the goal in its second step."""
    snapshots = tuple(scene([Robot(1, y, 1, 1, False)], requested=(1,) if y < 2 else (2,)) for y in (0, 1, 2, 2))
    steps = (Step((1,), (0.0,)), Step((1,), (1.0,), (Event("delivery", 0, (1, 2)),)), Step((0,), (0.0,)))
    return Recording("rware-test", "a team", seed=1, steps=steps, snapshots=snapshots)


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


def test_own_pictures_are_only_enlarged() -> None:
    picture = np.full((10, 20, 3), 7, dtype=np.uint8)
    drawn = Recording("a world", "a team", seed=1, steps=(Step((0,), (0.0,)),), pictures=(picture, picture))
    assert [image.size for image in frames(drawn, scale=2)] == [(40, 20)] * 2


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
    lines = floor_text(recording().snapshots[0], THEMES["dark"]).plain.splitlines()
    assert [len(line) for line in lines] == [6, 6, 6]
    assert lines[0][2:4] == "▼■"
    assert lines[0][4:6] == "▐▌"


def test_off_a_terminal_the_first_and_the_last_frame_are_printed() -> None:
    stream = StringIO()
    play_in_terminal(recording(), fps=100, console=Console(file=stream, width=60))
    assert "step 0" in stream.getvalue()
    assert "step 3   return 1" in stream.getvalue()
