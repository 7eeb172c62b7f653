"""A recording as a file to look at: GIF, MP4, a folder of PNGs, or the replay player's page."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from lockstep.drawing.page import PageLayout
from lockstep.drawing.palette import theme_named
from lockstep.envs.particles.draw import SIDE, ParticlePainter, reach_of
from lockstep.envs.rware.draw import FLASH_FRAMES, FloorPlan, Painter, fitting_cell_pixels
from lockstep.errors import UserError
from lockstep.runs.delivery import deliver
from lockstep.show import player
from lockstep.show.recording import Recording
from lockstep.show.video import check_can_write, write_pngs, write_video

FRAMES_PER_SECOND = 8


def check_request(out: Path, theme: str) -> None:
    """Raise UserError, before any work, for what `write` would refuse."""
    theme_named(theme)
    if out.suffix.lower() not in (".gif", ".mp4", ".html", ""):
        raise UserError(f"--out {out} is unknown; it must end in .gif, .mp4 or .html, or be a folder for PNGs.")
    if not out.parent.is_dir():
        raise UserError(f"--out {out}: there is no folder {out.parent}. Make it first, or choose another.")
    if out.suffix and out.is_dir():
        raise UserError(f"--out {out} is a folder. Choose another name.")
    check_can_write(out)


def write(
    recordings: Sequence[Recording],
    out: Path,
    theme: str = "light",
    scale: float = 1.0,
    fps: float = FRAMES_PER_SECOND,
    *,
    playing: bool = False,
) -> None:
    """Write the episodes, one after the other, in the form that `out` ends in. A page keeps its own colors and speed.
    playing: a page begins by itself.

    Raises UserError where the file cannot be written.
    """
    if out.suffix.lower() == ".html":
        deliver({out: player.page(recordings, playing=playing)})
        return
    pictures = [picture for recording in recordings for picture in frames(recording, theme, scale)]
    if out.suffix:
        write_video(pictures, out, fps)
    else:
        write_pngs(pictures, out)


def frames(
    recording: Recording, theme: str = "light", scale: float = 1.0, caption: str | None = None
) -> list[Image.Image]:
    """A picture for every frame, RGB, all of one size, with a line of text below.

    scale: 2 doubles the pixels either way. caption: instead of the world and who plays. Worlds that draw themselves
    keep their own pictures, enlarged.
    """
    theme_named(theme)
    left = f"{recording.env}  ·  {recording.policy}" if caption is None else caption
    right = [f"step {number}    return {earned:.4g}" for number, earned in enumerate(recording.returns())]
    if recording.snapshots:
        return _warehouses(recording, theme, scale, left, right)
    if recording.planes:
        painter = ParticlePainter(reach_of(recording.planes), round(scale * SIDE), theme)
        return [painter.frame(plane, left, line) for plane, line in zip(recording.planes, right, strict=True)]
    return _own_pictures(recording, theme, scale, left, right)


def _warehouses(recording: Recording, theme: str, scale: float, left: str, right: list[str]) -> list[Image.Image]:
    first, flashes = recording.snapshots[0], _flashes(recording)
    cell = max(6, round(scale * fitting_cell_pixels(first.height, first.width)))
    painter = Painter(FloorPlan.of(first), cell, theme)
    return [
        painter.frame(snapshot, left, right[number], flashes[number])
        for number, snapshot in enumerate(recording.snapshots)
    ]


def _own_pictures(recording: Recording, theme: str, scale: float, left: str, right: list[str]) -> list[Image.Image]:
    pictures = [_scaled(Image.fromarray(picture), scale) for picture in recording.pictures]
    margin = round(0.04 * max(pictures[0].size))
    sheet = PageLayout(pictures[0].size, margin, max(9, round(13 * scale)), theme_named(theme))
    framed = []
    for picture, line in zip(pictures, right, strict=True):
        framed.append(sheet.blank(picture))
        sheet.write(framed[-1], left, line)
    return framed


def _flashes(recording: Recording) -> list[dict[tuple[int, int], int]]:
    """For every frame, the goals that shine and for how many frames already."""
    shining: list[dict[tuple[int, int], int]] = [{} for _ in range(recording.num_frames)]
    for frame, place in recording.deliveries():
        for age in range(min(FLASH_FRAMES, recording.num_frames - frame)):
            shining[frame + age][place] = age
    return shining


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    if scale == 1.0:
        return picture
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
