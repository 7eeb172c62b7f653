"""What a reproduction adds to the report of its runs: published beside ours, what differs, our recipe against it."""

from collections.abc import Mapping, Sequence

import numpy as np

from lockstep.analysis import plots
from lockstep.analysis.curves import curve, line
from lockstep.analysis.plots import Level
from lockstep.analysis.published import SOLVED_ABOVE
from lockstep.analysis.report.document import Block, CodeBlock, Section, Table, Text, literal
from lockstep.analysis.report.outcome import curve_caption, figure_block, seeds_text
from lockstep.analysis.report.results import GroupResult
from lockstep.config.presets import PRESETS
from lockstep.formats import decimal, listed, minutes_text, plus_minus, steps
from lockstep.reproduce.baselines import Baseline
from lockstep.reproduce.plan import OURS, WEEK1, WEEK2, Reproduction

PUBLISHED = {"report-default": (0.0, 0.0), "report-changed": (0.0, 0.0), "report-final": (3.25, 0.98)}
"""Test return mean and standard deviation, as published for one seed of each."""
SOLVED_AS_PUBLISHED = "report-final"
BLAMED = {
    "report-default": "exploration stopped before the sparse reward was found, and the memory was short",
    "report-changed": "the same, with larger and faster steps of learning",
    "report-final": "exploring for 5,000,000 steps, remembering 200,000 episodes, and batches of 256 cured it",
}
LITERALLY = (
    "**Where ours stays below what was published, updates are missing, not steps:** with one update an episode, "
    "literally, three seeds of `report-final` came to 3.06, 3.91 and 3.57 (8 minutes a seed on one H100, "
    "`lockstep reproduce week2 --mode literal --device cuda`; docs/results.md)."
)
MAPPO = ("recurrent MAPPO, published: 21.5 to 22.5 in 500 steps, a fifth of it", "4.4", "–", "–", "20M", "–")
"""The best published learner on this warehouse; read off a figure by eye."""
SPREAD_PUBLISHED: Mapping[str, float] = {"qmix": -50.0, "vdn": -33.0, "iql": -40.0}
"""JaxMARL on simple_spread, the team's sum, read off its figure by eye; docs/worlds.md says why it is the sum."""
SPREAD_BEST = max(SPREAD_PUBLISHED.values())
SOMETHING = 0.05
"""A return from which on a configuration did not learn nothing; random play earns a fifteenth of it."""
SPREAD_AGENTS, SPREAD_SELF_COLLISIONS = 3, 75
"""Agents, and what old MPE counts in 25 steps for agents that collide with themselves."""


def story(plan: Reproduction, results: Sequence[GroupResult], baselines: Sequence[Baseline]) -> list[Section]:
    """Two sections on week 2, from what its runs reached."""
    by_name = {result.group.name: result for result in results}
    published = [(name, by_name[name]) for name in WEEK2 if name in by_name]
    sections = [Section("reproduction", "The published experiment beside ours", _beside(plan, published))]
    if OURS in by_name:
        title = "And surpassed" if _surpassed(by_name[OURS]) else "Our recipe beside it"
        sections.append(Section("surpassed", title, _ours(plan, by_name[OURS], published, baselines)))
    return sections


def week2_title(results: Sequence[GroupResult]) -> str:
    """What a report of week 2 is called, by what its runs reached."""
    by_name = {result.group.name: result for result in results}
    final = by_name.get(SOLVED_AS_PUBLISHED)
    claims = [
        *(["reproduced"] if final is not None and final.scores and final.solved == len(final.scores) else []),
        *(["surpassed"] if OURS in by_name and _surpassed(by_name[OURS]) else []),
    ]
    return f"QMIX in the warehouse: the published experiment, {listed(claims) if claims else 'trained again'}"


def _surpassed(ours: GroupResult) -> bool:
    return ours.mean is not None and ours.mean > PUBLISHED[SOLVED_AS_PUBLISHED][0]


def week1_section(plan: Reproduction, results: Sequence[GroupResult], baselines: Sequence[Baseline]) -> Section:
    """QMIX, VDN and IQL on simple_spread, in every convention in which its reward is published."""
    columns = ("team", "team's sum S", "S / 3: an agent", "2 S: unscaled", "2 S − 75: old MPE", "env steps", "training")
    rows = [
        (
            f"{WEEK1[result.group.name].upper()}, {seeds_text(len(result.seeds))}",
            plus_minus(result.mean, result.std),
            *_conventions(result.mean),
            steps(max(seed.env_steps for seed in result.seeds)),
            minutes_text(result.minutes),
        )
        for result in results
    ]
    rows += [
        (f"{name.upper()}, published (JaxMARL)", decimal(value), *_conventions(value), "–", "–")
        for name, value in SPREAD_PUBLISHED.items()
    ]
    names = {"random": "random", "heuristic": "landmark assignment, programmed"}
    rows += [(names[row.name], decimal(row.mean), *_conventions(row.mean), "–", "–") for row in baselines]
    lines = [
        drawn
        for result in results
        if (drawn := line(result.group, "test_return_mean", label=WEEK1[result.group.name].upper())) is not None
    ]
    blocks: list[Block] = [
        Text(
            f"Three particles are to cover three landmarks ({literal('simple_spread')}, 25 steps). Rewards are "
            "distances and collisions, negative: nearer to zero is better. They are published counted in different "
            "ways, so all of them stand here."
        ),
        Table(columns, rows, frozenset(columns[1:]), _spread_caption(plan, results)),
    ]
    if lines:
        figure = plots.line_figure(
            lines,
            title="simple_spread: greedy test return over env steps",
            subtitle="the team's sum S over 25 steps, mean over each evaluation",
            x_label="env steps",
            levels=[Level(SPREAD_BEST, f"best published {decimal(SPREAD_BEST, 0)}")],
            from_zero=False,
        )
        caption = curve_caption(results)
        alt = "Greedy test return on simple_spread over env steps"
        blocks.append(figure_block("week1", figure, caption, alt))
    return Section("week1", "Week 1: three particles, three landmarks", blocks)


def _conventions(total: float | None) -> tuple[str, str, str]:
    """Per agent, unscaled, and as old MPE counts it, from the team's sum."""
    if total is None:
        return ("–", "–", "–")
    return decimal(total / SPREAD_AGENTS), decimal(2 * total, 1), decimal(2 * total - SPREAD_SELF_COLLISIONS, 1)


def _spread_caption(plan: Reproduction, results: Sequence[GroupResult]) -> str:
    kinds = "; ".join(dict.fromkeys(result.score_kind for result in results))
    if plan.scale != "full":
        return f"Test return: {kinds}. At this scale it only shows that everything runs."
    above = []
    for result in results:
        name = WEEK1[result.group.name]
        count = sum(score > SPREAD_PUBLISHED[name] for score in result.scores)
        above.append(f"{name.upper()} {count} of {len(result.scores)}")
    return f"Test return: {kinds}. Seeds above what is published for the same algorithm: {', '.join(above)}."


def _beside(plan: Reproduction, published: Sequence[tuple[str, GroupResult]]) -> list[Block]:
    columns = (
        "configuration",
        "published",
        "ours, over seeds",
        "ours, over episodes",
        "updates, published",
        "updates, ours",
        "solved",
        "verdict",
    )
    rows = []
    for name, result in published:
        mean, std = PUBLISHED[name]
        config = PRESETS[name]()
        rows.append(
            (
                literal(name),
                plus_minus(mean, std),
                plus_minus(result.mean, result.std),
                decimal(result.episode_std),
                steps(config.training.max_env_steps / (config.env.time_limit or 1)),
                steps(max(seed.updates for seed in result.seeds)),
                f"{result.solved} of {len(result.scores)}" if result.scores else "–",
                verdict(mean, result, plan),
            )
        )
    caption = (
        f"Greedy test return; ours: {published[0][1].score_kind}. Published is one seed, its ± over episodes; the "
        f"original calls it solved above {SOLVED_ABOVE:g}, and makes one update an episode."
        if published
        else ""
    )
    why = [(literal(name), BLAMED[name]) for name, _ in published]
    fewer = [Text(LITERALLY)] if plan.mode == "vectorized" and plan.scale == "full" else []
    surprises = [
        block
        for name, result in published
        if plan.scale == "full" and PUBLISHED[name][0] == 0
        for block in _after_all(name, result)
    ]
    return [
        CodeBlock(plan.command()),
        Text(f"**What differs from what was published:** {plan.difference()}"),
        Table(columns, rows, frozenset(columns[1:7]), caption),
        *fewer,
        *surprises,
        Text("What the original says about each:"),
        Table(("configuration", "said to be the reason"), why),
    ]


def verdict(published_mean: float, result: GroupResult, plan: Reproduction) -> str:
    """Whether a configuration came out as published, in a few words, whichever way it falls."""
    if result.mean is None:
        return "not evaluated yet"
    if plan.scale != "full":
        return "not comparable at this scale"
    was_solved = published_mean > SOLVED_ABOVE
    count = len(result.scores)
    if was_solved:
        if result.solved == count:
            return "solved, as published"
        return f"published as solved; here {result.solved} of {count} seeds are"
    above = sum(score >= SOMETHING for score in result.scores)
    if not above:
        return "learns nothing, as published"
    who = "it reaches" if count == 1 else f"{above} of {count} seeds earn{'s' if above == 1 else ''} up to"
    return f"published as learning nothing; here {who} {decimal(max(result.scores))}"


def _after_all(name: str, result: GroupResult) -> list[Block]:
    """Why a configuration that was published as learning nothing did learn something, where it did."""
    learnt = [(seed, seed.score.mean) for seed in result.seeds if seed.score and seed.score.mean >= SOMETHING]
    if not learnt:
        return []
    ways = []
    for seed, score in learnt:
        at, returns = curve(seed.run, "test_return_mean")
        rising = at[returns >= 2 * SOMETHING]
        since = f" (it rises from {steps(rising[0])} env steps on)" if len(rising) else ""
        ways.append(f"seed {seed.seed} came to {decimal(score)}{since}")
    most = [int(np.nanmax(seed.run.metrics["replay_rewarding_episodes"], initial=0)) for seed in result.seeds]
    size = result.group.config.replay.buffer_size
    return [
        Text(
            f"**{literal(name)} was published as learning nothing; here {listed(ways)}.** Epsilon is at its floor long "
            "before, so whether a team meets its first rewards is luck, seed by seed: the most rewarding episodes that "
            f"the replay of {size:,} ever held are {listed([f'{number:,}' for number in most])} "
            f"({seeds_text(len(most))}, in order). The published run is one seed."
        )
    ]


def _ours(
    plan: Reproduction, ours: GroupResult, published: Sequence[tuple[str, GroupResult]], baselines: Sequence[Baseline]
) -> list[Block]:
    columns = (
        "team",
        "test return",
        "env steps to solved",
        "training to solved",
        "env steps in all",
        "training in all",
    )
    rows = []
    for name, result in [(OURS, ours), *published]:
        rows.append(
            (
                literal(name),
                plus_minus(result.mean, result.std),
                steps(result.steps_to_solved),
                minutes_text(result.minutes_to_solved),
                steps(max(seed.env_steps for seed in result.seeds)),
                minutes_text(result.minutes),
            )
        )
    rows.append(MAPPO)
    names = {"random": "random", "heuristic": "heuristic, sees everything, programmed"}
    rows += [
        (names[row.name], f"{decimal(row.mean, 2 if row.mean > 0.1 else 4)} ({row.episodes:,} episodes)", *"––––")
        for row in baselines
    ]
    blocks: list[Block] = [
        Text(f"The tuned recipe {literal(OURS)} is trained on the same warehouse, on the same machine.")
    ]
    if plan.scale != "full":
        blocks.append(Text(f"At scale {literal(plan.scale)} this shows only that everything runs."))
    blocks.append(
        Table(columns, rows, frozenset(columns[1:]), "Medians over seeds for steps and time; all steps counted.")
    )
    blocks.append(
        Text(
            f"{literal('lockstep train solve')} is the same training, ended at {SOLVED_ABOVE:g}. Published MAPPO was "
            "read off a figure by eye (EPyMARL in Mava's comparison). Episodes of 100 and 500 steps are different "
            "tasks: a fifth is for orientation only.",
            quiet=True,
        )
    )
    return blocks
