"""A recording as a file to look at: GIF, MP4, a folder of PNGs, or the replay player's page."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from lockstep.drawing.palette import theme_named
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
    events = [step.events for step in recording.steps]
    return recording.scene.film(recording.moments, events, [(left, line) for line in right], theme, scale)
