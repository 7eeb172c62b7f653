"""Recorded episodes in a terminal, as their scenes say them in text."""

import time

from rich.console import Console
from rich.live import Live
from rich.text import Text

from lockstep.errors import UserError
from lockstep.show.recording import Recording


def frame_text(recording: Recording, number: int, theme: str) -> Text:
    """One frame, with a line that says what is what. Raises UserError for worlds that have only pictures."""
    text = recording.scene.text(recording.moments, number, theme)
    if text is None:
        raise UserError(f"{recording.env} has no floor to draw as text; render it as .gif or .html instead.")
    return Text(text, no_wrap=True) if isinstance(text, str) else text


def play_in_terminal(recording: Recording, fps: float, theme: str = "dark", console: Console | None = None) -> None:
    """Play the episode where the cursor is; off a terminal, print the first and the last frame only."""
    console, returns = console or Console(), recording.returns()

    def frame(number: int) -> Text:
        text = frame_text(recording, number, theme)
        return text.append(f"\n{recording.policy}   step {number}   return {returns[number]:.4g}", "bold not dim")

    if not console.is_terminal:
        console.print(frame(0), frame(recording.num_frames - 1), sep="\n\n")
        return
    with Live(frame(0), console=console, refresh_per_second=max(4.0, fps), auto_refresh=False) as live:
        for number in range(recording.num_frames):
            live.update(frame(number), refresh=True)
            time.sleep(1.0 / fps)
