"""A task is measured by playing it; the same numbers every time."""

import math

import numpy as np
import pytest

from lockstep.config.load import load_config
from lockstep.doctor.task import Sample, measure_task
from tests.doctor.tasks import task


def test_an_interval_holds_the_truth_and_shrinks() -> None:
    low, high = Sample(1.0, 1_000, 10).interval
    assert [low, high] == pytest.approx([0.0054, 0.0183], abs=2e-4)  # Wilson's, worked by hand
    assert Sample(1.0, 1_000, 0).interval[0] == 0.0
    assert Sample(1.0, 1_000, 0).chance == 0.0005


def test_a_warehouse_is_measured_blind_and_the_same_every_time() -> None:
    config = load_config("smoke", ["epsilon_start=1", "epsilon_finish=0.1"])
    measured, again = measure_task(config, 0.05), measure_task(config, 0.05)
    assert measured.random == again.random
    assert measured.explored == again.explored
    assert 0.012 < measured.random.chance < 0.022
    assert measured.explored[0] == measured.random
    assert measured.explored[-1].chance < measured.random.chance
    assert measured.delivery_steps == 7.0
    assert measured.blind_warmup
    assert measured.is_sparse


def test_other_worlds_are_played_with_open_eyes() -> None:
    config = load_config("smoke", ["env.key=probe-coin", "env.arguments={}", "env.time_limit=None"])
    measured = measure_task(config, 0.1)
    assert not measured.blind_warmup
    assert measured.return_mean == pytest.approx(0.5, abs=0.05)
    assert not measured.is_sparse
    assert measured.mean_length == 1.0


def test_chances_between_two_samples_lie_on_a_line_of_logarithms() -> None:
    chances = task().chance(np.array([1.0, math.sqrt(0.5), 0.5]))
    assert chances == pytest.approx([0.01, 0.01 * math.sqrt(0.5), 0.005])
