"""A run's result is one number with one name, and this is where every verb has it from.

The **judged return** is what the best policy earned on new episodes, by which nothing was chosen: on the official
package where it was played there. Before anybody has judged a run, the **test return** of its last evaluation stands in
its place, under its own name.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from lockstep.formats import plus_minus
from lockstep.runs.cleaning import number
from lockstep.runs.directory import read_json
from lockstep.runs.reader import RunReader

JUDGED, TESTED = "judged return", "test return"
CONTRADICTION = 0.01
"""The chance that is left, at most, that a second judgement denies what a first one confirmed."""
JUDGE_EPISODES, CONFIRM_EPISODES = 100, 400
"""Episodes of the judgement that a training ends with, and of the one that confirms a solved run."""


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

    @property
    def text(self) -> str:
        """`3.65 ± 1.44, 100 greedy episodes on the official package`."""
        return result_text(self.mean, self.std, self.episodes, self.engine, f"{self.choice} ")


@dataclass(frozen=True)
class Headline:
    """The one number of a run, and what it is called."""

    name: str
    """`JUDGED`, or `TESTED` while nobody has judged the run."""
    score: Score

    @property
    def is_judged(self) -> bool:
        return self.name == JUDGED


def headline(run: RunReader) -> Headline | None:
    """A run's result as far as it has come; None before its first evaluation."""
    judged = judged_scores(run)
    if judged:
        return Headline(JUDGED, judged[0])
    tested = evaluation_scores(run)
    return Headline(TESTED, tested[-1][0]) if tested else None


def judged_return(found: Headline | None) -> float | None:
    """The mean of a headline that is a judgement; None for any other, and where there is none."""
    return found.score.mean if found is not None and found.is_judged else None


def judged_scores(run: RunReader, *, otherwise: bool = False) -> list[Score]:
    """The judgements of the run's present best policy: the official package's first, then by number of episodes.

    otherwise: as in `RunReader.judgements`.
    """
    rows = [row for row in run.judgements(otherwise=otherwise) if row.get("checkpoint") == "best"]
    present = _best_env_steps(run)
    scores = [_score(row) for row in rows if present is None or row.get("env_steps") == present]
    known = [score for score in scores if score is not None]
    return sorted(known, key=lambda score: (score.engine == "official", score.episodes), reverse=True)


def evaluation_scores(run: RunReader) -> list[tuple[Score, float]]:
    """Every whole evaluation of the training, in the order in which they were made, each with the minutes so far."""
    rows, config = run.evaluations, run.config_or_none()
    choice = "greedy" if config is None else config.evaluation.choice
    names = ("test_return_mean", "test_return_std", "episodes", "env_steps", "wall_seconds")
    table = np.stack([rows[name] for name in names], axis=1)
    whole = table[np.isfinite(table).all(axis=1)]
    return [
        (Score(float(mean), float(std), int(episodes), int(env_steps), "lockstep", choice), float(seconds) / 60)
        for mean, std, episodes, env_steps, seconds in whole
    ]


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


def result_text(mean: float, std: float, episodes: int, engine: str, choice: str = "") -> str:
    """A mean return in words: over what, and where it was played. choice: a word with a space behind it, or nothing."""
    where = "the official package" if engine == "official" else "Lockstep's simulator"
    return f"{plus_minus(mean, std)}, {episodes:,} {choice}episodes on {where}"


def chance_of_contradiction(mean: float, std: float, episodes: int, goal: float) -> float:
    """The chance that as many new episodes of the same team have a mean of no more than `goal`.

    By the central limit theorem, for a team of which nothing is known but these episodes: two means of n episodes
    differ by a normal number with a standard deviation of std sqrt(2 / n).
    """
    if std == 0.0:
        return float(mean <= goal)
    return NormalDist(mean, std * math.sqrt(2 / episodes)).cdf(goal)


def _best_env_steps(run: RunReader) -> int | None:
    """How long the policy in checkpoints/best was trained; None where there is none."""
    known = number(read_json(run.directory.checkpoints / "best" / "manifest.json").get("env_steps"))
    return None if known is None else int(known)
