"""A warehouse in a terminal: two columns a cell, in the colors of the pictures."""

import time

from rich.console import Console
from rich.live import Live
from rich.text import Text

from lockstep.envs.rware.palette import Theme, theme_named
from lockstep.envs.rware.snapshot import Snapshot
from lockstep.errors import UserError
from lockstep.recording import Recording

_ARROWS = "▲▼◀▶"


def floor_text(snapshot: Snapshot, theme: Theme) -> Text:
    """Squares are shelves, marked where requested; arrows are robots, on the color of what they carry."""
    shelf_at = {place: number for number, place in enumerate(snapshot.shelves, start=1)}
    robot_at = {(robot.x, robot.y): number for number, robot in enumerate(snapshot.robots)}
    text = Text(no_wrap=True)
    for y in range(snapshot.height):
        for x in range(snapshot.width):
            shelf, number = shelf_at.get((x, y), 0), robot_at.get((x, y))
            ground = (
                theme.goal if (x, y) in snapshot.goals else theme.floor if snapshot.highways[y][x] else theme.island
            )
            color = (theme.request if shelf in snapshot.requested else theme.shelf) if shelf else ground
            if number is not None:
                robot = snapshot.robots[number]
                under = color if robot.carried_shelf or not shelf else theme.island
                hue = theme.robots[number % len(theme.robots)]
                text.append(
                    _ARROWS[robot.direction] + (" " if not robot.carried_shelf else "■"), f"bold {hue} on {under}"
                )
            elif shelf:
                text.append("▐▌", f"{color} on {theme.island}")
            else:
                text.append(
                    "··" if snapshot.highways[y][x] and color != theme.goal else "  ", f"{theme.cross} on {color}"
                )
        text.append("\n")
    return text


def play_in_terminal(recording: Recording, fps: float, theme: str = "dark", console: Console | None = None) -> None:
    """Play the episode where the cursor is; off a terminal, print the first and the last frame only."""
    if not recording.snapshots:
        raise UserError(f"{recording.env} has no floor to draw as text; render it as .gif or .html instead.")
    console, colors, returns = console or Console(), theme_named(theme), recording.returns()

    def frame(number: int) -> Text:
        text = floor_text(recording.snapshots[number], colors)
        return text.append(f"{recording.policy}   step {number}   return {returns[number]:g}", "bold")

    if not console.is_terminal:
        console.print(frame(0), frame(recording.num_frames - 1), sep="\n\n")
        return
    with Live(frame(0), console=console, refresh_per_second=max(4.0, fps), auto_refresh=False) as live:
        for number in range(recording.num_frames):
            live.update(frame(number), refresh=True)
            time.sleep(1.0 / fps)
