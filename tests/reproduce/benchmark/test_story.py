"""What is told of a benchmark that has come half way."""

from pathlib import Path

import pytest

from lockstep.analysis.report.markdown import to_markdown
from lockstep.reproduce.benchmark import story
from lockstep.reproduce.benchmark.plan import plan, wanted, wanted_cells
from lockstep.reproduce.benchmark.references import REFERENCES_FILE, References, references
from lockstep.reproduce.benchmark.scores import csv_text
from lockstep.sweeps.folder import Cell, SweepFolder
from tests.runs.written import write_rows
from tests.sweeps.sweeps import begun, die

REACHED = {"iql": -40.0, "qmix": -26.0, "mappo": -25.0}


def ended(cell: Cell, judged: float) -> None:
    """Its run, as if it had been trained and judged."""
    run = begun(cell)
    run.write_info({**run.read_info(), "status": "finished"})
    write_rows(run, [-60.0, judged + 1.0, judged - 1.0], seconds=30.0, judged=judged)


@pytest.fixture
def told(tmp_path: Path) -> story.Gathered:
    """Three algorithms on spread with two seeds each, all of them done but one, which failed three times."""
    asked = wanted({"tasks": "spread", "algorithms": "iql,qmix,mappo", "seeds": 2})
    benchmark, sweep = plan(tmp_path / "bm", asked, resume=False)
    cells = wanted_cells(benchmark, sweep)
    for cell in cells[:-1]:
        ended(cell, REACHED[cell.config.algorithm.name] - cell.config.seed)
    for _ in range(3):
        die(sweep, cells[-1], "the loss is no number")
    return story.Gathered.of(benchmark, sweep, {"spread": References(-80.0, -22.0)})


def test_a_row_has_both_protocols_and_what_was_published(told: story.Gathered) -> None:
    text = to_markdown(story.document(told), "files")
    assert "| `spread` | −41.50 [−42.00, −41.00] | −27.50 [−28.00, −27.00] | **−26.00** | −80.00 | −22.00 |" in text
    # the highest evaluation, which flatters, as the paper counts: 2 (-25 - 1.5 + 1) - 75 and so on
    assert "| `spread`, 2 S − 75 | −156.00 | −128.00 | **−125.00** |" in text
    assert "| published | −132.63 | **−126.62** | −133.54 |" in text
    assert "Highest return: MAPPO on 1 of 1 tasks. The best published mean is passed on 0 of 1." in text


def test_what_is_missing_is_listed_with_its_reason(told: story.Gathered) -> None:
    text = to_markdown(story.document(told), "files")
    assert "5 of 6 trainings are finished; 1 set aside." in text
    assert "the loss is no number" in text
    assert "| `spread` | MAPPO (1) |" in text
    assert "No task has every algorithm and seed yet" in text
    assert "lockstep reproduce benchmark --seeds 2 --tasks spread --algorithms iql,qmix,mappo" in text


def test_tasks_are_compared_between_two_teams_that_learnt_nothing(told: story.Gathered, tmp_path: Path) -> None:
    ended(told.cells[-1], -27.0)
    whole = story.Gathered.of(told.benchmark, SweepFolder.open(tmp_path / "bm"), told.references)
    assert whole.whole_tasks() == ["spread"]
    assert whole.scaled("mappo", ["spread"])[:, 0] == pytest.approx([54 / 58, 53 / 58])
    text = to_markdown(story.document(whole), "files")
    assert "| QMIX | **100%** | – | 12% |" in text  # every seed above IQL's; one of eight half pairs against MAPPO's


def test_every_number_is_in_the_table_of_cells(told: story.Gathered) -> None:
    lines = csv_text(told.scores).splitlines()
    assert lines[0].startswith("task,algorithm,reading,seed,standing,env_steps,minutes,greedy,")
    assert lines[1].startswith("spread,iql,recipe,1,finished,3000,1.5,-41.0,0.9,,1000,-40.0,3,1,iql-")
    assert ",set aside," in lines[-1]


def test_reference_teams_are_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / REFERENCES_FILE
    first = references(["foraging-8x8-2p-2f-coop"], path)
    assert first["foraging-8x8-2p-2f-coop"].random < 0.05
    assert first["foraging-8x8-2p-2f-coop"].programmed > 0.95
    monkeypatch.setattr("lockstep.reproduce.benchmark.references.evaluate_reference", None)
    assert references(["foraging-8x8-2p-2f-coop"], path) == first
