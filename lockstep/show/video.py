"""Pictures one after the other as a file that moves: GIF, MP4, or a folder of PNGs. Torch-free."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lockstep.errors import UserError
from lockstep.runs.delivery import deliver

_SAMPLES = 12
"""Frames that the palette of a GIF is made from."""
_EXACT_COLORS, _UNCHANGED = 200, 255
"""Colors that a GIF's palette takes over as they are, and its one entry that shows the frame before."""


def write_video(frames: Sequence[Image.Image], path: Path, fps: float) -> None:
    """A GIF or an MP4, by the path's ending; whole or not there. frames: RGB, of one size.

    Raises UserError for another ending, where PyAV is missing, and where the file cannot be written.
    """
    writers = {".gif": _write_gif, ".mp4": _write_mp4}
    if path.suffix.lower() not in writers:
        raise UserError(f"{path}: a moving picture ends in {' or '.join(writers)}.")
    deliver({path: lambda temporary: writers[path.suffix.lower()](frames, temporary, fps)})


def write_pngs(frames: Iterable[Image.Image], folder: Path) -> int:
    """0000.png, 0001.png, ... in a new or empty folder. Returns how many."""
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty. Choose another --out, or empty it first.")
    return len(deliver({folder / f"{number:04d}.png": frame.save for number, frame in enumerate(frames)}))


def check_can_write(path: Path) -> None:
    """Raise UserError, before any work, where an MP4 is wanted and PyAV is not installed."""
    if path.suffix.lower() == ".mp4":
        _av()


def _write_gif(frames: Sequence[Image.Image], path: Path, fps: float) -> None:
    """It repeats for ever. One palette for all frames; only changes are stored; time is in hundredths of a second."""
    palette = _palette(frames)
    whole = [np.asarray(frame.quantize(palette=palette, dither=Image.Dither.NONE)) for frame in frames]
    changes = [np.where(now == before, _UNCHANGED, now) for before, now in pairwise(whole)]
    first, *others = (Image.fromarray(pixels, "P") for pixels in (whole[0], *changes))
    first.putpalette(palette.getpalette() or [])
    first.save(
        path,
        save_all=True,
        append_images=others,
        duration=10 * max(2, round(100 / fps)),
        loop=0,
        transparency=_UNCHANGED,
        disposal=1,
        optimize=False,
    )


def _palette(frames: Sequence[Image.Image]) -> Image.Image:
    """The most frequent colors as they are, so that plain areas stay plain, and some between all others."""
    chosen = np.linspace(0, len(frames) - 1, min(_SAMPLES, len(frames))).astype(int)
    pixels = np.concatenate([np.asarray(frames[index]).reshape(-1, 3) for index in chosen])
    codes, counts = np.unique(pixels.astype(np.uint32) @ np.array([65536, 256, 1], dtype=np.uint32), return_counts=True)
    frequent = codes[np.argsort(-counts, kind="stable")[:_EXACT_COLORS]]
    exact = np.stack([frequent >> 16, frequent >> 8 & 255, frequent & 255], axis=-1).astype(np.uint8)
    sheet = Image.fromarray(pixels.reshape(len(chosen), -1, 3))
    mixed = sheet.quantize(255 - _EXACT_COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette(exact.reshape(-1).tolist() + mixed)
    return palette


def _write_mp4(frames: Sequence[Image.Image], path: Path, fps: float) -> None:
    """H.264 that every browser plays. Odd sizes grow by a pixel, as the format wants even ones."""
    av = _av()
    width, height = (side + side % 2 for side in frames[0].size)
    with _as_os_error(av), av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast", "tune": "animation"}
        for frame in frames:
            if frame.size != (width, height):
                frame = _edge_repeated(frame, width, height)
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))
        container.mux(stream.encode())


@contextmanager
def _as_os_error(av: Any) -> Iterator[None]:
    """A full disk is an error of the system, whatever the library calls it."""
    try:
        yield
    except av.FFmpegError as error:
        raise OSError(error.errno, error.strerror) from error


def _edge_repeated(frame: Image.Image, width: int, height: int) -> Image.Image:
    pixels = np.asarray(frame)
    more = ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0))
    return Image.fromarray(np.pad(pixels, more, mode="edge"))


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise UserError(
            "MP4 needs PyAV, which is not installed: pip install 'lockstep-marl[video]'. A .gif or .html needs nothing."
        ) from error
    return av
