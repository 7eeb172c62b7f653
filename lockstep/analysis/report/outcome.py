"""The sections that say what came out: the summary in plain words, tables, curves, comparisons."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from lockstep.algorithms.registry import algorithm_of
from lockstep.analysis import plots
from lockstep.analysis.curves import CLOCKS, line
from lockstep.analysis.plots import Level
from lockstep.analysis.published import CONVENTION, HOW_KNOWN, Published
from lockstep.analysis.report.document import Block, Folded, Picture, Section, Table, Text, Tiles, literal, plain
from lockstep.analysis.report.results import GroupResult, SeedResult
from lockstep.analysis.report.task import ReportedTask
from lockstep.analysis.statistics import Interval, improvement_interval, performance_profile, probability_of_improvement
from lockstep.envs.registry import task_name
from lockstep.formats import counted, decimal, listed, minutes_text, plus_minus, steps
from lockstep.runs.headline import Score
from lockstep.runs.notes import read_notes

UNFINISHED = {
    "running": "is still running",
    "interrupted": "was interrupted and can be resumed",
    "failed": "failed",
    "died": "stopped without a word",
    "unknown": "left no word of how it ended",
}


NOTHING = 0.05
"""A test return below this is what a team that has learned nothing may earn by chance."""


def summary_section(results: Sequence[GroupResult], tasks: Sequence[ReportedTask | None]) -> Section:
    """What happened, for somebody who reads nothing else."""
    blocks: list[Block] = [Text(_setting(results, tasks))]
    if len(results) == 1:
        blocks.append(Tiles(_tiles(results[0])))
    blocks += [Text(_verdict(result)) for result in results]
    unfinished = [(seed, _unfinished(seed)) for result in results for seed in result.seeds]
    sentences = [f"{literal(seed.run.name)} {words}." for seed, words in unfinished if words]
    if sentences:
        blocks.append(Text(" ".join(["Not everything is done:", *sentences, "This report says what there is."])))
    blocks += [
        Text(" ".join([f"{literal(seed.run.name)}: {plain(notes.note)}", *(literal(f"#{tag}") for tag in notes.tags)]))
        for result in results
        for seed in result.seeds
        if (notes := read_notes(seed.run.directory)).note or notes.tags
    ]
    lost = [
        f"{literal(seed.run.name)}: {plain(told)}"
        for result in results
        for seed in result.seeds
        for told in seed.run.unreadable()
    ]
    if lost:
        blocks.append(Text(" ".join(["**Not everything could be read.**", *lost, "What is lost is missing here."])))
    return Section("summary", "In plain words", blocks)


def results_section(results: Sequence[GroupResult], published: Sequence[Published]) -> Section:
    """Every number, over seeds and seed by seed, and what others published."""
    columns = (
        "configuration",
        "seeds",
        "mean ± std over seeds",
        "IQM [95 %]",
        "std over episodes",
        "solved",
        "env steps to solved",
        "time to solved",
        "training time",
    )
    rows = [_group_row(result) for result in results]
    kinds = list(dict.fromkeys(result.score_kind for result in results))
    names = dict.fromkeys(result.score_name for result in results)
    caption = f"{' or '.join(names).capitalize()}: {'; '.join(kinds)}. {_solved_rule(results)}"
    blocks: list[Block] = [Table(columns, rows, frozenset(columns[1:]), caption)]
    blocks.append(Folded("Seed by seed", (_seed_table(results),)))
    if len(results) > 1:
        blocks += _comparison(results)
    if published:
        blocks += _published(published)
    return Section("results", "Results", blocks)


def curves_section(results: Sequence[GroupResult], published: Sequence[Level] = ()) -> Section:
    """Test return over env steps and over minutes."""
    blocks: list[Block] = []
    thresholds = {result.threshold for result in results if result.threshold is not None}
    levels = [Level(value, f"solved above {value:g}") for value in sorted(thresholds)] + list(published)
    played = " and ".join(sorted({result.group.config.evaluation.choice for result in results})).capitalize()
    for over, name in (("env_steps", "learning-curve"), ("minutes", "learning-curve-minutes")):
        lines = [drawn for result in results if (drawn := line(result.group, "test_return_mean", over)) is not None]
        if not lines:
            continue
        title = f"{played} test return over {'env steps' if over == 'env_steps' else 'training time'}"
        subtitle = "what the whole team earns in an episode, mean over each evaluation"
        figure = plots.line_figure(lines, title=title, subtitle=subtitle, x_label=CLOCKS[over][0], levels=levels)
        blocks.append(
            figure_block(name, figure, curve_caption(results), f"{played} test return over {CLOCKS[over][0]}")
        )
    if not blocks:
        blocks.append(Text("No evaluation has been written yet, so there is no curve to draw."))
    profiles = [result for result in results if len(result.scores) > 1]
    if len(profiles) > 1:
        blocks.append(_profile(profiles))
    return Section("curves", "Learning curves", blocks)


def _setting(results: Sequence[GroupResult], tasks: Sequence[ReportedTask | None]) -> str:
    config, task = results[0].group.config, tasks[0]
    runs = sum(len(result.seeds) for result in results)
    algorithms = listed(list(dict.fromkeys(algorithm_of(result.group.config).spoken for result in results)))
    keys = listed(list(dict.fromkeys(literal(task_name(result.group.config.env)) for result in results)))
    team = f"Teams of {counted(task.spec.num_agents, 'agent')}" if task else "Teams"
    length = task.spec.time_limit if task else config.env.time_limit
    episode = f"an episode of {counted(length, 'step')}" if length else "an episode"
    what = f"{len(results)} configurations, {runs} runs in all" if len(results) > 1 else seeds_text(runs)
    return (
        f"{team} were trained on {keys} with {algorithms}: {what}. What counts is the "
        f"{results[0].score_name}: what the whole team earns in {episode} when it acts greedily, on the mean."
    )


def seeds_text(runs: int) -> str:
    """one seed; 3 seeds."""
    return "one seed" if runs == 1 else f"{runs} seeds"


def _tiles(result: GroupResult) -> list[tuple[str, str, str]]:
    if result.mean is None:
        return []
    seeds = len(result.scores)
    spread = (
        f"95 % of the IQM: {_range(result.interval)}"
        if result.interval
        else f"± {decimal(result.episode_std)} over episodes"
    )
    tiles = [
        (decimal(result.iqm), result.score_name if seeds == 1 else f"{result.score_name}, IQM of {seeds} seeds", spread)
    ]
    if result.threshold is not None:
        tiles.append((f"{result.solved} of {seeds}", f"solved: above {result.threshold:g}", ""))
        tiles.append((steps(result.steps_to_solved), "env steps to solved", "median" if seeds > 1 else ""))
        tiles.append((minutes_text(result.minutes_to_solved), "of training to solved", "median" if seeds > 1 else ""))
    else:
        tiles.append((minutes_text(result.minutes), "of training", "median" if seeds > 1 else ""))
    return tiles


def _verdict(result: GroupResult) -> str:
    name = f"**{literal(result.group.name)}**"
    if result.mean is None:
        return f"{name} has not been evaluated yet."
    seeds = len(result.scores)
    interval = f" (95 % interval {_range(result.interval)})" if result.interval else ""
    reached = (
        f"{name} reached a {result.score_name} of {decimal(result.iqm)}{interval}, {seeds_text(seeds)}: "
        f"{result.score_kind}."
    )
    if all(0.0 <= score < NOTHING for score in result.scores):
        found = f"{decimal(result.iqm)}, {seeds_text(seeds)}, {result.score_kind}"
        return f"{name} learned nothing that its test shows: {found}."
    if result.threshold is None:
        return reached
    if result.solved == 0:
        return f"{reached} It is not solved: that would take more than {result.threshold:g}."
    if result.solved < seeds:
        return f"{reached} {result.solved} of {seeds} seeds are above {result.threshold:g}, which counts as solved."
    every = "That is" if seeds == 1 else "Every seed is"
    when = ""
    if result.steps_to_solved is not None and math.isfinite(result.steps_to_solved):
        minutes = minutes_text(result.minutes_to_solved)
        when = f" It took {steps(result.steps_to_solved)} env steps and {minutes}{' (medians)' if seeds > 1 else ''}."
    return f"{reached} {every} above {result.threshold:g}, which counts as solved.{when}"


def _unfinished(seed: SeedResult) -> str:
    words = UNFINISHED.get(seed.standing, "")
    if not words:
        return ""
    reason = seed.run.info.get("reason")
    because = f" ({literal(reason)})" if reason and seed.standing == "failed" else ""
    return f"{words} at {steps(seed.env_steps)} env steps{because}"


def _group_row(result: GroupResult) -> tuple[str, ...]:
    interval = f" [{decimal(result.interval.low)}, {decimal(result.interval.high)}]" if result.interval else ""
    counted = len(result.scores)
    return (
        literal(result.group.name),
        f"{len(result.seeds)}",
        plus_minus(result.mean, result.std),
        f"{decimal(result.iqm)}{interval}",
        decimal(result.episode_std),
        "–" if result.threshold is None or not counted else f"{result.solved} of {counted}",
        steps(result.steps_to_solved),
        minutes_text(result.minutes_to_solved),
        minutes_text(result.minutes),
    )


def _seed_table(results: Sequence[GroupResult]) -> Table:
    other = {seed.judged_otherwise.choice for result in results for seed in result.seeds if seed.judged_otherwise}
    otherwise = (f"judged return, {' or '.join(sorted(other))}",) if other else ()
    columns = (
        "run",
        "seed",
        "status",
        "env steps",
        "updates",
        "time",
        "last evaluation",
        "selected at",
        "by a test return of",
        "judged return",
        *otherwise,
        "mean while learning",
        "solved at",
    )
    rows = []
    for result in results:
        for seed in result.seeds:
            crossing = seed.crossing
            solved = "–" if crossing is None else steps(crossing.at) if crossing.reached else "not reached"
            rows.append(
                (
                    literal(seed.run.name),
                    f"{seed.seed}",
                    seed.standing,
                    f"{seed.env_steps:,}",
                    f"{seed.updates:,}",
                    minutes_text(seed.minutes),
                    _score(seed.last),
                    "–" if seed.selected is None else f"{seed.selected.env_steps:,}",
                    "–"
                    if seed.selected is None
                    else f"{decimal(seed.selected.test_return_mean)} ({seed.selected.episodes:,})",
                    _score(seed.judged),
                    *((_score(seed.judged_otherwise),) if other else ()),
                    decimal(seed.mean_height),
                    solved,
                )
            )
    caption = (
        "Returns are means ± standard deviations over the episodes in brackets. The best policy was selected because "
        "its test return was high, so that number flatters; its judged return, on new episodes, does not. Mean while "
        "learning: the area under the curve over its length."
    )
    return Table(columns, rows, frozenset(columns) - {"run", "status"}, caption)


def _score(score: Score | None) -> str:
    return "–" if score is None else f"{plus_minus(score.mean, score.std)} ({score.episodes:,})"


def _comparison(results: Sequence[GroupResult]) -> list[Block]:
    rows = []
    scored = [result for result in results if result.scores]
    for index, ours in enumerate(scored):
        for theirs in scored[index + 1 :]:
            better, worse = ours, theirs
            if probability_of_improvement(ours.scores, theirs.scores) < 0.5:
                better, worse = theirs, ours
            chance = probability_of_improvement(better.scores, worse.scores)
            interval = improvement_interval(better.scores, worse.scores)
            within = "–" if interval is None else f"{interval.low:.0%} to {interval.high:.0%}"
            rows.append((literal(better.group.name), literal(worse.group.name), f"{chance:.0%}", within))
    if not rows:
        return []
    columns = ("a seed of", "beats a seed of", "chance", "95 % interval")
    caption = "Probability of improvement: all pairs of seeds compared, ties counted half (Agarwal et al. 2021)."
    return [Table(columns, rows, frozenset(columns[2:]), caption)]


def _published(published: Sequence[Published]) -> list[Block]:
    columns = ("published", "steps an episode", "return", "env steps", "source", "how known")
    rows = [
        (row.algorithm, f"{row.time_limit}", row.value, row.env_steps, row.source, HOW_KNOWN[row.how_known])
        for row in published
    ]
    return [Table(columns, rows, frozenset(columns[1:4])), Text(CONVENTION, quiet=True)]


def curve_caption(results: Sequence[GroupResult]) -> str:
    """What bands and lines of a learning curve mean."""
    if max(len(result.seeds) for result in results) == 1:
        return "One seed each; the band is one standard deviation of the episodes of each evaluation."
    return (
        "Bold: interquartile mean over seeds; band: its 95 % bootstrap interval; thin: each seed. A run that ended "
        "keeps its last value; where one is unfinished the common curve ends with it."
    )


def _profile(results: Sequence[GroupResult]) -> Picture:
    highest = max(max(result.scores) for result in results)
    thresholds = np.linspace(0.0, max(highest * 1.1, 1.0), 200)
    profiles = [(result.group.name, performance_profile(result.scores, thresholds)) for result in results]
    figure = plots.profile_figure(
        profiles,
        thresholds,
        title="Performance profile",
        subtitle="share of seeds whose test return exceeds what the axis says",
        x_label="test return",
    )
    caption = "The further right and the higher, the better; a slope is a difference between seeds."
    return figure_block("performance-profile", figure, caption, "Share of seeds above each test return")


def figure_block(name: str, figure: Figure, caption: str, alt: str) -> Picture:
    """A figure as SVG and PNG. name: of its files."""
    return Picture(name, caption, alt, svg=plots.to_svg(figure), png=plots.to_png(figure))


def _range(interval: Interval | None) -> str:
    return "–" if interval is None else f"{decimal(interval.low)} to {decimal(interval.high)}"


def _solved_rule(results: Sequence[GroupResult]) -> str:
    known = sorted({result.threshold for result in results if result.threshold is not None})
    if not known:
        return "For this task nobody has said what counts as solved."
    return (
        f"Solved: above {' or '.join(f'{value:g}' for value in known)}. Steps and time to solved: the first of two "
        "evaluations in a row above it, everything before counted; the median over seeds, those that never got there "
        "counted as later than they were watched."
    )
