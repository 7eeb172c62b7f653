"""A run in a terminal: the warehouse with the newest team in it, the learning curve, how it stands."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lockstep.algorithms.registry import algorithm_of
from lockstep.envs.registry import task_name
from lockstep.errors import UserError
from lockstep.runs.directory import read_rows
from lockstep.runs.headline import headline
from lockstep.runs.reader import RunReader, Standing
from lockstep.runs.rows import Column
from lockstep.show.live.film import play_again
from lockstep.show.recording import Recording
from lockstep.show.terminal import frame_text

PICTURES_PER_SECOND = 5
BRAILLE = 0x2800
DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Of a Braille cell, by column, from the lowest."""
STANDINGS: dict[Standing, str] = {"running": "training", "died": "its process is gone", "unknown": "state unknown"}
STYLES: dict[Standing, str] = {"running": "cyan", "solved": "green", "finished": "green", "unknown": "dim"}


@dataclass(frozen=True)
class Moment:
    """One frame of a recorded episode."""

    recording: Recording
    env_steps: int
    step: int

    def picture(self) -> Text:
        """The world at that moment."""
        return frame_text(self.recording, self.step, "dark")


def watch_in_terminal(record: RunReader, console: Console | None = None) -> None:
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


def episode(record: RunReader) -> Iterator[Moment]:
    """The newest recorded episode, picture by picture. Empty where there is none, or no picture of its world."""
    rows = read_rows(record.directory.recordings)
    config = record.config_or_none()
    if not rows or config is None:
        return
    try:
        env_steps, recording = play_again(config, rows[-1])
        frame_text(recording, 0, "dark")
    except UserError:
        return
    for step in range(recording.num_frames):
        yield Moment(recording, env_steps, step)


def screen(record: RunReader, moment: Moment | None, width: int = 60, height: int = 12) -> RenderableType:
    """Everything that is drawn at one moment. width, height: of the curve, in characters."""
    parts: list[RenderableType] = [_title(record), Text()]
    if moment is None:
        parts.append(Text("No episode is recorded yet. The team plays here after its first evaluation.", style="dim"))
    else:
        parts += [
            moment.picture(),
            Text(
                f"after {moment.env_steps:,} env steps of training, "
                f"step {moment.step} of {len(moment.recording.steps)}, "
                f"earned {moment.recording.returns()[moment.step]:.4g}",
                style="dim",
            ),
        ]
    parts += [Text(), *_learning(record, width, height)]
    return Group(*parts)


def plot(x: Column, y: Column, width: int, height: int) -> list[str]:
    """A curve in Braille dots: `height` lines of `width` characters, from 0 (or the lowest) to the highest value.

    x, y: (points,) without NaN, at least one. Between two points the line is straight. It begins at `first_x`.
    """
    columns, rows = 2 * width, 4 * height
    low, high = min(float(y.min()), 0.0), float(y.max())
    span = high - low or 1.0
    at = np.interp(np.linspace(first_x(x), float(x[-1]), columns), x, y, left=np.nan)
    cells = np.zeros((height, width), dtype=np.int64)
    before: int | None = None
    for column in np.flatnonzero(~np.isnan(at)):
        row = round((float(at[column]) - low) / span * (rows - 1))
        way = -1 if before is not None and row < before else 1
        for dot in range(row if before is None or before == row else before + way, row + way, way):
            cells[height - 1 - dot // 4, column // 2] |= DOTS[column % 2][dot % 4]
        before = row
    return ["".join(chr(BRAILLE + cell) for cell in line) for line in cells]


def first_x(x: Column) -> float:
    """Where the axis begins: at 0, or at the first point if nothing was measured in the first half."""
    return float(x[0]) if x[0] > x[-1] / 2 else min(0.0, float(x[0]))


def _show(live: Live, record: RunReader, moment: Moment | None) -> None:
    record.refresh()
    size = live.console.size
    taken = 7 + (moment.picture().plain.count("\n") + 2 if moment else 0)
    live.update(screen(record, moment, min(size.width - 10, 100), max(4, min(14, size.height - taken))), refresh=True)
    time.sleep(1 / PICTURES_PER_SECOND)


def _title(record: RunReader) -> Text:
    standing, config = record.standing, record.config_or_none()
    title = Text.assemble(("lockstep ", "bold cyan"), (record.name, "bold"), no_wrap=True)
    if config is not None:
        title.append(f"  {task_name(config.env)}  {algorithm_of(config).spoken}", "dim")
    title.append(f"  {STANDINGS.get(standing, standing)}", STYLES.get(standing, "yellow"))
    return title.append("".join(f"\n{sentence}" for sentence in record.unreadable()), "yellow")


def _learning(record: RunReader, width: int, height: int) -> list[RenderableType]:
    known = ~np.isnan(record.evaluations["test_return_mean"])
    if not known.any():
        return [Text("test return  first evaluation to come", style="dim")]
    x, mean = record.evaluations["env_steps"][known], record.evaluations["test_return_mean"][known]
    spread, found, selected = record.evaluations.last("test_return_std") or 0.0, headline(record), record.selected
    line = Text.assemble(("test return ", "dim"), (f"{mean[-1]:.2f} ± {spread:.2f}", "bold"))
    if selected is not None:
        line.append(f"  selected at {selected.env_steps:,} env steps by {selected.test_return_mean:.2f}", "dim")
    if found is not None and found.is_judged:
        line.append(f"\n{found.name} {found.score.text}", "bold")
    lines = plot(x, mean, width, height)
    labels = [f"{mean.max():.2f}", *[""] * (height - 2), f"{min(mean.min(), 0.0):.2f}"]
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="dim")
    table.add_column(style="cyan", no_wrap=True)
    for label, dots in zip(labels, lines, strict=True):
        table.add_row(label, dots)
    table.add_row("", Text(f"{first_x(x):<{width // 2},.0f}{x[-1]:>{width - width // 2},.0f}", "dim"))
    return [line, table]
