"""Killing whole sweeps, for real; in the gate `test_local.py` kills one."""

import pytest

from lockstep.errors import UserError
from lockstep.sweeps import kill_test
from lockstep.sweeps.kill_test import SweepKillReport, selftest_sweep


@pytest.mark.slow
def test_a_killed_sweep_ends_as_one_that_nobody_disturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    short = [word for word in kill_test.WORDS if "gamma" not in word and "max_env_steps" not in word]
    monkeypatch.setattr(kill_test, "WORDS", [*short, "training.max_env_steps=60000"])
    report = selftest_sweep(kills=2)
    assert report.difference is None, report.difference
    assert report.kills == 2
    assert report.leaves > 300
    assert "no difference" in report.text()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_thirty_kills_leave_no_difference() -> None:
    """A quarter of an hour: `lockstep selftest sweep`."""
    report = selftest_sweep(kills=30)
    assert (report.kills, report.difference) == (30, None)
    assert min(report.coordinators, report.cells) >= 5


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_ten_kills_on_ray_leave_no_difference() -> None:
    """`lockstep selftest sweep --on ray --kills 10`."""
    report = selftest_sweep(kills=10, engine="ray")
    assert (report.kills, report.difference) == (10, None)
    assert report.nodes > 0


def test_a_difference_is_named() -> None:
    report = SweepKillReport(3, 1, 2, 0, 1, 0, 10, "cell 2: /state.pt/env_steps is 3 instead of 4", 5.0)
    assert report.text().endswith("First difference: cell 2: /state.pt/env_steps is 3 instead of 4")


def test_nothing_to_kill_is_a_sentence() -> None:
    with pytest.raises(UserError, match="--kills 0 tests nothing"):
        selftest_sweep(kills=0)
