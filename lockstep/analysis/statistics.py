"""What several seeds say together, without saying more than they can.

Point estimates and intervals follow Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical
precipice" (their package: rliable); `tests/analysis/test_statistics.py` works every number by hand, and
`benchmarks/compare_with_rliable.py` compares with rliable itself.

Scores are (runs,) for one task or (runs, tasks) for several: one number per run, never per episode, because episodes of
one training are not independent of each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]

RESAMPLES = 2_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate and how far it can be trusted."""

    estimate: float
    low: float
    high: float


def iqm(scores: ArrayLike) -> float:
    """Interquartile mean: the mean of the middle half of all scores; a quarter is cut from either end.

    Where a quarter is no whole number of scores, fewer are cut, so up to three scores give their plain mean (as in
    rliable and scipy's `trim_mean`). Raises ValueError without scores.
    """
    flat = _scores(scores).ravel()
    return float(stats.trim_mean(flat, proportiontocut=0.25))


def bootstrap_interval(
    scores: ArrayLike,
    statistic: Callable[[Floats], float] = iqm,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval | None:
    """Percentile interval of `statistic` over resampled runs; None for a single run, which shows no spread.

    Stratified: within each task (column) runs are drawn anew with replacement, tasks are never mixed. The draws follow
    from `seed`, so a report gives the same interval each time. Raises ValueError without scores.
    """
    table = _scores(scores)
    runs, tasks = table.shape
    estimate = statistic(table)
    if runs < 2:
        return None
    rng = np.random.default_rng(seed)
    columns = np.arange(tasks)
    draws = [statistic(table[rng.integers(runs, size=(runs, tasks)), columns]) for _ in range(resamples)]
    return _percentiles(estimate, draws, confidence)


def bootstrap_band(
    curves: ArrayLike, *, confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Floats, Floats, Floats] | None:
    """The interquartile mean of several runs' curves at every point, and the ends of its intervals.

    Whole curves are drawn anew, so neighboring points stay together. curves: (runs, points) -> three times (points,);
    None for a single run.
    """
    table = np.asarray(curves, dtype=np.float64)
    runs = len(table)
    if runs < 2:
        return None
    picks = np.random.default_rng(seed).integers(runs, size=(resamples, runs))
    draws = stats.trim_mean(table[picks], proportiontocut=0.25, axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    return np.asarray(stats.trim_mean(table, proportiontocut=0.25, axis=0)), low, high


def probability_of_improvement(ours: ArrayLike, theirs: ArrayLike) -> float:
    """The chance that a run of ours beats a run of theirs on the same task, ties counted half; the mean over tasks.

    Per task this is Mann and Whitney's U over the number of pairs. Raises ValueError where tasks differ in number.
    """
    x, y = _scores(ours), _scores(theirs)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"{x.shape[1]} tasks against {y.shape[1]}: they must be the same")
    difference = x[:, None, :] - y[None, :, :]  # (runs, their runs, tasks)
    return float(((difference > 0) + 0.5 * (difference == 0)).mean(axis=(0, 1)).mean())


def improvement_interval(
    ours: ArrayLike,
    theirs: ArrayLike,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval | None:
    """`probability_of_improvement` with its bootstrap interval, both sides' runs drawn anew within each task."""
    x, y = _scores(ours), _scores(theirs)
    estimate = probability_of_improvement(x, y)
    if min(len(x), len(y)) < 2:
        return None
    rng = np.random.default_rng(seed)
    columns = np.arange(x.shape[1])

    def drawn(table: Floats) -> Floats:
        return table[rng.integers(len(table), size=table.shape), columns]

    return _percentiles(
        estimate, [probability_of_improvement(drawn(x), drawn(y)) for _ in range(resamples)], confidence
    )


def performance_profile(scores: ArrayLike, thresholds: ArrayLike) -> Floats:
    """The share of runs that score above each threshold, the mean over tasks. thresholds: (k,) -> (k,)"""
    table = _scores(scores)
    above = table[None] > np.asarray(thresholds, dtype=np.float64)[:, None, None]
    profile: Floats = above.mean(axis=(1, 2))
    return profile


def mean_height(steps: ArrayLike, values: ArrayLike, until: float) -> float:
    """Area under a curve from its first point to `until`, divided by that distance: the mean return while learning.

    Straight lines between the points; the last value is held where the curve ends earlier. steps: (n,) rising.
    Raises ValueError without a point, or where `until` is not beyond the first one.
    """
    x, y = _curve(steps, values)
    if until <= x[0]:
        raise ValueError(f"until={until} must lie beyond the first point at {x[0]}")
    inside = x < until
    x, y = np.append(x[inside], until), np.append(y[inside], np.interp(until, x, y))
    return float(np.trapezoid(y, x) / (until - x[0]))


@dataclass(frozen=True)
class Crossing:
    """When a run first did what it should: or that it had not yet when it was last seen (it is censored there)."""

    at: float
    """Steps, or minutes: of the crossing, or of the last look at a run that never crossed."""
    reached: bool


def first_crossing(steps: ArrayLike, values: ArrayLike, threshold: float, in_a_row: int = 2) -> Crossing:
    """The first of `in_a_row` evaluations in succession that all exceed `threshold`: one alone may be luck.

    steps, values: (n,), in the order in which they were measured. Raises ValueError without a point.
    """
    x, y = _curve(steps, values)
    above = (y > threshold).astype(np.int64)
    windows = np.convolve(above, np.ones(in_a_row, dtype=np.int64), mode="valid") if len(above) >= in_a_row else above
    starts = np.flatnonzero(windows == in_a_row)
    return Crossing(float(x[starts[0]]), True) if len(starts) else Crossing(float(x[-1]), False)


def time_to_cross(crossings: Sequence[Crossing]) -> float:
    """The median time to cross, runs that never did counted as later than they were watched (Kaplan and Meier 1958).

    Infinite where fewer than half would have crossed by the end. Raises ValueError without crossings.
    """
    if not crossings:
        raise ValueError("no crossings")
    sample = stats.CensoredData(
        uncensored=[crossing.at for crossing in crossings if crossing.reached],
        right=[crossing.at for crossing in crossings if not crossing.reached],
    )
    survival = stats.ecdf(sample).sf
    reached = survival.quantiles[survival.probabilities <= 0.5 + 1e-12]
    return float(reached[0]) if len(reached) else float("inf")


def time_to_cross_interval(
    crossings: Sequence[Crossing],
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval | None:
    """`time_to_cross` with the percentiles of resampled runs, infinite where those are. None for a single run."""
    estimate = time_to_cross(crossings)
    if len(crossings) < 2:
        return None
    rng = np.random.default_rng(seed)
    picks = rng.integers(len(crossings), size=(resamples, len(crossings)))
    draws = [time_to_cross([crossings[index] for index in pick]) for pick in picks]
    return _percentiles(estimate, draws, confidence)


def _percentiles(estimate: float, draws: Sequence[float], confidence: float) -> Interval:
    """Percentiles that are observed values where infinities forbid to interpolate."""
    tail = (1 - confidence) / 2
    method: Literal["linear", "inverted_cdf"] = "linear" if np.isfinite(draws).all() else "inverted_cdf"
    low, high = np.quantile(np.asarray(draws), [tail, 1 - tail], method=method)
    return Interval(float(estimate), float(low), float(high))


def _scores(scores: ArrayLike) -> Floats:
    """(runs,) or (runs, tasks) -> (runs, tasks)"""
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim not in (1, 2) or not table.size:
        raise ValueError(f"scores of shape {table.shape}; give (runs,) or (runs, tasks), at least one")
    return table[:, None] if table.ndim == 1 else table


def _curve(steps: ArrayLike, values: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or not x.size:
        raise ValueError(f"a curve needs as many steps as values, at least one; got {x.shape} and {y.shape}")
    return x, y
