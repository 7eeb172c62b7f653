"""After the first part of a run, what was really found corrects what was foreseen."""

from pathlib import Path

from lockstep.doctor.early import outlook
from lockstep.doctor.forecast import Forecast
from lockstep.runs.reader import RunReader
from tests.doctor.tasks import task

RECORDED = Path(__file__).parent / "recorded"


def of(name: str, rewarding: int, share: float = 1.0) -> tuple[str, tuple[str, ...]]:
    """The outlook of a recorded run on a task where `rewarding` of 10,000 random episodes earn something."""
    record = RunReader.open(RECORDED / name)
    ahead = outlook(record, Forecast(record.config, task(rewarding, mean_length=40.0, delivery_steps=7.0)), share)
    return ahead.verdict, ahead.problems


def test_a_healthy_run_can_learn() -> None:
    assert of("healthy", 170) == ("can learn", ())


def test_rewards_that_were_found_lift_the_doubt_whether_any_would_be() -> None:
    assert "too-few-rewards" not in of("healthy", 1)[1]
    assert "too-few-rewards" in of("nothing-found", 1)[1]


def test_rewards_that_fail_to_come_are_a_problem() -> None:
    assert "fewer-rewards-than-foreseen" in of("nothing-found", 4_000)[1]


def test_only_what_was_written_by_then_counts() -> None:
    assert "dead-units" in of("dead", 170)[1]
    assert "dead-units" not in of("dead", 170, share=0.0)[1]
