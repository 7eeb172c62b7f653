"""A metric over time: one run's, or all seeds of a configuration as one curve with a band."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from lockstep.algorithms.registry import metrics
from lockstep.analysis.groups import Group, group_runs
from lockstep.analysis.plots import Level, Line, line_figure
from lockstep.analysis.published import solved_above
from lockstep.analysis.statistics import Floats, bootstrap_band, iqm
from lockstep.envs.registry import task_name
from lockstep.errors import UserError
from lockstep.runs.headline import JUDGED, headline
from lockstep.runs.metrics import METRICS, Metric, explained
from lockstep.runs.reader import RunReader

CLOCKS = {
    "env_steps": ("env steps", 1.0),
    "updates": ("updates", 1.0),
    "episode": ("training episodes", 1.0),
    "minutes": ("minutes of training", 1 / 60),
}
"""What a curve may run over, as it is called, and the factor from the row's number."""
ENDED = ("finished", "solved")
POINTS = 300


def metric_figure(
    records: Sequence[RunReader], metric: str = "test_return_mean", over: str = "env_steps", title: str | None = None
) -> Figure:
    """One curve a configuration. Raises UserError for an unknown metric, or where no run has written it yet."""
    groups = group_runs(records)
    tasks = {group.config.env.model_dump_json(include={"key", "time_limit", "arguments"}) for group in groups}
    labels = [_with_task(group) if len(tasks) > 1 else group.name for group in groups]
    if metric == "test_return_mean":
        labels = [f"{label}{_result(group)}" for label, group in zip(labels, groups, strict=True)]
    drawn = [line(group, metric, over, label) for group, label in zip(groups, labels, strict=True)]
    lines = [one for one in drawn if one is not None]
    if not lines:
        names = ", ".join(str(record.directory.path) for record in records)
        unread = " ".join(f"{record.name}: {sentence}" for record in records for sentence in record.unreadable())
        raise UserError(
            f"{names} holds no {metric} yet; `lockstep runs` shows how far runs have come. {unread}".strip()
        )
    levels = []
    if metric == "test_return_mean" and len(tasks) == 1:
        known = {value for group in groups if (value := solved_above(group.config)) is not None}
        levels = [Level(value, f"solved above {value:g}") for value in sorted(known)]
    named = title or (f"{lines[0].label}: {metric}" if len(lines) == 1 else metric)
    return line_figure(
        lines,
        title=named,
        subtitle=metrics(*(group.config for group in groups))[metric].formula
        + ("; of different tasks, whose numbers mean different things" if len(tasks) > 1 else ""),
        x_label=CLOCKS[over][0],
        levels=levels,
    )


def curve(record: RunReader, metric: str, over: str = "env_steps") -> tuple[Floats, Floats]:
    """One run's values of a metric: (points,) each, empty where nothing was written yet.

    Test metrics come from eval.jsonl, the others from metrics.jsonl. Of several evaluations at one moment the one with
    the most episodes counts (the last of equals). Raises UserError for an unknown metric or clock.
    """
    known = metrics() | metrics(record.config)
    if metric not in known:
        raise UserError(f"There is no metric {metric!r}. There are: {', '.join(known)}.")
    if over not in CLOCKS:
        raise UserError(f"--over {over} is unknown; it must be one of {', '.join(CLOCKS)}.")
    rows = record.evaluations if metric.startswith("test_") else record.metrics
    steps, x, y = rows["env_steps"], rows["wall_seconds" if over == "minutes" else over], rows[metric]
    weights = np.nan_to_num(rows["episodes"])
    kept: dict[float, int] = {}
    for index in np.flatnonzero(np.isfinite(steps) & np.isfinite(x) & np.isfinite(y)):
        before = kept.get(steps[index])
        if before is None or weights[index] >= weights[before]:
            kept[steps[index]] = int(index)
    order = [kept[step] for step in sorted(kept)]
    return x[order] * CLOCKS[over][1], y[order]


def line(group: Group, metric: str, over: str = "env_steps", label: str | None = None) -> Line | None:
    """A group's curve: the interquartile mean of its seeds with a 95 % bootstrap interval at every point.

    A run that ended keeps its last value from then on. Where one is unfinished, the common curve ends with it, so that
    every point speaks of the same seeds. A single run shows one standard deviation of its episodes instead, where that
    was measured. None where there is nothing to draw yet.
    """
    name = label or group.name
    curves = [(record, *curve(record, metric, over)) for record in group.runs]
    curves = [(record, x, y) for record, x, y in curves if len(x)]
    if not curves:
        return None
    members = [(x, y) for _, x, y in curves]
    if len(curves) == 1:
        record, x, y = curves[0]
        return Line(name, x, y, _episode_band(record, metric, over, y), members)
    unfinished = [x[-1] for record, x, _ in curves if record.standing not in ENDED]
    start, end = max(x[0] for x, _ in members), max(x[-1] for x, _ in members)
    end = max(start, min([end, *unfinished]))
    grid = np.unique(np.concatenate([[start, end], *[x[(x >= start) & (x <= end)] for x, _ in members]]))
    if len(grid) > POINTS:
        grid = np.linspace(start, end, POINTS)
    band = bootstrap_band([np.interp(grid, x, y) for x, y in members])
    assert band is not None, "more than one run"
    middle, low, high = band
    return Line(name, grid, middle, (low, high), members)


def _result(group: Group) -> str:
    """The result of a group's runs as it stands in a legend; empty where not all of them were judged."""
    found = [headline(record) for record in group.runs]
    means = [one.score.mean for one in found if one is not None and one.is_judged]
    return f", {JUDGED} {iqm(means):.2f}" if means and len(means) == len(group.runs) else ""


def _with_task(group: Group) -> str:
    """The group's name and where it was trained."""
    task = group.config.env
    name = task_name(task)
    with_arguments = " with arguments" if task.arguments and name == task.key else ""
    limit = "" if task.time_limit is None else f" in {task.time_limit} steps"
    return f"{group.name}, {name}{with_arguments}{limit}"


def _known(metric: str) -> Metric:
    """What is known of a metric. Raises UserError where there is none of that name."""
    found = explained(metric)
    if found is None:
        raise UserError(f"There is no metric {metric!r}. There are: {', '.join(METRICS)}.")
    return found


def _episode_band(record: RunReader, metric: str, over: str, y: Floats) -> tuple[Floats, Floats] | None:
    spread = metric.replace("_mean", "_std")
    if spread == metric or spread not in METRICS:
        return None
    _, deviation = curve(record, spread, over)
    return (y - deviation, y + deviation) if len(deviation) == len(y) else None
