"""Somebody may write down what a run was about, and finds it by that."""

import json
from pathlib import Path
from typing import Any

import pytest

from lockstep.cli import main
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory
from lockstep.runs.notes import Notes, read_notes, write_notes
from tests.runs.written import written_run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    written_run(Path("runs/one"), [1.0, 2.0], judged=2.5)
    written_run(Path("runs/two"), [0.5], words=["env.arguments={}", "algorithm=vdn"], seed=2, status="interrupted")
    return tmp_path


def listed(capsys: pytest.CaptureFixture[str], *filters: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["runs", *filters, "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def test_what_is_written_down_is_kept_beside_what_was_there(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run").directory
    write_notes(run, name="first", tags=["paper"])
    write_notes(run, note="epsilon held", tags=["seed-1", "-paper"])
    assert read_notes(run) == Notes("first", ("seed-1",), "epsilon held")
    assert write_notes(run, note="") == Notes("first", ("seed-1",), "")
    with pytest.raises(UserError, match="tags are single words"):
        write_notes(run, tags=["two words"])


def test_a_run_is_found_by_the_name_that_it_was_given(here: Path) -> None:
    assert main(["note", "one", "it works", "--name", "the good one", "--tag", "paper"]) == 0
    assert RunDirectory.find("the good one").path == Path("runs/one")


def test_notes_stand_in_table_and_report(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["note", "one", "epsilon held at 0.7", "--tag", "paper"])
    assert main(["runs"]) == 0
    assert "one: epsilon held at 0.7 · #paper" in capsys.readouterr().out
    assert main(["report", "one"]) == 0
    assert "epsilon held at 0.7 `#paper`" in Path("runs/one/report.md").read_text()


def test_runs_are_listed_with_task_algorithm_and_result(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = sorted(listed(capsys), key=lambda row: str(row["run"]))
    assert (one["task"], one["algorithm"], one["judged_return"], one["state"]) == (
        "5 x 5 floor, 2 robots",
        "qmix",
        2.5,
        "finished",
    )
    assert (two["task"], two["judged_return"], two["test_return"]) == ("rware-tiny-2ag-v2", None, 0.5)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["qmix"], {"one"}),
        (["FLOOR", "finished"], {"one"}),
        (["algorithm=vdn"], {"two"}),
        (["seed=2", "one"], set()),
        (["paper"], {"one"}),
        ([], {"one", "two"}),
    ],
)
def test_words_and_settings_filter_runs(
    here: Path, capsys: pytest.CaptureFixture[str], filters: list[str], found: set[str]
) -> None:
    main(["note", "one", "--tag", "paper"])
    assert {row["run"] for row in listed(capsys, *filters)} == found


def test_notes_of_strangers_are_cleaned(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run").directory
    (run.path / "notes.json").write_text(json.dumps({"name": 7, "tags": ["a\x1b[2J", 3], "note": "two\nlines"}))
    notes = read_notes(run)
    assert (notes.name, len(notes.tags), "\x1b" in notes.tags[0], "\n" in notes.note) == ("", 1, False, False)
