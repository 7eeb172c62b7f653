"""The same cell is never trained twice: one that has ended in another sweep beside this one is taken over."""

from pathlib import Path

import pytest
from rich.console import Console

from lockstep.cli import main
from lockstep.runs.directory import versions
from lockstep.sweeps.command import estimated_jobs
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import new_job
from lockstep.sweeps.neighbors import trained_beside
from tests.sweeps.search.pretended import PretendingEngine
from tests.sweeps.sweeps import tiny_sweep


def trained(path: Path, words: list[str]) -> SweepFolder:
    """A sweep whose runs were written by nobody's training."""
    sweep = tiny_sweep(path, words)
    for cell in sweep.cells:
        PretendingEngine(lambda config: float(config.seed)).start(sweep, new_job(sweep, cell))
    return sweep


def test_a_unit_takes_over_what_another_sweep_has_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = trained(tmp_path / "a", ["seed=1..2"])
    here = tiny_sweep(tmp_path / "b", ["seed=2..3"])
    assert main(["sweep", str(here.path), "--only", "1"]) == 0
    assert f"Cell 1 was trained as {there.cells[1].run.path} and is taken over" in capsys.readouterr().out
    for name in ("config.toml", "eval.jsonl", "run.json"):
        ours, theirs = (cell.run.path / name for cell in (here.cells[0], there.cells[1]))
        assert ours.read_bytes() == theirs.read_bytes()
    assert [here.history(cell).standing for cell in here.cells] == ["finished", "waiting"]
    assert there.history(there.cells[1]).standing == "finished"


def test_a_coordinator_takes_it_over_before_it_estimates(tmp_path: Path) -> None:
    trained(tmp_path / "a", ["seed=1..2"])
    here = tiny_sweep(tmp_path / "b", ["seed=1..2"])
    console = Console(record=True, width=200, quiet=False, file=(tmp_path / "said").open("w"))
    assert [job.history.standing for job in estimated_jobs(here, 1, console)] == ["finished", "finished"]
    assert console.export_text().count("is taken over") == 2


def test_only_the_same_run_of_the_same_versions_that_has_ended_counts(tmp_path: Path) -> None:
    here = tiny_sweep(tmp_path / "b", ["seed=1"])
    there = trained(tmp_path / "a", ["seed=1"]).cells[0].run
    assert trained_beside(here, here.cells[0]) is not None
    there.set_status("interrupted")
    assert trained_beside(here, here.cells[0]) is None
    there.set_status("finished", versions={"lockstep-marl": "0.0.1"})
    assert trained_beside(here, here.cells[0]) is None
    there.set_status("finished", versions=versions())
    assert trained_beside(here, here.cells[0]) is not None
    there.config.write_text(there.config.read_text().replace("seed = 1", "seed = 5"))
    assert trained_beside(here, here.cells[0]) is None


def test_a_link_is_not_taken_over(tmp_path: Path) -> None:
    here = tiny_sweep(tmp_path / "b", ["seed=1"])
    there = trained(tmp_path / "a", ["seed=1"]).cells[0].run
    (there.path / "secret").symlink_to("/etc/hostname")
    assert trained_beside(here, here.cells[0]) is None
