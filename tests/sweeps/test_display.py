"""What a person sees of a sweep, before, while and after."""

import io
from pathlib import Path

from rich.console import Console

from lockstep.sweeps.display import SweepDisplay, estimate_text, table, telling_settings, time_left
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import Job, jobs_of
from tests.runs.folders import append, evaluation
from tests.sweeps.sweeps import begun, tiny_sweep


def shown(*parts: object) -> str:
    console = Console(file=io.StringIO(), width=120)
    for part in parts:
        console.print(part)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_time_left_trusts_the_estimate_first_and_the_clock_then() -> None:
    assert time_left(done=0.0, left=100.0, elapsed=30.0, at_once=2) == 50.0
    assert time_left(done=10.0, left=100.0, elapsed=30.0, at_once=2) == 300.0
    assert time_left(done=0.0, left=0.0, elapsed=30.0, at_once=1) == 0.0


def test_cells_are_told_apart_by_what_differs_where_they_have_it(tmp_path: Path) -> None:
    sweep = tiny_sweep(tmp_path / "a", ["seed=1..2", "algorithm=qmix,vdn", "lr=1e-3,2e-3"])
    assert telling_settings(sweep.cells) == ["algorithm.name", "optimizer.lr", "seed"]
    assert telling_settings(tiny_sweep(tmp_path / "b", ["lr=1e-3"]).cells) == []


def test_an_estimate_names_runs_and_divides_by_those_at_a_time(tmp_path: Path) -> None:
    jobs = jobs_of(tiny_sweep(tmp_path / "s", ["seed=1..4"]))
    for job in jobs:
        job.seconds = 60.0
    text = shown(estimate_text("s", jobs, 2))
    assert "80 seconds to 3 minutes in all, 2 at a time" in text
    assert "smoke, qmix, probe-coin" in text
    assert "4m00s" in text
    assert "40 seconds to 1.5 minutes in all, 8 at a time" in shown(estimate_text("s", jobs, 8))


def test_the_table_shows_what_works_and_what_failed_before_what_waits(tmp_path: Path) -> None:
    jobs = jobs_of(tiny_sweep(tmp_path / "s", ["seed=1..9"]))
    sweep = SweepFolder.open(tmp_path / "s")
    run = begun(jobs[7].cell)
    append(run.evaluations, evaluation(80, 1.5))
    run.set_status("finished")
    sweep.set_aside(jobs[5].cell)
    again = jobs_of(sweep)
    text = shown(*table(again, ["seed"], 3))
    assert [line.split()[0] for line in text.splitlines()[1:4]] == ["1", "6", "8"]
    assert "set aside" in text
    assert "1.50" in text
    assert "and 6 waiting" in text
    assert "6: by hand" in text


def test_what_a_folder_says_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    jobs = jobs_of(tiny_sweep(tmp_path / "s", ["seed=1"]))
    jobs[0].failed = "it diverged at [/bold]\x1b[2J"
    text = shown(*table(jobs, ["seed"], 3))
    assert "it diverged at [/bold]\\x1b[2J" in text


def test_a_log_gets_a_line_for_every_cell_that_ended(tmp_path: Path) -> None:
    jobs: list[Job] = jobs_of(tiny_sweep(tmp_path / "s", ["seed=1"]))
    jobs[0].failed, jobs[0].seconds = "it diverged at [/bold]", 360.0
    console = Console(file=io.StringIO(), width=120)
    with SweepDisplay(console, "s", jobs, 1) as display:
        display.show(jobs)
        display.show(jobs)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.count("failed: it diverged at [/bold]") == 1
    assert "0% done, about 6m00s left" in text
