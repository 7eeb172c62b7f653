"""What a reproduction adds to the report of its runs: published beside ours, what differs, our recipe against it."""

from collections.abc import Sequence

from lockstep.reproduce.baselines import Baseline
from lockstep.reproduce.plan import EXPERIMENTS, OURS, Plan
from lockstep.runs.published import SOLVED_ABOVE
from lockstep.runs.report.document import Block, Section, Table, Text, literal
from lockstep.runs.report.numbers import decimal, duration, plus_minus, steps
from lockstep.runs.report.results import GroupResult

PUBLISHED = {"report-default": (0.0, 0.0), "report-changed": (0.0, 0.0), "report-final": (3.25, 0.98)}
"""Test return mean and standard deviation, as published for one seed of each."""
BLAMED = {
    "report-default": "exploration stopped before the sparse reward was found, and the memory was short",
    "report-changed": "the same, with larger and faster steps of learning",
    "report-final": "exploring for 5,000,000 steps, remembering 200,000 episodes, and batches of 256 cured it",
}
MAPPO = "21.5 to 22.5 in 500 steps (recurrent MAPPO, 20M env steps, read off a figure by eye; 4.4 per 100 pro rata)"


def story(plan: Plan, results: Sequence[GroupResult], baselines: Sequence[Baseline]) -> list[Section]:
    """Two sections, from what the runs reached."""
    by_name = {result.group.name: result for result in results}
    published = [(name, by_name[name]) for name in EXPERIMENTS[plan.experiment] if name in by_name]
    sections = [Section("reproduction", "The published experiment beside ours", _beside(plan, published))]
    if OURS in by_name:
        sections.append(Section("surpassed", "And surpassed", _ours(plan, by_name[OURS], published, baselines)))
    return sections


def _beside(plan: Plan, published: Sequence[tuple[str, GroupResult]]) -> list[Block]:
    columns = ("configuration", "published", "ours, over seeds", "ours, over episodes", "solved", "verdict")
    rows = []
    for name, result in published:
        mean, std = PUBLISHED[name]
        rows.append(
            (
                literal(name),
                plus_minus(mean, std),
                plus_minus(result.mean, result.std),
                decimal(result.episode_std),
                f"{result.solved} of {len(result.scores)}" if result.scores else "–",
                verdict(mean, result, plan),
            )
        )
    caption = (
        f"Greedy test return; ours: {published[0][1].score_kind}. Published is one seed, its ± over episodes; the "
        f"original calls it solved above {SOLVED_ABOVE:g}."
        if published
        else ""
    )
    why = [(literal(name), BLAMED[name]) for name, _ in published]
    return [
        Text(f"**What differs from what was published:** {plan.difference()}"),
        Table(columns, rows, frozenset(columns[1:5]), caption),
        Text("What the original says about each:"),
        Table(("configuration", "said to be the reason"), why),
    ]


def verdict(published_mean: float, result: GroupResult, plan: Plan) -> str:
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
    if result.mean < 0.05:
        return "learns nothing, as published"
    return f"published as learning nothing; here it reaches {decimal(result.mean)}"


def _ours(
    plan: Plan, ours: GroupResult, published: Sequence[tuple[str, GroupResult]], baselines: Sequence[Baseline]
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
                duration(result.minutes_to_solved),
                steps(max(seed.env_steps for seed in result.seeds)),
                duration(result.minutes),
            )
        )
    rows += [
        (baseline.name, f"{baseline.mean:.4f} ({baseline.episodes:,} episodes)", *"––––") for baseline in baselines
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
            f"{literal(OURS)} stops at {SOLVED_ABOVE:g}, so its return is where it stopped, not what it could reach. "
            f"The best published learner on this warehouse: {MAPPO}. Episodes of 100 and 500 steps are different "
            "tasks; the division is for orientation only.",
            quiet=True,
        )
    )
    return blocks
