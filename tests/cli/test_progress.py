"""A long verb says how long it takes before it does, and how far it is."""

import pytest

from lockstep.cli import main
from lockstep.cli.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the time is, as its only entry."""
    now = [100.0]
    monkeypatch.setattr("lockstep.cli.progress.time.monotonic", lambda: now[0])
    return now


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on stderr since the last look; nothing is on stdout."""
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_what_is_known_is_said_beforehand(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(30, "kill", 17.0) as tell:
        tell("training without a stop", 0)
        assert said(capsys) == ["30 kills: about 8.5 minutes."]
        clock[0] += 170.0
        tell("run 3", 10)
        assert said(capsys) == ["10 of 30 kills, now run 3; about 5.7 minutes left"]
        clock[0] += 29.0
        tell("run 3", 12)
        assert said(capsys) == []


def test_what_is_not_known_is_learnt_without_what_is_compiled(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(100_000, "step") as tell:
        clock[0] += 29.0
        tell("crowds", 1_000)
        assert said(capsys) == []
        clock[0] += 1.0
        tell("crowds", 3_000)
        first, second = said(capsys)
    assert first == "100,000 steps: about 48 seconds."
    assert second == "3,000 of 100,000 steps, now crowds; about 48 seconds left"


def test_a_slower_machine_is_learnt_from(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(30, "kill", 1.0) as tell:
        clock[0] += 150.0
        tell("run 3", 15)
    # 5 kills of a second, as known, and 15 of ten: 7.75 seconds each
    assert said(capsys)[-1] == "15 of 30 kills, now run 3; about 1.9 minutes left"


def test_scripts_are_told_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(30, "kill", 17.0, quiet=True) as tell:
        clock[0] += 170.0
        tell("run 3", 10)
    assert said(capsys) == []


def test_a_test_of_nothing_is_refused_before_it_is_forecast(capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("resume", "sweep"):
        assert main(["selftest", part, "--kills", "0"]) == 2
        assert said(capsys) == ["lockstep: --kills 0 tests nothing; it must be at least 1."]
    assert main(["verify", "rware", "--steps", "0"]) == 2
    assert said(capsys) == ["lockstep: steps=0 must be at least 1."]
