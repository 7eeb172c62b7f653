"""Films decode back to what was put in."""

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from lockstep.errors import UserError
from lockstep.show.video import check_can_write, write_pngs, write_video


def moving(count: int = 12, size: tuple[int, int] = (61, 40)) -> list[Image.Image]:
    """A square that walks to the right."""
    frames = []
    for number in range(count):
        frame = Image.new("RGB", size, "#f4f2ec")
        frame.paste("#0072b2", (4 * number, 10, 4 * number + 10, 20))
        frames.append(frame)
    return frames


def test_a_gif_has_every_frame_where_it_was(tmp_path: Path) -> None:
    frames, path = moving(), tmp_path / "a.gif"
    write_video(frames, path, fps=10)
    with Image.open(path) as film:
        assert (sum(1 for _ in ImageSequence.Iterator(film)), film.size) == (12, (61, 40))
        assert film.info["duration"] == 100
        assert film.info["loop"] == 0
        for number, frame in enumerate(frames):
            film.seek(number)
            assert np.abs(np.asarray(film.convert("RGB")).astype(int) - np.asarray(frame)).max() <= 8


def test_a_gif_stores_changes_only(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (80, 80, 3), dtype=np.uint8))
    frames = []
    for number in range(10):
        frames.append(noise.copy())
        frames[-1].paste("#0072b2", (number, number, number + 4, number + 4))
    write_video(frames[:1], tmp_path / "one.gif", fps=10)
    write_video(frames, tmp_path / "ten.gif", fps=10)
    assert (tmp_path / "ten.gif").stat().st_size < 2 * (tmp_path / "one.gif").stat().st_size


def test_an_mp4_has_every_frame_in_even_size(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "a.mp4"
    write_video(moving(), path, fps=8)
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (62, 40, 8)
        frames = list(film.decode(stream))
    assert len(frames) == 12
    assert np.abs(frames[5].to_ndarray(format="rgb24")[14, 24].astype(int) - (0, 114, 178)).max() < 24


def test_pngs_are_numbered(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    assert write_pngs(moving(3), folder) == 3
    assert sorted(path.name for path in folder.iterdir()) == ["0000.png", "0001.png", "0002.png"]
    with pytest.raises(UserError, match="is not empty"):
        write_pngs(moving(3), folder)


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="Choose another --out"):
        write_video(moving(2), tmp_path / "file" / "a.gif", fps=8)
    with pytest.raises(UserError, match=r"ends in \.gif or \.mp4"):
        write_video(moving(2), tmp_path / "a.avi", fps=8)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_missing_pyav_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def without_av(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return importing(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(UserError, match=r"pip install 'lockstep-marl\[video\]'"):
        check_can_write(Path("a.mp4"))
    check_can_write(Path("a.gif"))
