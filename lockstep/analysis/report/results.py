"""The numbers of a report, each from the files of its run, with nothing rounded yet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lockstep.analysis.curves import curve
from lockstep.analysis.groups import Group
from lockstep.analysis.published import solved_above
from lockstep.analysis.statistics import (
    Crossing,
    Interval,
    bootstrap_interval,
    first_crossing,
    iqm,
    mean_height,
    time_to_cross,
)
from lockstep.runs.headline import JUDGED, TESTED, Score, evaluation_scores, judged_scores
from lockstep.runs.reader import RunReader, Selected, Standing


@dataclass(frozen=True)
class SeedResult:
    """What one run reached. None where it has not come that far."""

    run: RunReader
    seed: int
    standing: Standing
    env_steps: int
    updates: int
    minutes: float
    last: Score | None
    """The last evaluation during training."""
    selected: Selected | None
    """The evaluation that selected the best policy: it did because it was high, so partly by luck."""
    judged: Score | None
    """The best policy on new episodes, on the official package where it was played."""
    judged_otherwise: Score | None
    """The same where it drew its actions and evaluations are greedy, or the other way round."""
    crossing: Crossing | None
    """In env steps; None without an evaluation or without a threshold."""
    crossing_minutes: Crossing | None
    mean_height: float | None
    """Mean return while learning: area under the curve over its length."""

    @property
    def score(self) -> Score | None:
        """What the run is compared by: its best policy judged anew, else its last evaluation."""
        return self.judged or self.last


@dataclass(frozen=True)
class GroupResult:
    """What a configuration reached, over its seeds."""

    group: Group
    seeds: tuple[SeedResult, ...]
    threshold: float | None
    scores: tuple[float, ...]
    """One mean return a seed, `score_kind` says which."""
    score_kind: str
    score_name: str
    """`judged return`, or `test return` where not every seed was judged."""
    mean: float | None
    std: float | None
    """Over seeds."""
    episode_std: float | None
    """Within seeds: the root mean square of their standard deviations over episodes."""
    iqm: float | None
    interval: Interval | None
    solved: int
    """Seeds whose score exceeds the threshold."""
    steps_to_solved: float | None
    """Median over seeds, infinite where fewer than half got there; None without a threshold or an evaluation."""
    minutes_to_solved: float | None
    minutes: float
    """Median training time."""


def group_result(group: Group) -> GroupResult:
    """All numbers of one configuration."""
    threshold = solved_above(group.config)
    seeds = tuple(_seed_result(run, threshold) for run in group.runs)
    all_judged = all(seed.judged for seed in seeds)
    used = [seed.judged if all_judged else seed.last for seed in seeds]
    played = [score for score in used if score is not None]
    means = [score.mean for score in played]
    return GroupResult(
        group=group,
        seeds=seeds,
        threshold=threshold,
        scores=tuple(means),
        score_kind=_kind(played, all_judged, named=any(seed.judged_otherwise for seed in seeds)),
        score_name=JUDGED if all_judged else TESTED,
        mean=float(np.mean(means)) if means else None,
        std=float(np.std(means, ddof=1)) if len(means) > 1 else None,
        episode_std=math.sqrt(float(np.mean([score.std**2 for score in played]))) if played else None,
        iqm=iqm(means) if means else None,
        interval=bootstrap_interval(means) if means else None,
        solved=0 if threshold is None else sum(mean > threshold for mean in means),
        steps_to_solved=_median([seed.crossing for seed in seeds]),
        minutes_to_solved=_median([seed.crossing_minutes for seed in seeds]),
        minutes=float(np.median([seed.minutes for seed in seeds])),
    )


def _seed_result(run: RunReader, threshold: float | None) -> SeedResult:
    scores = evaluation_scores(run)
    judged, otherwise = judged_scores(run), judged_scores(run, otherwise=True)
    crossing = crossing_minutes = None
    if threshold is not None and scores:
        values = [score.mean for score, _ in scores]
        crossing = first_crossing([score.env_steps for score, _ in scores], values, threshold)
        crossing_minutes = first_crossing([minutes for _, minutes in scores], values, threshold)
    x, y = curve(run, "test_return_mean")
    return SeedResult(
        run=run,
        seed=run.config.seed,
        standing=run.standing,
        env_steps=run.env_steps,
        updates=int(max(run.metrics.last("updates") or 0, run.evaluations.last("updates") or 0)),
        minutes=run.wall_seconds / 60,
        last=scores[-1][0] if scores else None,
        selected=run.selected,
        judged=judged[0] if judged else None,
        judged_otherwise=otherwise[0] if otherwise else None,
        crossing=crossing,
        crossing_minutes=crossing_minutes,
        mean_height=mean_height(x, y, float(x[-1])) if len(x) > 1 else None,
    )


def _median(crossings: Sequence[Crossing | None]) -> float | None:
    known = [crossing for crossing in crossings if crossing is not None]
    return time_to_cross(known) if known else None


def _kind(scores: Sequence[Score], all_judged: bool, *, named: bool) -> str:
    """Return what the scores are, in words. named: greedy play, too, is called by its name."""
    if not scores:
        return "no evaluation yet"
    episodes = {score.episodes for score in scores}
    noun = "episode" if episodes == {1} else "episodes"
    count = f"{episodes.pop():,}" if len(episodes) == 1 else f"{min(episodes):,} to {max(episodes):,}"
    choices = {score.choice for score in scores}
    if named or choices != {"greedy"}:
        count += f" {' or '.join(sorted(choices))}"
    if not all_judged:
        return f"last evaluation in training, {count} {noun}"
    engines = {score.engine for score in scores}
    where = "the official package" if engines == {"official"} else "Lockstep's simulator"
    return f"best policy judged anew, {count} {noun} on {where}"
