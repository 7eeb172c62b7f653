"""What is said about the time that is left holds, by runs that were recorded on a machine that others used, too."""

import json
from pathlib import Path

import pytest

from lockstep.config.load import load_config
from lockstep.training.time_left import Pace, Span, around, time_left

RECORDED = Path(__file__).parent / "recorded"
CONFIG = load_config("solve", ["warmup_env_steps=1000", "t_max=11000", "stop_at_test_return=none"])


@pytest.mark.parametrize(
    ("preset", "words", "pace"),
    [
        ("smoke", [], Pace(0.01, 60.5, 1.3)),
        ("solve", ["t_max=14_400_000"], Pace(0.9, 402.0, 13.3)),
    ],
)
def test_from_a_tenth_of_the_way_on_the_whole_is_told_within_a_factor_of_one_and_a_half(
    preset: str, words: list[str], pace: Pace
) -> None:
    config = load_config(preset, words)
    passed = json.loads((RECORDED / f"{preset}.json").read_text())
    whole = passed[-1][1] + pace.end
    for count in range(1, len(passed) + 1):
        seconds = passed[count - 1][1]
        if seconds >= 0.1 * whole:
            left = time_left(config, passed[:count], pace)
            assert left is not None
            assert 1 / 1.5 < (seconds + left.middle) / whole < 1.5, f"after {seconds} s"


def test_the_speed_of_the_warm_up_does_not_tell_how_long_learning_lasts() -> None:
    warming_up = [(0.0, 0.0), (500.0, 5.0)]
    assert time_left(CONFIG, warming_up, None) is None
    left = time_left(CONFIG, warming_up, Pace(10.0, 100.0, 7.0))
    assert left is not None
    assert left.middle == pytest.approx(5.0 + 100.0 + 7.0)


def test_a_machine_that_warms_up_at_half_speed_learns_at_half_speed() -> None:
    left = time_left(CONFIG, [(0.0, 0.0), (500.0, 10.0)], Pace(10.0, 100.0))
    assert left is not None
    assert left.middle == pytest.approx(10.0 + 200.0)


def test_what_has_passed_outweighs_what_was_measured_before() -> None:
    passed = [(0.0, 0.0), (1000.0, 10.0)] + [(1000.0 + 100 * i, 10.0 + 3 * i) for i in range(1, 51)]
    left = time_left(CONFIG, passed, Pace(10.0, 100.0, 4.0))
    assert left is not None
    assert left.middle == pytest.approx(150.0 + 4.0, rel=0.01)
    assert left.low < 150.0 < left.high


def test_shares_of_a_run_are_shares_of_its_time() -> None:
    assert Pace(10.0, 80.0, 10.0).share(CONFIG, 500.0) == pytest.approx(0.05)
    assert Pace(10.0, 80.0, 10.0).share(CONFIG, 6000.0) == pytest.approx(0.5)


def test_a_range_is_said_in_few_words() -> None:
    assert around(300.0, 1.2).text == "4.2 to 6 minutes"
    assert Span(20.0, 20.1).text == "about 20 seconds"
    assert (Span(20.0, 80.0).clock, Span(240.0, 370.0).clock, Span(4000.0, 8000.0).clock) == (
        "20 to 80 s",
        "4 to 6 min",
        "1.1 to 2.2 h",
    )
