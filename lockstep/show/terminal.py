"""Worlds in a terminal, in the colors of the pictures: a warehouse two columns a cell, particles on a grid."""

import time

from rich.console import Console
from rich.live import Live
from rich.text import Text

from lockstep.drawing.palette import Theme, theme_named
from lockstep.envs.particles.draw import reach_of
from lockstep.envs.particles.plane import ParticleScene
from lockstep.envs.rware.snapshot import Snapshot
from lockstep.errors import UserError
from lockstep.show.recording import Recording

_ARROWS = "▲▼◀▶"
_PLANE_COLUMNS, _PLANE_LINES, _DOTS = 41, 21, 5


def frame_text(recording: Recording, number: int, theme: Theme) -> Text:
    """One frame, with a line that says what is what. Raises UserError for worlds that have only pictures."""
    if recording.snapshots:
        return floor_text(recording.snapshots[number], theme)
    if recording.planes:
        return plane_text(recording.planes[number], theme, reach_of(recording.planes))
    raise UserError(f"{recording.env} has no floor to draw as text; render it as .gif or .html instead.")


def floor_text(snapshot: Snapshot, theme: Theme) -> Text:
    """Arrows are robots, on the color of what they carry. Shapes alone tell everything, where there are no colors."""
    shelf_at = {place: number for number, place in enumerate(snapshot.shelves, start=1)}
    robot_at = {(robot.x, robot.y): number for number, robot in enumerate(snapshot.robots)}
    text = Text(no_wrap=True)
    for y in range(snapshot.height):
        for x in range(snapshot.width):
            shelf, number, goal = shelf_at.get((x, y), 0), robot_at.get((x, y)), (x, y) in snapshot.goals
            highway, requested = snapshot.highways[y][x], shelf in snapshot.requested
            ground = theme.goal if goal else theme.floor if highway else theme.island
            if number is not None:
                robot = snapshot.robots[number]
                load = "]" if requested else ")"
                under = (theme.request if requested else theme.shelf) if robot.carried_shelf else ground
                ink = theme.page if robot.carried_shelf or goal else theme.robots[number % len(theme.robots)]
                arrow = _ARROWS[robot.direction] + (load if robot.carried_shelf else " ")
                text.append(arrow, f"bold {ink} on {under}")
            elif requested:
                text.append("[]", f"bold {theme.request_mark} on {theme.request}")
            elif shelf:
                text.append("▐▌", f"{theme.shelf} on {theme.island}")
            elif goal:
                text.append("GO", f"bold {theme.goal_mark} on {theme.goal}")
            else:
                text.append(" ·" if highway else "  ", f"{theme.place} on {ground}")
        text.append("\n")
    return text.append("▲ robot  ▲] with a request  ▲) with another  [] requested  ▐▌ shelf  GO goal", "dim")


def plane_text(plane: ParticleScene, theme: Theme, reach: float) -> Text:
    """Agents by number, landmarks as rings. reach: of the world shown, from its middle."""
    cells = [
        [("· " if x % _DOTS == y % _DOTS == 0 else "  ", theme.place) for x in range(_PLANE_COLUMNS)]
        for y in range(_PLANE_LINES)
    ]
    for point in plane.landmarks:
        _put(cells, point, reach, ("◎ ", theme.request))
    for number, point in enumerate(plane.agents):
        _put(cells, point, reach, (f"{number + 1:<2}", f"bold {theme.robots[number % len(theme.robots)]}"))
    text = Text(no_wrap=True)
    for line in cells:
        for mark, color in line:
            text.append(mark, f"{color} on {theme.floor}")
        text.append("\n")
    return text.append("1 2 3 agents  ◎ landmarks to stand on", "dim")


def play_in_terminal(recording: Recording, fps: float, theme: str = "dark", console: Console | None = None) -> None:
    """Play the episode where the cursor is; off a terminal, print the first and the last frame only."""
    console, colors, returns = console or Console(), theme_named(theme), recording.returns()

    def frame(number: int) -> Text:
        text = frame_text(recording, number, colors)
        return text.append(f"\n{recording.policy}   step {number}   return {returns[number]:.4g}", "bold not dim")

    if not console.is_terminal:
        console.print(frame(0), frame(recording.num_frames - 1), sep="\n\n")
        return
    with Live(frame(0), console=console, refresh_per_second=max(4.0, fps), auto_refresh=False) as live:
        for number in range(recording.num_frames):
            live.update(frame(number), refresh=True)
            time.sleep(1.0 / fps)


def _put(cells: list[list[tuple[str, str]]], point: tuple[float, float], reach: float, mark: tuple[str, str]) -> None:
    x, y = (max(-reach, min(reach, part)) for part in point)
    cells[round((1 - y / reach) / 2 * (len(cells) - 1))][round((1 + x / reach) / 2 * (len(cells[0]) - 1))] = mark
