"""Every number here was worked by hand first."""

import math

import numpy as np
import pytest

from lockstep.analysis.statistics import (
    Crossing,
    bootstrap_band,
    bootstrap_interval,
    first_crossing,
    improvement_interval,
    iqm,
    mean_height,
    performance_profile,
    probability_of_improvement,
    time_to_cross,
    time_to_cross_interval,
)


def test_iqm_is_the_mean_of_the_middle_half() -> None:
    assert iqm([100, 1, 2, 3, 4, 5, 6, -50]) == pytest.approx((2 + 3 + 4 + 5) / 4)


def test_iqm_cuts_whole_scores_only() -> None:
    assert iqm([0, 1, 5]) == pytest.approx(2.0)  # a quarter of three is less than one: nothing is cut
    assert iqm([0, 1, 2, 3, 100]) == pytest.approx(2.0)  # a quarter of five is one: 1, 2, 3 stay


def test_iqm_takes_the_scores_of_all_tasks_together() -> None:
    assert iqm([[1, 10], [2, 20]]) == pytest.approx((2 + 10) / 2)


def test_no_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        iqm([])


def test_one_run_has_no_interval() -> None:
    assert bootstrap_interval([3.0]) is None
    assert improvement_interval([3.0], [1.0, 2.0]) is None


def test_bootstrap_of_two_runs_spans_both() -> None:
    # The mean of two draws from {0, 1} is 0, 1/2, 1 with chances 1/4, 1/2, 1/4: the outer 2.5 % lie at 0 and 1.
    interval = bootstrap_interval([0.0, 1.0], lambda table: float(table.mean()))
    assert interval is not None
    assert (interval.estimate, interval.low, interval.high) == (0.5, 0.0, 1.0)


def test_bootstrap_percentiles_follow_the_binomial() -> None:
    # Four runs, one of them 1: the sum of a resample is Binomial(4, 1/4), P(0) = 0.316, P(<=2) = 0.949, P(<=3) = 0.996.
    interval = bootstrap_interval([0, 0, 0, 1], lambda table: float(table.sum()), resamples=20_000)
    assert interval is not None
    assert (interval.low, interval.high) == (0.0, 3.0)
    narrower = bootstrap_interval([0, 0, 0, 1], lambda table: float(table.sum()), resamples=20_000, confidence=0.8)
    assert narrower is not None
    assert (narrower.low, narrower.high) == (0.0, 2.0)


def test_bootstrap_never_mixes_tasks() -> None:
    # Within each task all runs agree, so resampling within tasks changes nothing; mixing them would.
    interval = bootstrap_interval([[1.0, 9.0]] * 3)
    assert interval is not None
    assert (interval.low, interval.high) == (5.0, 5.0)


def test_bootstrap_repeats_exactly() -> None:
    scores = np.random.default_rng(3).normal(size=7)
    assert bootstrap_interval(scores) == bootstrap_interval(scores)


def test_a_band_is_the_interval_at_every_point() -> None:
    curves = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 6.0]])
    band = bootstrap_band(curves)
    assert band is not None
    middle, low, high = band
    assert middle.tolist() == [0.0, 3.0]
    alone = bootstrap_interval(curves[:, 1])
    assert alone is not None
    assert (low[0], high[0]) == (0.0, 0.0)
    assert (low[1], high[1]) == (1.0, 6.0)
    assert (alone.low, alone.high) == (1.0, 6.0)  # all draws alike: chance 1/27 each, more than 2.5 %
    assert bootstrap_band(curves[:1]) is None


def test_probability_of_improvement_counts_pairs_and_half_the_ties() -> None:
    # 3 beats 1 and 2 and ties 3, which makes 2.5; 1 ties 1 and loses to 2 and 3, which makes 0.5; of 6 pairs.
    assert probability_of_improvement([3, 1], [1, 2, 3]) == pytest.approx(3.0 / 6)


def test_probability_of_improvement_is_a_mean_over_tasks() -> None:
    assert probability_of_improvement([[1, 0], [1, 0]], [[0, 1], [0, 1]]) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="1 tasks against 2"):
        probability_of_improvement([1, 2], [[1, 2]])


def test_certain_improvement_has_a_certain_interval() -> None:
    interval = improvement_interval([5, 6, 7], [1, 2, 3])
    assert interval is not None
    assert (interval.estimate, interval.low, interval.high) == (1.0, 1.0, 1.0)


def test_performance_profile_counts_runs_strictly_above() -> None:
    assert performance_profile([0, 1, 2, 3], [-1, 0, 1.5, 3]).tolist() == [1.0, 0.75, 0.5, 0.0]
    assert performance_profile([[0, 4], [2, 4]], [1]).tolist() == [0.75]


def test_mean_height_of_a_ramp_and_a_plateau() -> None:
    # A triangle of 10 * 2 / 2 and a plateau of 10 * 2, over 20 steps.
    assert mean_height([0, 10, 20], [0, 2, 2], until=20) == pytest.approx((10 + 20) / 20)


def test_mean_height_cuts_inside_a_line_and_holds_the_last_value() -> None:
    assert mean_height([0, 10], [0, 2], until=5) == pytest.approx(0.5)
    assert mean_height([0, 10], [0, 2], until=20) == pytest.approx((10 + 20) / 20)
    with pytest.raises(ValueError, match="beyond the first"):
        mean_height([5, 10], [0, 2], until=5)


def test_one_lucky_evaluation_is_no_crossing() -> None:
    assert first_crossing([1, 2, 3, 4, 5], [0, 3, 2, 3, 3], threshold=2.5) == Crossing(4, True)
    assert first_crossing([1, 2, 3], [0, 0, 3], threshold=2.5) == Crossing(3, False)
    assert first_crossing([1, 2, 3], [0, 0, 3], threshold=2.5, in_a_row=1) == Crossing(3, True)
    assert first_crossing([7], [3], threshold=2.5) == Crossing(7, False)


def test_the_threshold_itself_is_not_enough() -> None:
    assert not first_crossing([1, 2], [2.5, 2.5], threshold=2.5).reached


def test_time_to_cross_interval_without_censoring_is_the_median() -> None:
    interval = time_to_cross_interval([Crossing(at, True) for at in (30, 10, 20)], resamples=200)
    assert interval is not None
    assert interval.estimate == 20
    assert 10 <= interval.low <= interval.high <= 30


def test_censored_runs_push_the_median_up() -> None:
    # Kaplan-Meier: at 10 survival 3/4; 15 is censored; at 20, one of two left: 3/8, the first value up to a half.
    crossings = [Crossing(10, True), Crossing(15, False), Crossing(20, True), Crossing(30, True)]
    interval = time_to_cross_interval(crossings, resamples=200)
    assert interval is not None
    assert interval.estimate == 20


def test_the_median_is_unknown_where_most_never_cross() -> None:
    interval = time_to_cross_interval([Crossing(10, True), Crossing(50, False), Crossing(50, False)], resamples=200)
    assert interval is not None
    assert math.isinf(interval.estimate)
    assert interval.low == 10
    assert math.isinf(interval.high)


def test_the_median_is_unknown_where_none_crosses() -> None:
    interval = time_to_cross_interval([Crossing(50, False)] * 3, resamples=200)
    assert interval is not None
    assert math.isinf(interval.low)


def test_one_crossing_has_no_interval_and_none_is_refused() -> None:
    assert time_to_cross([Crossing(10, True)]) == 10
    assert time_to_cross_interval([Crossing(10, True)]) is None
    with pytest.raises(ValueError, match="no crossings"):
        time_to_cross_interval([])
