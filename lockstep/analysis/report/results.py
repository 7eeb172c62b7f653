"""The numbers of a report, each from the files of its run, with nothing rounded yet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
from lockstep.runs.cleaning import number
from lockstep.runs.directory import read_json
from lockstep.runs.reader import RunReader, Standing


@dataclass(frozen=True)
class Score:
    """A mean return over episodes, and what was played."""

    mean: float
    std: float
    """Over episodes."""
    episodes: int
    env_steps: int
    """How long the judged policy was trained."""
    engine: str
    choice: str = "greedy"
    """How the policy was played: greedy, or sampled."""


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
    best: Score | None
    """The highest evaluation during training: chosen because it was high, so partly luck."""
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


def judged_scores(run: RunReader, *, otherwise: bool = False) -> list[Score]:
    """The judgements of the run's present best policy: the official package's first, then by number of episodes.

    otherwise: as in `RunReader.judgements`.
    """
    rows = [row for row in run.judgements(otherwise=otherwise) if row.get("checkpoint") == "best"]
    present = _best_env_steps(run)
    scores = [_score(row) for row in rows if present is None or row.get("env_steps") == present]
    known = [score for score in scores if score is not None]
    return sorted(known, key=lambda score: (score.engine == "official", score.episodes), reverse=True)


def _seed_result(run: RunReader, threshold: float | None) -> SeedResult:
    scores = _evaluations(run)
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
        best=max((score for score, _ in scores), key=lambda score: score.mean, default=None),
        judged=judged[0] if judged else None,
        judged_otherwise=otherwise[0] if otherwise else None,
        crossing=crossing,
        crossing_minutes=crossing_minutes,
        mean_height=mean_height(x, y, float(x[-1])) if len(x) > 1 else None,
    )


def _evaluations(run: RunReader) -> list[tuple[Score, float]]:
    """Every whole evaluation of the training, in the order in which they were made, each with the minutes so far."""
    rows = run.evaluations
    names = ("test_return_mean", "test_return_std", "episodes", "env_steps", "wall_seconds")
    table = np.stack([rows[name] for name in names], axis=1)
    whole = table[np.isfinite(table).all(axis=1)]
    return [
        (
            Score(float(mean), float(std), int(episodes), int(env_steps), "lockstep", run.config.evaluation.choice),
            float(seconds) / 60,
        )
        for mean, std, episodes, env_steps, seconds in whole
    ]


def _median(crossings: Sequence[Crossing | None]) -> float | None:
    known = [crossing for crossing in crossings if crossing is not None]
    return time_to_cross(known) if known else None


def _kind(scores: Sequence[Score], all_judged: bool, *, named: bool) -> str:
    """Return what the scores are, in words. named: greedy play, too, is called by its name."""
    if not scores:
        return "no evaluation yet"
    episodes = {score.episodes for score in scores}
    count = f"{episodes.pop():,}" if len(episodes) == 1 else f"{min(episodes):,} to {max(episodes):,}"
    choices = {score.choice for score in scores}
    if named or choices != {"greedy"}:
        count += f" {' or '.join(sorted(choices))}"
    if not all_judged:
        return f"last evaluation in training, {count} episodes"
    engines = {score.engine for score in scores}
    where = "the official package" if engines == {"official"} else "Lockstep's simulator"
    return f"best policy judged anew, {count} episodes on {where}"


def _score(row: dict[str, Any]) -> Score | None:
    """A row of judgements.jsonl; None where it is not whole."""
    try:
        score = Score(
            mean=float(row["test_return_mean"]),
            std=float(row["test_return_std"]),
            episodes=int(row["episodes"]),
            env_steps=int(row["env_steps"]),
            engine=str(row.get("engine", "lockstep")),
            choice=str(row.get("choice", "greedy")),
        )
    except (KeyError, TypeError, ValueError):
        return None
    return score if math.isfinite(score.mean) and math.isfinite(score.std) else None


def _best_env_steps(run: RunReader) -> int | None:
    """How long the policy in checkpoints/best was trained; None where there is none."""
    known = number(read_json(run.directory.checkpoints / "best" / "manifest.json").get("env_steps"))
    return None if known is None else int(known)
