"""A run in a terminal: the warehouse with the newest team in it, the learning curve, how it stands."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lockstep.envs.rware.snapshot import Snapshot
from lockstep.errors import UserError
from lockstep.run_directory import read_rows
from lockstep.runs.live.film import Picture, Plane, play_again
from lockstep.runs.record import RunRecord, Standing
from lockstep.runs.rows import Column

PICTURES_PER_SECOND = 5
ROBOTS = "▲▼◀▶"
BRAILLE = 0x2800
DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Of a Braille cell, by column, from the lowest."""
STANDINGS: dict[Standing, str] = {"running": "training", "died": "its process is gone", "unknown": "state unknown"}
STYLES: dict[Standing, str] = {"running": "cyan", "solved": "green", "finished": "green", "unknown": "dim"}


@dataclass(frozen=True)
class Moment:
    """One picture of a recorded episode."""

    picture: Picture
    env_steps: int
    step: int
    steps: int
    earned: float


def watch_in_terminal(record: RunRecord, console: Console | None = None) -> None:
    """Draw until Ctrl-C. Off a terminal: draw the last picture once."""
    console = console or Console()
    if not console.is_terminal:
        moments = list(episode(record))
        console.print(screen(record, moments[-1] if moments else None))
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                moment = None
                for moment in episode(record):
                    _show(live, record, moment)
                for _ in range(PICTURES_PER_SECOND):
                    _show(live, record, moment)
        except KeyboardInterrupt:
            return


def episode(record: RunRecord) -> Iterator[Moment]:
    """The newest recorded episode, picture by picture. Empty where there is none, or no picture of its world."""
    rows = read_rows(record.directory.recordings)
    config = record.config_or_none()
    if not rows or config is None:
        return
    try:
        recording, pictures, rewards = play_again(config, rows[-1])
    except UserError:
        return
    earned = 0.0
    for step, (picture, reward) in enumerate(zip(pictures, rewards, strict=True)):
        earned += reward
        yield Moment(picture, recording.env_steps, step, len(rewards) - 1, earned)


def screen(record: RunRecord, moment: Moment | None, width: int = 60, height: int = 12) -> RenderableType:
    """Everything that is drawn at one moment. width, height: of the curve, in characters."""
    parts: list[RenderableType] = [_title(record), Text()]
    if moment is None:
        parts.append(Text("No episode is recorded yet. The team plays here after its first evaluation.", style="dim"))
    else:
        parts += [
            draw(moment.picture),
            Text(
                f"after {moment.env_steps:,} env steps of training, step {moment.step} of {moment.steps}, "
                f"earned {round(moment.earned, 2):g}",
                style="dim",
            ),
        ]
    parts += [Text(), *_learning(record, width, height)]
    return Group(*parts)


def draw(picture: Picture) -> Text:
    """One moment of a world."""
    return draw_plane(picture) if isinstance(picture, Plane) else draw_warehouse(picture)


def draw_plane(plane: Plane, width: int = 41, height: int = 17) -> Text:
    """A world of particles, from -1.25 to 1.25 or as far as they went: agents by number, landmarks as circles."""
    far = max(1.25, *(abs(place) for point in (*plane.agents, *plane.landmarks) for place in point))
    cells = [["·" if (x, y) == (width // 2, height // 2) else " " for x in range(width)] for y in range(height)]
    marks = [(point, "○") for point in plane.landmarks]
    marks += [(point, str(number % 10)) for number, point in enumerate(plane.agents, start=1)]
    for (x, y), mark in marks:
        cells[round((1 - y / far) / 2 * (height - 1))][round((1 + x / far) / 2 * (width - 1))] = mark
    text = Text("\n".join("".join(row) for row in cells) + "\n", no_wrap=True)
    text.highlight_regex(r"○", "dark_orange")
    text.highlight_regex(r"\d", "bold green")
    return text.append("1 2 3 agents  ○ landmarks to stand on", "dim")


def draw_warehouse(snapshot: Snapshot) -> Text:
    """A warehouse, three characters a cell: robots as arrows, shelves, requested shelves, goals, corridors."""
    shelf_at = {place: number for number, place in enumerate(snapshot.shelves, start=1)}
    robot_at = {(robot.x, robot.y): robot for robot in snapshot.robots}
    text = Text(no_wrap=True)
    for y in range(snapshot.height):
        for x in range(snapshot.width):
            shelf, robot = shelf_at.get((x, y), 0), robot_at.get((x, y))
            color = "dark_orange" if shelf in snapshot.requested else "steel_blue3"
            ground = "white on grey30" if (x, y) in snapshot.goals else "dim"
            if robot is not None:
                left, right = "  " if not robot.carried_shelf else "[]" if shelf in snapshot.requested else "()"
                style = color if robot.carried_shelf else "green"
                text.append(f"{left}{ROBOTS[robot.direction]}{right}", f"bold {style}")
            elif shelf:
                text.append(" ◆ " if shelf in snapshot.requested else " ■ ", color)
            else:
                text.append(" G " if (x, y) in snapshot.goals else " · " if snapshot.highways[y][x] else "   ", ground)
        text.append("\n")
    text.append("▲ robot  [▲] with a requested shelf  (▲) with another  ◆ requested  ■ shelf  G goal", "dim")
    return text


def plot(x: Column, y: Column, width: int, height: int) -> list[str]:
    """A curve in Braille dots: `height` lines of `width` characters, from 0 (or the lowest) to the highest value.

    x, y: (points,) without NaN, at least one. Between two points the line is straight.
    """
    columns, rows = 2 * width, 4 * height
    low, high = min(float(y.min()), 0.0), float(y.max())
    span = high - low or 1.0
    at = np.interp(np.linspace(min(0.0, float(x[0])), float(x[-1]), columns), x, y, left=np.nan)
    cells = np.zeros((height, width), dtype=np.int64)
    before: int | None = None
    for column in np.flatnonzero(~np.isnan(at)):
        row = round((float(at[column]) - low) / span * (rows - 1))
        way = -1 if before is not None and row < before else 1
        for dot in range(row if before is None or before == row else before + way, row + way, way):
            cells[height - 1 - dot // 4, column // 2] |= DOTS[column % 2][dot % 4]
        before = row
    return ["".join(chr(BRAILLE + cell) for cell in line) for line in cells]


def _show(live: Live, record: RunRecord, moment: Moment | None) -> None:
    record.refresh()
    size = live.console.size
    taken = 7 + (draw(moment.picture).plain.count("\n") + 2 if moment else 0)
    live.update(screen(record, moment, min(size.width - 10, 100), max(4, min(14, size.height - taken))), refresh=True)
    time.sleep(1 / PICTURES_PER_SECOND)


def _title(record: RunRecord) -> Text:
    standing, config = record.standing, record.config_or_none()
    title = Text.assemble(("lockstep ", "bold cyan"), (record.name, "bold"), no_wrap=True)
    if config is not None:
        title.append(f"  {config.env.key}  {config.algorithm.name.upper()}", "dim")
    return title.append(f"  {STANDINGS.get(standing, standing)}", STYLES.get(standing, "yellow"))


def _learning(record: RunRecord, width: int, height: int) -> list[RenderableType]:
    known = ~np.isnan(record.evaluations["test_return_mean"])
    if not known.any():
        return [Text("test return  first evaluation to come", style="dim")]
    x, mean = record.evaluations["env_steps"][known], record.evaluations["test_return_mean"][known]
    spread, best = record.evaluations.last("test_return_std") or 0.0, record.best
    line = Text.assemble(("test return ", "dim"), (f"{mean[-1]:.2f} ± {spread:.2f}", "bold"))
    if best is not None:
        line.append(f"  best {best.test_return_mean:.2f} at {best.env_steps:,} env steps", "dim")
    lines = plot(x, mean, width, height)
    labels = [f"{mean.max():.2f}", *[""] * (height - 2), f"{min(mean.min(), 0.0):.2f}"]
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="dim")
    table.add_column(style="cyan", no_wrap=True)
    for label, dots in zip(labels, lines, strict=True):
        table.add_row(label, dots)
    table.add_row("", Text(f"{'0':<{width // 2}}{record.env_steps:>{width - width // 2},}", "dim"))
    return [line, table]
