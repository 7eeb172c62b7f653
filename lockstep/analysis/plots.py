"""Plots for papers and pages: quiet, light, safe for color-blind readers, the same bytes each time.

Figures are made without pyplot, so nothing global changes and no display is asked for.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lockstep.analysis.statistics import Floats
from lockstep.errors import UserError
from lockstep.formats import axis_label
from lockstep.runs.delivery import deliver

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#444444")
"""Okabe and Ito's, which color-blind readers can tell apart, darkest first; then two more."""
DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))
"""Line styles, so that curves can be told apart in black and white too."""
INK, GREY, FAINT = "#1a1a1a", "#5f6368", "#e3e5e8"
SHORT = 26
"""Letters of a name that has room beside its curve."""
SUFFIXES = ("svg", "png", "pdf")


@dataclass(frozen=True)
class Line:
    """One curve of a plot: what all runs of a configuration say together, and each of them faintly behind it."""

    label: str
    x: Floats
    """(points,)"""
    middle: Floats
    """(points,)"""
    band: tuple[Floats, Floats] | None = None
    """Its lower and upper edge, (points,) each."""
    members: Sequence[tuple[Floats, Floats]] = ()
    """Every run's own (x, y)."""


@dataclass(frozen=True)
class Level:
    """A horizontal line with a name: solved, published, random."""

    value: float
    label: str


def line_figure(
    lines: Sequence[Line],
    *,
    title: str,
    subtitle: str,
    x_label: str,
    levels: Sequence[Level] = (),
    size: tuple[float, float] = (7.2, 3.9),
    from_zero: bool = True,
) -> Figure:
    """Curves with bands, named where they end, or below where names are long. from_zero: the value axis includes 0."""
    with _style():
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        _draw_all(axes, lines)
        _frame(axes, lines, levels, from_zero=from_zero)
        axes.set_xlabel(x_label, color=GREY)
        _headings(figure, title, subtitle)
        _name_lines(figure, axes, lines)
    return figure


def panels_figure(panels: Sequence[tuple[str, Sequence[Line]]], *, x_label: str, columns: int = 3) -> Figure:
    """Small plots beside each other with one legend below. panels: the title of each and its curves, which are as many,
    in the same order and with the same labels everywhere; an empty one keeps its color for the others."""
    rows = -(-len(panels) // columns)
    with _style():
        figure = Figure(figsize=(3.3 * min(columns, len(panels)), 2.35 * rows + 0.6), layout="constrained")
        grid = figure.subplots(rows, min(columns, len(panels)), squeeze=False)
        for axes, (title, lines) in zip(grid.flat, panels, strict=False):
            _draw_all(axes, lines)
            _frame(axes, lines, (), from_zero=True, most_ticks=4)
            axes.set_title(title, loc="left", fontsize=9.5, fontweight="bold")
            axes.set_xlabel(x_label, color=GREY, fontsize=9)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        handles, labels = grid.flat[0].get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            frameon=False,
            fontsize=9,
            ncols=len(labels),
            labelcolor="linecolor",
            handlelength=1.4,
        )
    return figure


def profile_figure(
    profiles: Sequence[tuple[str, Floats]], thresholds: Floats, *, title: str, subtitle: str, x_label: str
) -> Figure:
    """Performance profiles as steps: the share of runs above each threshold. profiles: names and (thresholds,)."""
    with _style():
        figure = Figure(figsize=(7.2, 3.4), layout="constrained")
        axes = figure.add_subplot()
        for index, (label, profile) in enumerate(profiles):
            axes.step(thresholds, profile, where="post", color=COLORS[index % len(COLORS)], lw=1.8, label=label)
        axes.set(ylim=(-0.02, 1.04), xlim=(thresholds[0], thresholds[-1]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.set_xlabel(x_label, color=GREY)
        axes.legend(frameon=False, loc="best", labelcolor=INK)
        _headings(figure, title, subtitle)
    return figure


@dataclass(frozen=True)
class Coordinate:
    """One of the axes of a plot in parallel coordinates."""

    label: str
    ticks: Sequence[tuple[float, str]]
    """Heights from 0 to 1, with what stands there."""


def bar_figure(bars: Sequence[tuple[str, float]], *, title: str, subtitle: str) -> Figure:
    """Shares of a whole as bars that lie, in the order in which they are given. bars: names and shares."""
    with _style():
        figure = Figure(figsize=(7.2, 1.3 + 0.32 * len(bars)), layout="constrained")
        axes = figure.add_subplot()
        places = range(len(bars))[::-1]
        axes.barh(places, [share for _, share in bars], height=0.6, color=COLORS[0])
        axes.set_yticks(places, [name for name, _ in bars])
        axes.grid(visible=False)
        axes.set_xlim(0, 1.12 * max([share for _, share in bars] + [1e-9]))
        axes.xaxis.set_visible(False)
        for place, (_, share) in zip(places, bars, strict=True):
            axes.annotate(
                f"{share:.0%}", (share, place), xytext=(4, 0), textcoords="offset points", va="center", color=GREY
            )
        _headings(figure, title, subtitle)
    return figure


def parallel_figure(
    coordinates: Sequence[Coordinate],
    lines: Sequence[Sequence[float | None]],
    values: Sequence[float],
    *,
    title: str,
    subtitle: str,
    text: Callable[[float], str],
) -> Figure:
    """Parallel coordinates: a line through its height on every axis, and at the right through what it is worth.

    lines: a height from 0 to 1 for each coordinate, None where it has none. values: one a line; high ones are drawn
    dark, and last. text: how a value is written.
    """
    low, high = min(values), max(values)
    heights = [(value - low) / (high - low) if high > low else 0.5 for value in values]
    last = len(coordinates)
    with _style():
        figure = Figure(figsize=(max(7.2, 1.35 * (last + 1)), 3.9), layout="constrained")
        axes = figure.add_subplot()
        for index in sorted(range(len(lines)), key=heights.__getitem__):
            points = [(x, y) for x, y in enumerate([*lines[index], heights[index]]) if y is not None]
            best = heights[index] == max(heights)
            axes.plot(
                *zip(*points, strict=True),
                color=COLORS[1] if best else COLORS[0],
                alpha=1.0 if best else 0.12 + 0.6 * heights[index] ** 2,
                lw=2.2 if best else 1.1,
                solid_joinstyle="round",
                clip_on=False,
            )
        ticks = [*(one.ticks for one in coordinates), [(0.0, text(low)), (1.0, text(high))] if high > low else []]
        for x, own in enumerate(ticks):
            axes.axvline(x, color="#9aa0a6", lw=0.8, zorder=0.5)
            for height, label in own:
                axes.annotate(
                    label,
                    (x, height),
                    xytext=(-4, 0) if x < last else (4, 0),
                    textcoords="offset points",
                    ha="right" if x < last else "left",
                    va="center",
                    fontsize=8.5,
                    color=GREY,
                    zorder=9,
                    path_effects=[withStroke(linewidth=3, foreground="white")],
                )
        axes.set_xticks(range(last), [one.label for one in coordinates])
        axes.set(xlim=(-0.55, last + 0.45), ylim=(-0.04, 1.04))
        axes.yaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", length=0, pad=8, colors=INK)
        axes.grid(visible=False)
        _headings(figure, title, subtitle)
    return figure


def to_svg(figure: Figure) -> str:
    """The figure as an SVG document, the same for the same numbers."""
    with _style():
        stream = BytesIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": "Lockstep"})
    return stream.getvalue().decode()


def to_png(figure: Figure, dots_per_inch: int = 160) -> bytes:
    """The figure as a PNG file."""
    with _style():
        stream = BytesIO()
        figure.savefig(stream, format="png", dpi=dots_per_inch, metadata={"Software": "Lockstep"})
    return stream.getvalue()


def to_pdf(figure: Figure) -> bytes:
    """The figure as a PDF file, the same for the same numbers."""
    stream = BytesIO()
    figure.savefig(stream, format="pdf", metadata={"CreationDate": None})
    return stream.getvalue()


def save_figure(figure: Figure, path: Path) -> None:
    """Write `figure` as what the name's ending says. Raises UserError for another ending, or where it cannot be."""
    writers: dict[str, Callable[[Figure], str | bytes]] = {"svg": to_svg, "png": to_png, "pdf": to_pdf}
    deliver({path: writers[check_suffix(path)](figure)})


def check_suffix(path: Path) -> str:
    """The format that `path` asks for. Raises UserError where it is none of ours."""
    suffix = path.suffix.lstrip(".").lower()
    if suffix not in SUFFIXES:
        endings = ", ".join(f".{known}" for known in SUFFIXES)
        raise UserError(f"--out {path} ends in none of {endings}; name it for example {path.with_suffix('.svg')}.")
    return suffix


def _style() -> AbstractContextManager[None]:
    return mpl.rc_context(
        {
            "font.family": "DejaVu Sans",
            "font.size": 9.5,
            "text.parse_math": False,  # names are of others: a $ in them is a $
            "text.usetex": False,
            "svg.hashsalt": "lockstep",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.spines.left": False,
            "axes.edgecolor": "#9aa0a6",
            "axes.linewidth": 0.8,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "axes.axisbelow": True,
            "grid.color": FAINT,
            "grid.linewidth": 0.8,
            "xtick.color": GREY,
            "ytick.color": GREY,
            "ytick.major.size": 0,
            "xtick.major.size": 3,
            "text.color": INK,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
        }
    )


def _draw_all(axes: Axes, lines: Sequence[Line]) -> None:
    """Each in its own color, and, where there are more than colors, its own dashes."""
    for index, line in enumerate(lines):
        _draw(axes, line, COLORS[index % len(COLORS)], DASHES[index // len(COLORS) % len(DASHES)])


def _draw(axes: Axes, line: Line, color: str, dash: str | tuple[float, tuple[float, ...]]) -> None:
    alone = len(line.members) < 2
    for x, y in () if alone else line.members:
        axes.plot(x, y, color=color, lw=0.7, alpha=0.35)
    if line.band is not None:
        axes.fill_between(line.x, *line.band, color=color, alpha=0.14, lw=0)
    markers = "o" if len(line.x) < 3 else None
    # Not clipped, so that a line at zero is not hidden under the frame.
    axes.plot(
        line.x,
        line.middle,
        color=color,
        lw=1.9,
        ls=dash,
        marker=markers,
        ms=4,
        clip_on=False,
        zorder=3,
        label=line.label,
    )


def _frame(axes: Axes, lines: Sequence[Line], levels: Sequence[Level], *, from_zero: bool, most_ticks: int = 6) -> None:
    """Limits that hold everything, and named levels at the left."""
    axes.xaxis.set_major_locator(MaxNLocator(most_ticks, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(most_ticks, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: axis_label(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: axis_label(value)))
    bottom, top = axes.get_ylim()
    if from_zero and axes.dataLim.y0 >= 0:
        bottom = 0.0
    top = max([top, *[level.value + 0.08 * (max(top, level.value) - bottom) for level in levels]])
    axes.set_ylim(bottom, top if top > bottom else bottom + 1.0)
    ends = [float(line.x[-1]) for line in lines if len(line.x)]
    axes.set_xlim(0, max([*ends, 1e-9]) * 1.01)
    for level in levels:
        axes.axhline(level.value, color="#80868b", lw=0.9, ls=(0, (4, 3)), zorder=1.5)
        axes.annotate(
            level.label, (0, level.value), xytext=(3, 3), textcoords="offset points", color=GREY, fontsize=8.5
        )


def _headings(figure: Figure, title: str, subtitle: str) -> None:
    """A bold title and a grey line below it, both flush left."""
    axes = figure.axes[0]
    axes.set_title(title, loc="left", fontsize=11.5, fontweight="bold", pad=24)
    axes.annotate(
        subtitle, (0, 1), xycoords="axes fraction", xytext=(0, 9), textcoords="offset points", fontsize=9, color=GREY
    )


def _name_lines(figure: Figure, axes: Axes, lines: Sequence[Line]) -> None:
    """Names where the curves end, or below the plot if one is too long for that. A lone curve needs none."""
    named = [(index, line) for index, line in enumerate(lines) if len(line.x)]
    if len(named) < 2:
        return
    if all(len(line.label) <= SHORT for _, line in named):
        _name_at_the_right(axes, named)
    else:
        _name_below(figure, axes, named)


def _name_at_the_right(axes: Axes, named: Sequence[tuple[int, Line]]) -> None:
    """Kept apart from one another."""
    bottom, top = axes.get_ylim()
    gap = (top - bottom) * 0.065
    heights = spread([float(line.middle[-1]) for _, line in named], gap, bottom)
    for (index, line), height in zip(named, heights, strict=True):
        axes.annotate(
            line.label,
            (1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=COLORS[index % len(COLORS)],
            fontsize=9,
            annotation_clip=False,
        )


def _name_below(figure: Figure, axes: Axes, named: Sequence[tuple[int, Line]]) -> None:
    """One a row, the highest curve's first; the figure grows by their height."""
    falling = sorted(named, key=lambda pair: -pair[1].middle[-1])
    drawn, _ = axes.get_legend_handles_labels()
    figure.set_figheight(figure.get_figheight() + 0.2 * len(falling))
    figure.legend(
        handles=[drawn[index] for index, _ in falling],
        loc="outside lower left",
        frameon=False,
        fontsize=9,
        labelcolor="linecolor",
    )


def spread(heights: Sequence[float], gap: float, floor: float) -> list[float]:
    """The heights, moved apart as little as possible for `gap` between neighbors, keeping their order, above `floor`.

    Less i gaps, that asks for a sequence that never falls; pooling neighbors that do is the least-squares answer.
    """
    order = np.argsort(heights, kind="stable")
    pools: list[list[float]] = []
    for position, index in enumerate(order):
        pools.append([heights[index] - position * gap])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    level = [max(float(np.mean(pool)), floor) for pool in pools for _ in pool]
    placed = [0.0] * len(heights)
    for position, index in enumerate(order):
        placed[index] = level[position] + position * gap
    return placed
