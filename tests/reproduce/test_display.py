import io

from rich.console import Console

from lockstep.reproduce.display import estimate_text
from lockstep.reproduce.plan import Reproduction
from lockstep.sweeps.estimate import START_SECONDS, Estimate

PLAN = Reproduction("week2", "full", "vectorized", seeds=2, episodes_per_update=8, with_ours=False)
ESTIMATE = Estimate(updates=10, per_update=0.2, per_collection=0.05, per_evaluation=1.0, collections=20, evaluations=7)


def test_an_estimate_adds_up() -> None:
    assert ESTIMATE.seconds == START_SECONDS + 10 * 0.2 + 20 * 0.05 + 7 * 1.0


def test_the_table_sums_seeds_and_divides_by_jobs() -> None:
    console = Console(file=io.StringIO(), width=120)
    console.print(estimate_text(PLAN, dict.fromkeys(PLAN.configurations(), ESTIMATE), parallel=2))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "200 ms" in text
    assert "0m36s" in text  # one configuration, both seeds
    assert "49 seconds to 1.9 minutes in all, 2 side by side" in text  # three configurations, two seeds, and a report
