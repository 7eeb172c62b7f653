"""What a stranger's files say reaches nobody's terminal, tables and plots but as plain text and usable numbers."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from lockstep.cli import main
from lockstep.doctor import findings
from lockstep.runs.cleaning import cleaned, one_line, printable
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.reader import RunReader
from tests.runs.folders import append, evaluation, make_run

HOSTILE = "[/bold]\x1b]0;owned\x07\x1b[31m‮gnp.exe⁦\r\nlockstep: all is well\x9b2J $\\frac{1}{$ `x` |"
FORBIDDEN = ("\x1b", "\x9b", "\x07", "‮", "⁦")
NUMBERS: list[Any] = [10**400, float("nan"), float("inf"), 1e300, -1e300, "12", [1], {"a": 1}, True, None, -5, 1e38]


def test_nothing_in_a_text_is_obeyed() -> None:
    assert one_line("solve-s1 · 2 × 3 é 漢字") == "solve-s1 · 2 × 3 é 漢字"
    assert one_line("\x1b[31m‮a\r\nb\tc\x00\udc80") == "\\x1b[31m\\u202ea\\r\\nb\\tc\\x00\\udc80"
    assert printable("a\n\tb\x1b\r") == "a\n\tb\\x1b\\r"
    assert one_line("no\xa0break") == "no break"
    assert len(one_line("x" * 10**6)) == 4_001


def test_numbers_are_usable_or_absent() -> None:
    assert cleaned(NUMBERS) == [*[None] * 5, "12", [1], {"a": 1}, True, None, -5, 1e38]
    assert cleaned({"\x1b": {"\n": float("nan")}}) == {"\\x1b": {"\\n": None}}


def hostile_run(path: Path) -> RunDirectory:
    """A run in which everything that may hold text holds the worst, and every number is a bad one somewhere."""
    good = [evaluation(1_000 * step, 0.1 * step) for step in range(1, 9)]
    run = make_run(path, [{**row, "loss": 0.5, "return_mean": 0.1} for row in good], good)
    for number, value in enumerate(NUMBERS):
        row = {**good[number % 8], "test_return_mean": value, "loss": value, HOSTILE: 1.0, "test_return_std": 1e38}
        append(run.evaluations, row, {**good[0], "env_steps": value}, {**good[0], "wall_seconds": value})
        append(run.metrics, row, {**row, "env_steps": value})
        judged = {**good[0], "checkpoint": "best", "engine": HOSTILE, "returns": [value] * 2_000, "env_steps": value}
        append(run.judgements, judged, {**judged, "test_return_mean": value})
        append(run.recordings, {"env_steps": value, "seed": value, "actions": value, "return": value})
    info = dict.fromkeys(("name", "status", "reason", "commit", "created"), HOSTILE)
    told = {"host": {"system": HOSTILE, "cpus": NUMBERS}, "command": [HOSTILE, 7], "versions": {HOSTILE: HOSTILE}}
    run.info.write_text(json.dumps({**info, **told}))
    return run


def test_one_damaged_run_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    hostile_run(tmp_path / "runs" / "a[bold]\x1b[31m‮")
    for number, info in enumerate(('{"status": ["x"]}', "[1]", "\x00", '{"status": "[/bold]"}', "9" * 5_000)):
        make_run(tmp_path / "runs" / f"b{number}", evaluations=[{"env_steps": "x"}]).info.write_text(info)
    (tmp_path / "runs" / "b0" / "eval.jsonl").unlink()
    (tmp_path / "runs" / "b0" / "eval.jsonl").mkdir()
    (tmp_path / "runs" / "b1" / "config.toml").unlink()
    (tmp_path / "runs" / "b1" / "config.toml").symlink_to("config.toml")
    make_run(tmp_path / "runs" / "healthy", evaluations=[evaluation(10, 2.5)])
    assert main(["runs"]) == 0
    shown = capsys.readouterr().out
    assert "healthy" in shown
    assert "2.50" in shown
    assert "a[bold]\\x1b[31m\\u202e" in shown
    assert not any(mark in shown for mark in FORBIDDEN)
    assert main(["runs", "--json"]) == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["b0"]["damaged"] == "eval.jsonl cannot be read (it is no plain file)."
    assert "1 of 1 lines of eval.jsonl are damaged" in rows["b2"]["damaged"]
    assert rows["healthy"]["damaged"] == ""


@pytest.mark.parametrize(
    ("verb", "codes"),
    [
        (["doctor"], {1}),
        (["doctor", "--json"], {1}),
        (["plot", "--out", "curve.svg"], {1}),
        (["plot", "--out", "curve.png", "--over", "minutes", "--metric", "loss"], {1}),
        (["export", "--out", "csv"], {1}),
        (["export", "--out", "sacred", "--format", "sacred"], {1}),
        (["report", "--out", "report.html"], {1}),
        (["watch", "--terminal"], {0}),
        (["evaluate"], {2}),
        (["render", "--out", "team.gif"], {2}),
    ],
)
def test_a_hostile_run_is_shown_as_far_as_it_goes(
    verb: list[str],
    codes: set[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    run = hostile_run(tmp_path / "runs" / "a[bold]\x1b[31m‮$")
    assert main([verb[0], str(run.path), *verb[1:]]) in codes
    said = capsys.readouterr()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and "runs" not in path.parts]
    texts = [path.read_text() for path in written if path.suffix in (".md", ".html", ".csv", ".json", ".svg")]
    for text in (said.out, said.err, *texts):
        assert not any(mark in text for mark in FORBIDDEN)
    assert "lockstep: all is well" not in said.out.splitlines()


def a_run_without(damage: str, path: Path) -> RunDirectory:
    rows = [evaluation(1_000 * step, 0.1 * step) for step in range(1, 9)]
    run = make_run(path, rows, rows)
    for file in (run.metrics, run.evaluations):
        if damage == "empty":
            file.write_text("")
        elif damage == "gone":
            file.unlink()
        elif damage == "garbage":
            file.write_bytes(b"\x00\xff\n" * 9)
        elif damage == "strange":
            file.write_text('{"steps": 4}\n["env_steps"]\n')
        elif damage == "a folder":
            file.unlink()
            file.mkdir()
        elif damage == "partly":
            file.write_text(file.read_text() + "}\n")
    return run


@pytest.mark.parametrize("damage", ["empty", "gone", "garbage", "strange", "a folder"])
def test_what_cannot_be_read_is_not_called_healthy(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = a_run_without(damage, tmp_path / "run")
    (found,) = findings(RunReader.open(run.path))
    assert (found.name, found.severity) == ("unreadable", "problem")
    for verb in (["doctor"], ["doctor", "--json"], ["plot"], ["export"], ["report", "--out", "report.html"]):
        assert main([verb[0], str(run.path), *verb[1:]]) == 2, verb
        said = capsys.readouterr()
        assert "No finding" not in said.out
        assert any(word in said.out + said.err for word in ("read", "no row", "damaged")), verb
    assert not list(tmp_path.glob("*.svg"))


def test_what_is_left_is_told_with_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = a_run_without("partly", tmp_path / "run")
    for verb in (["doctor"], ["plot"], ["export"], ["report", "--out", "report.html"]):
        assert main([verb[0], str(run.path), *verb[1:]]) == 1, verb
        said = capsys.readouterr()
        assert "1 of 9 lines of metrics.jsonl are damaged" in " ".join((said.out + said.err).split()), verb
    assert "Not everything could be read" in (tmp_path / "report.md").read_text()


def test_a_run_that_has_just_begun_is_no_damaged_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "run", status="running")
    assert main(["doctor", str(run.path)]) == 0
    assert "no numbers have been written yet" in capsys.readouterr().out
    shutil.rmtree(run.path)


def test_a_resume_keeps_rows_as_they_are(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [{"env_steps": 1, "loss": math.nan, "note": "a\x1bb"}, {"env_steps": 9}])
    run.truncate_rows_after(5)
    assert run.metrics.read_text() == '{"env_steps": 1, "loss": NaN, "note": "a\\u001bb"}\n'
    assert read_rows(run.metrics) == [{"env_steps": 1, "loss": None, "note": "a\\x1bb"}]
