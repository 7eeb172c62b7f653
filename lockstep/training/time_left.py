"""How long a training still takes: its phases, what was measured before it, and what has passed since.

Warm-up, learning and the judgement at the end go at different speeds, so none tells how long another lasts. What
was measured before the run says how they compare; what has passed says how fast the machine really is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lockstep.config.schema import RunConfig
from lockstep.envs.registry import has_official_engine
from lockstep.formats import duration
from lockstep.runs.headline import CONFIRM_EPISODES, JUDGE_EPISODES

UNSEEN = 1.5
"""How far a phase of which nothing was seen may be off, as a factor."""
SEEN = 1.15
"""The same at least, however even the speed was."""
LEARNT_AFTER = 0.05
"""The part of the learning after which what was measured before it counts for nothing."""
SLICES = 6
OFFICIAL_STEPS_PER_SECOND = 3_000.0
"""Roughly, of the official package."""


@dataclass(frozen=True)
class Pace:
    """What the phases of a whole training take in seconds, as measured before it."""

    warmup: float
    learning: float
    """From the end of the warm-up to the last env step, evaluations included."""
    end: float = 0.0
    """The judgement afterwards."""

    def until(self, config: RunConfig, env_steps: float) -> float:
        """Seconds until a run has come to so many env steps."""
        warmup, total = config.collection.warmup_env_steps, config.training.max_env_steps
        random = self.warmup * min(env_steps / warmup, 1.0) if warmup else 0.0
        return random + self.learning * min(max(env_steps - warmup, 0.0) / max(total - warmup, 1), 1.0)

    def share(self, config: RunConfig, env_steps: float) -> float:
        """How much of the time is over, of a run that has come to so many env steps."""
        return self.until(config, env_steps) / max(self.warmup + self.learning + self.end, 1e-9)


def judging_seconds(config: RunConfig, time_limit: int) -> float:
    """Seconds of the judgement at the end, where an official package plays it."""
    episodes = JUDGE_EPISODES if config.training.stop_at_test_return is None else CONFIRM_EPISODES
    return episodes * time_limit / OFFICIAL_STEPS_PER_SECOND if has_official_engine(config.env.key) else 0.0


@dataclass(frozen=True)
class Span:
    """Seconds between which something is expected to be."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        return math.sqrt(self.low * self.high)

    @property
    def text(self) -> str:
        """`4 to 6 minutes`, `about 20 seconds`."""
        low, high = duration(self.low), duration(self.high)
        if low == high:
            return f"about {low}"
        number, _, unit = low.partition(" ")
        return f"{number} to {high}" if high.endswith(unit) else f"{low} to {high}"

    @property
    def clock(self) -> str:
        """The same in few characters: `4 to 6 min`."""
        if self.high < 90.0:
            return f"{self.low:.0f} to {self.high:.0f} s"
        if self.high < 5400.0:
            return f"{self.low / 60:.{0 if self.low >= 90 else 1}f} to {self.high / 60:.0f} min"
        return f"{self.low / 3600:.1f} to {self.high / 3600:.1f} h"


def around(seconds: float, factor: float) -> Span:
    """As far below as above, counted in factors."""
    return Span(seconds / factor, seconds * factor)


def time_left(config: RunConfig, passed: Sequence[tuple[float, float]], pace: Pace | None) -> Span | None:
    """What is left of a training that goes to `max_env_steps`; None where nothing can be said yet.

    passed: env steps and seconds in the training loop, of all moments or of some of them, the last one now.
    """
    total, warmup = config.training.max_env_steps, config.collection.warmup_env_steps
    steps, seconds = passed[-1] if passed else (0.0, 0.0)
    # Up to the second moment the warm-up ends, helpers are started, and something is compiled: once.
    learning = [moment for moment in passed if moment[0] > warmup][1:]
    if len(learning) < 2:
        return None if pace is None else _before_learning(pace, min(steps / warmup, 1.0) if warmup else 0.0, seconds)
    (first_steps, first_seconds), done = learning[0], (steps - learning[0][0]) / max(total - learning[0][0], 1)
    recent = [moment for moment in learning if moment[1] >= (first_seconds + seconds) / 2]
    if len(recent) < 2 or recent[0][0] == steps:
        recent = learning
    cost = (seconds - recent[0][1]) / max(steps - recent[0][0], 1)
    left, factor, end = cost * max(total - steps, 0), _unevenness(recent), 0.0
    if pace is not None:
        known = min(done / LEARNT_AFTER, 1.0)
        slowness = 1.0 if first_steps == 0 or not pace.warmup else _slowness(first_seconds, pace.warmup)
        left = known * left + (1.0 - known) * slowness * pace.learning * (1.0 - done)
        factor = max(factor, UNSEEN if known < 1.0 else SEEN)
        end = pace.end
    span = around(left, factor)
    return Span(span.low + end, span.high + end)


def _before_learning(pace: Pace, done: float, seconds: float) -> Span:
    """While the warm-up goes on, which tells how fast the machine is. done: the part of it that is over."""
    slowness = _slowness(seconds, pace.warmup * done)
    return around(slowness * ((1.0 - done) * pace.warmup + pace.learning + pace.end), UNSEEN)


def _slowness(seconds: float, expected: float) -> float:
    """How much longer something took than was expected, unless that was too short to tell."""
    return min(max(seconds / expected, 0.5), 4.0) if expected > 1.0 else 1.0


def _unevenness(moments: Sequence[tuple[float, float]]) -> float:
    """How much the speed changed between slices of what has passed, as a factor from `SEEN` to 2."""
    places = [round(index * (len(moments) - 1) / SLICES) for index in range(SLICES + 1)]
    ends = [moments[place] for place in dict.fromkeys(places)]
    costs = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(ends) if b[0] > a[0] and b[1] > a[1]]
    return min(max((max(costs) / min(costs)) ** 0.5, SEEN), 2.0) if costs else UNSEEN
