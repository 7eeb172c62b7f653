"""How learning went inside: values, targets, loss, exploration, each with what healthy looks like."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lockstep.algorithms.registry import algorithm_of, metrics
from lockstep.analysis import plots
from lockstep.analysis.curves import curve, line
from lockstep.analysis.groups import Group
from lockstep.analysis.report.document import Block, Picture, Section, Text, literal
from lockstep.analysis.report.task import ReportedTask
from lockstep.analysis.statistics import Floats
from lockstep.formats import decimal


@dataclass(frozen=True)
class Panel:
    metric: str
    title: str
    subtitle: str
    healthy: str
    here: Callable[[Group, ReportedTask | None], str]
    """What this group's numbers say, in one sentence without its name; empty where they say nothing."""
    drawing: bool = True
    """Whether it says something of what trains by drawing actions, too."""


def diagnostics_section(groups: Sequence[Group], tasks: Sequence[ReportedTask | None]) -> Section:
    """One picture and one sentence each; nothing for what no run has written."""
    blocks: list[Block] = []
    for panel in (*PANELS, *_panels_of(groups)):
        told = [
            (group, task)
            for group, task in zip(groups, tasks, strict=True)
            if panel.drawing or algorithm_of(group.config).choice == "greedy"
        ]
        lines = [drawn for group, _ in told if (drawn := line(group, panel.metric)) is not None]
        if not lines:
            continue
        figure = plots.line_figure(
            lines,
            title=panel.title,
            subtitle=panel.subtitle,
            x_label="env steps",
            size=(7.2, 2.7),
        )
        said = [(group, panel.here(group, task)) for group, task in told]
        here = " ".join(f"{literal(group.name)}: {words}" for group, words in said if words)
        caption = f"**Healthy:** {panel.healthy} {here}".strip()
        alt = f"{panel.title} over env steps"
        svg, png = plots.to_svg(figure), plots.to_png(figure)
        blocks.append(Picture(panel.metric.replace("_", "-"), caption, alt, svg=svg, png=png))
    if not blocks:
        blocks.append(Text("Nothing has been written about updates yet."))
    return Section("inside", "Inside the learner", blocks)


def _panels_of(groups: Sequence[Group]) -> list[Panel]:
    """Return those of numbers that only these algorithms write, from their own words."""
    return [
        Panel(name, metric.panel, f"{metric.formula} ({name})", f"{metric.healthy}.", partial(_ends, name))
        for name, metric in metrics(*(group.config for group in groups)).items()
        if metric.panel
    ]


def _ends(name: str, group: Group, task: ReportedTask | None) -> str:
    begun, final = _first(group, name), _last(group, name)
    return "" if begun is None or final is None else f"begins at {begun:.3g}, ends at {final:.3g}."


def _target(group: Group, task: ReportedTask | None) -> str:
    final, earned = _last(group, "target_mean"), _last(group, "return_mean")
    if final is None or earned is None or task is None:
        return ""
    if group.config.algorithm.standardize_rewards:
        return (
            f"ends at {decimal(final)}, in units of standardized rewards, which drift as rewards are found; compare "
            "its shape, not its height."
        )
    share = earned / task.spec.num_agents
    if final > max(share, 0.05) * 1.5:
        return (
            f"ends at {decimal(final)}, above the {decimal(share)} that training episodes earn an agent: the values "
            "promise more than was ever earned."
        )
    return f"ends at {decimal(final)}; training episodes earn {decimal(share)} an agent, undiscounted."


def _loss(group: Group, task: ReportedTask | None) -> str:
    loss, target = _last(group, "loss"), _last(group, "target_mean")
    if loss is None or target is None or task is None or abs(target) < 1e-3:
        return ""
    off = np.sqrt(loss) / (abs(target) * task.spec.num_agents)
    return f"a typical error is {off:.0%} of the mean target at the end."


def _gradient(group: Group, task: ReportedTask | None) -> str:
    clip = group.config.optimizer.grad_norm_clip
    values = _tail(group, "grad_norm")
    if not len(values):
        return ""
    share = float((values > clip).mean())
    return f"in the last tenth, {share:.0%} of the rows are above the clip at {clip:g}."


def _epsilon(group: Group, task: ReportedTask | None) -> str:
    x = group.config.exploration
    if x.epsilon_start == x.epsilon_finish:
        return f"held at {x.epsilon_start:g}."
    total = group.config.training.max_env_steps
    return f"reaches its floor of {x.epsilon_finish:g} after {x.epsilon_anneal_env_steps / total:.1%} of all steps."


PANELS = (
    Panel(
        "target_mean",
        "What the team is told it will earn",
        "mean target / agents (target_mean)",
        "rises with the return and stays below what is really earned. Flat at zero: no reward has been found. Far "
        "above the returns, or growing without end: overestimation.",
        _target,
    ),
    Panel(
        "loss",
        "How wrong the values are",
        "mean squared TD error (loss)",
        "small beside the square of the targets. It may rise while the team improves, since there is more to "
        "predict; a loss of zero beside a return of zero means that there was nothing to learn from.",
        _loss,
        drawing=False,
    ),
    Panel(
        "grad_norm",
        "How hard the network is pulled",
        "norm of the gradient before clipping (grad_norm)",
        "mostly below the clip. Always above it: the learning rate or the scale of the rewards does not fit.",
        _gradient,
    ),
    Panel(
        "epsilon",
        "How much is tried at random",
        "chance of a random action (epsilon)",
        "high until rewards have been found many times, then low enough that a plan of many steps can work out.",
        _epsilon,
        drawing=False,
    ),
)


def _tail(group: Group, metric: str) -> Floats:
    """The last tenth of every run's rows, joined."""
    tails = [values[-max(1, len(values) // 10) :] for run in group.runs if len(values := curve(run, metric)[1])]
    return np.concatenate(tails) if tails else np.empty(0)


def _first(group: Group, metric: str) -> float | None:
    """The mean of every run's first row."""
    values = [values[0] for run in group.runs if len(values := curve(run, metric)[1])]
    return float(np.mean(values)) if values else None


def _last(group: Group, metric: str) -> float | None:
    """The mean of the last tenth."""
    values = _tail(group, metric)
    return float(values.mean()) if len(values) else None
