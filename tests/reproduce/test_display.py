import io
from pathlib import Path

from rich.console import Console

from lockstep.reproduce.display import estimate_text
from lockstep.reproduce.estimate import Estimate
from lockstep.reproduce.plan import Reproduction
from lockstep.training.many_display import Display, time_left

PLAN = Reproduction("week2", "full", "vectorized", seeds=2, episodes_per_update=8, with_ours=False)
ESTIMATE = Estimate(updates=10, per_update=0.2, per_collection=0.05, per_evaluation=1.0, collections=20, evaluations=7)


def test_an_estimate_adds_up() -> None:
    assert ESTIMATE.seconds == 10 * 0.2 + 20 * 0.05 + 7 * 1.0


def test_the_table_sums_seeds_and_divides_by_jobs() -> None:
    console = Console(file=io.StringIO(), width=120)
    console.print(estimate_text(PLAN, dict.fromkeys(PLAN.configurations(), ESTIMATE), parallel=2))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "200 ms" in text
    assert "0m20s" in text  # one configuration, both seeds
    assert "About 0m30s in all, 2 side by side" in text  # three configurations, two seeds, two at a time


def test_time_left_trusts_the_estimate_first_and_the_clock_then() -> None:
    assert time_left(done=0.0, left=100.0, elapsed=30.0, at_once=2) == 50.0
    assert time_left(done=10.0, left=100.0, elapsed=30.0, at_once=2) == 300.0
    assert time_left(done=0.0, left=0.0, elapsed=30.0, at_once=1) == 0.0


def test_a_log_gets_a_line_for_every_run_that_ended(tmp_path: Path) -> None:
    trainings = PLAN.trainings(tmp_path)
    trainings[0].failed = "it diverged at [/bold]"
    console = Console(file=io.StringIO(), width=120)
    with Display(console, 1, dict.fromkeys(PLAN.configurations(), 60.0)) as display:
        display.show(trainings)
        display.show(trainings)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.count("report-default-s1: failed: it diverged at [/bold]") == 1
    assert "0% done, about 6m00s left" in text
