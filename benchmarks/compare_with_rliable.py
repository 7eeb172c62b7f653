"""Compare `lockstep.runs.statistics` with rliable 1.2 on random scores; exit code 1 where they differ.

rliable needs pandas below 3, so it lives in an environment of its own, which needs neither torch nor Lockstep's other
dependencies:

    python -m venv /tmp/rliable && /tmp/rliable/bin/pip install rliable "pandas<3"
    PYTHONPATH=. /tmp/rliable/bin/python benchmarks/compare_with_rliable.py

Point estimates must agree to the last digits. Interval ends are random on both sides: with 5,000 resamples each they
must agree within 5 % of the scores' spread. It takes about two minutes, nearly all of them rliable's.
"""

import sys

import numpy as np
from rliable import library, metrics

from lockstep.runs.statistics import (
    bootstrap_interval,
    improvement_interval,
    iqm,
    performance_profile,
    probability_of_improvement,
)

RESAMPLES = 5_000
SHAPES = ((3, 1), (5, 1), (10, 1), (5, 4))
THRESHOLDS = np.linspace(-1.0, 6.0, 29)


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

        _, ends = library.get_interval_estimates(
            {"ours": ours}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=RESAMPLES
        )
        interval = bootstrap_interval(ours, resamples=RESAMPLES)
        assert interval is not None
        here = np.abs(np.array([interval.low, interval.high]) - ends["ours"][:, 0]).max() / spread

        _, ends = library.get_interval_estimates(
            {"pair": (ours, theirs)}, lambda x, y: np.array([metrics.probability_of_improvement(x, y)]), reps=RESAMPLES
        )
        improvement = improvement_interval(ours, theirs, resamples=RESAMPLES)
        assert improvement is not None
        chance = np.abs(np.array([improvement.low, improvement.high]) - ends["pair"][:, 0]).max()
        loose = max(loose, here, chance)
        print(
            f"{runs:3} runs, {tasks} tasks: interval ends differ by {here:.4f} of the spread, {chance:.4f} of a chance"
        )
    agree = exact < 1e-12 and loose < 0.05
    print(f"point estimates differ by at most {exact:.1e}, interval ends by at most {loose:.4f}")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
