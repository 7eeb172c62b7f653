"""Compare `lockstep.analysis.statistics` with rliable 1.2 on random scores; exit code 1 where they differ.

rliable needs pandas below 3, so it lives in an environment of its own, which needs neither torch nor Lockstep's other
dependencies:

    python -m venv /tmp/rliable && /tmp/rliable/bin/pip install rliable "pandas<3"
    PYTHONPATH=. /tmp/rliable/bin/python benchmarks/compare_with_rliable.py

Point estimates must agree to the last digits. Interval ends are random on both sides, and of few runs a resample takes
few values, so an end may jump from one to the next: our 95 % interval must lie between rliable's of 94 % and of 96 %,
5,000 resamples each, to within 1 % of the scores' spread. It takes about four minutes, nearly all of them rliable's.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from rliable import library, metrics

from lockstep.analysis.statistics import (
    bootstrap_interval,
    improvement_interval,
    iqm,
    performance_profile,
    probability_of_improvement,
)

RESAMPLES = 5_000
SHAPES = ((3, 1), (5, 1), (10, 1), (5, 4))
THRESHOLDS = np.linspace(-1.0, 6.0, 29)


def outside(interval: Any, scores: Mapping[str, Any], estimate: Callable[..., Any]) -> float:
    """How far our 95 % interval's ends lie outside what rliable's 94 % and 96 % intervals leave between them."""
    (inner,), (outer,) = (
        library.get_interval_estimates(scores, estimate, reps=RESAMPLES, confidence_interval_size=size)[1].values()
        for size in (0.94, 0.96)
    )
    low = max(outer[0, 0] - interval.low, interval.low - inner[0, 0])
    high = max(inner[1, 0] - interval.high, interval.high - outer[1, 0])
    return max(float(low), float(high), 0.0)


def main() -> int:
    rng = np.random.default_rng(7)
    exact, loose = 0.0, 0.0
    for runs, tasks in SHAPES:
        ours = rng.normal(3.0, 1.0, (runs, tasks))
        theirs = np.round(rng.normal(2.5, 1.0, (runs + 2, tasks)), 1)
        spread = float(ours.std())

        exact = max(exact, abs(iqm(ours) - metrics.aggregate_iqm(ours)))
        better = float(metrics.probability_of_improvement(ours, theirs))
        exact = max(exact, abs(probability_of_improvement(ours, theirs) - better))
        profiles, _ = library.create_performance_profile({"ours": ours}, THRESHOLDS, reps=10)
        exact = max(exact, float(np.abs(performance_profile(ours, THRESHOLDS) - profiles["ours"]).max()))

        interval = bootstrap_interval(ours, resamples=RESAMPLES)
        here = outside(interval, {"ours": ours}, lambda x: np.array([metrics.aggregate_iqm(x)])) / spread
        improvement = improvement_interval(ours, theirs, resamples=RESAMPLES)
        pair = {"pair": (ours, theirs)}
        chance = outside(improvement, pair, lambda x, y: np.array([metrics.probability_of_improvement(x, y)]))
        loose = max(loose, here, chance)
        print(f"{runs:3} runs, {tasks} tasks: interval ends {here:.4f} of the spread outside, {chance:.4f} of a chance")
    agree = exact < 1e-12 and loose < 0.01
    print(f"point estimates differ by at most {exact:.1e}, interval ends lie at most {loose:.4f} outside")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
