"""What there is to read of a sweep, finished or not: every verb that takes runs takes a sweep."""

import json
from pathlib import Path

import pytest

from lockstep.analysis.report.build import build_report
from lockstep.analysis.report.document import Table
from lockstep.cli import main
from lockstep.errors import UserError
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.report import sweep_records, sweep_sections
from lockstep.sweeps.request import read_request
from tests.cli.test_cli import refused
from tests.runs.written import written_run
from tests.sweeps.sweeps import die

WORDS = ["env.key=rware-tiny-2ag-v2,rware-tiny-4ag-v2", "algorithm=qmix,vdn", "seed=1..2"]


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SweepFolder:
    """Eight cells: six finished, the seventh set aside after three deaths, the last not begun."""
    monkeypatch.chdir(tmp_path)
    request = read_request("smoke", WORDS)
    made = SweepFolder.create(Path("s"), request, request.configurations())
    for cell in made.cells[:7]:
        words = [f"env.key={cell.config.env.key}", f"algorithm={cell.config.algorithm.name}"]
        scores = [0.5, cell.number / 2]
        status = "finished" if cell.number < 7 else "failed"
        written_run(cell.run.path, scores, words=words, seed=cell.config.seed, status=status, judged=scores[-1])
    for _ in range(3):
        die(made, made.cells[6], "the loss is no number")
    return made


def test_a_report_has_tasks_beside_algorithms_and_says_what_failed_and_why(sweep: SweepFolder) -> None:
    document = build_report(sweep_records(sweep), "s", sweep_sections(sweep))
    sections = {section.anchor: section for section in document.sections}
    (tasks,) = (block for block in sections["tasks"].blocks if isinstance(block, Table))
    assert tasks.columns == ("task", "qmix", "vdn")
    assert [row[0] for row in tasks.rows] == ["`rware-tiny-2ag-v2, 40 steps`", "`rware-tiny-4ag-v2, 40 steps`"]
    assert tasks.rows[0][1] == "0.75 [0.50, 1.00], 2 seeds"
    assert tasks.rows[0][2] == "**1.75** [1.50, 2.00], 2 seeds"
    assert tasks.rows[1][2] == "**3.50**, one seed"
    (cells,) = (block for block in sections["cells"].blocks if isinstance(block, Table))
    assert [(row[0], row[2], row[4]) for row in cells.rows] == [
        ("7", "set aside", "the loss is no number"),
        ("8", "waiting", "–"),
    ]


def test_every_verb_that_takes_runs_takes_a_sweep(sweep: SweepFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "s"]) == 0
    text = Path("s/report.md").read_text()
    assert text.startswith("# s\n")
    assert "6 of 8 cells are finished; 1 waiting and 1 set aside." in text
    assert main(["plot", "s", "--out", "curve.svg"]) == 0
    assert main(["export", "s", "--out", "csv"]) == 0
    assert any(Path("csv").rglob("*.csv"))
    capsys.readouterr()
    assert main(["doctor", "s", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["set_aside"] == {"7": "the loss is no number"}
    assert all(1 <= number <= 7 for finding in told["findings"] for number in finding["cells"])
    assert main(["doctor", "s"]) == 0
    assert "cell 7 was set aside: the loss is no number" in capsys.readouterr().out


def test_a_sweep_that_has_no_numbers_yet_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = read_request("smoke", WORDS)
    made = SweepFolder.create(tmp_path / "s", request, request.configurations())
    with pytest.raises(UserError, match="No run of .* has written a number yet"):
        sweep_records(made)
    assert "has written a number yet" in refused(["plot", str(made.path), "--out", str(tmp_path / "x.svg")], capsys)
