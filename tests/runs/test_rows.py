"""Columns of a growing file: nothing read twice, nothing torn read at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.runs.rows import Rows


def written(path: Path, *rows: dict[str, Any]) -> Rows:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = Rows(path)
    found.refresh()
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def test_names_become_columns(path: Path) -> None:
    rows = written(path, {"env_steps": 10, "loss": 0.5}, {"env_steps": 20, "loss": 0.25})
    assert len(rows) == 2
    assert rows["env_steps"].tolist() == [10.0, 20.0]
    assert rows["loss"].tolist() == [0.5, 0.25]


def test_a_row_without_the_name_is_nan(path: Path) -> None:
    rows = written(path, {"env_steps": 10}, {"env_steps": 20, "loss": 0.25}, {"env_steps": 30})
    np.testing.assert_array_equal(rows["loss"], [np.nan, 0.25, np.nan])
    np.testing.assert_array_equal(rows["never"], [np.nan] * 3)
    assert rows.names() == ["env_steps", "loss"]
    assert rows.last("loss") == 0.25
    assert rows.last("never") is None


def test_words_lists_and_numbers_beyond_float_are_no_numbers(path: Path) -> None:
    rows = written(path, {"a": "1", "b": [1], "c": 10**400, "d": None, "e": float("inf"), "f": 1})
    assert rows.names() == ["f"]


def test_lines_that_are_no_rows_are_counted(path: Path) -> None:
    path.write_bytes(b'{"x": 1}\n\n\x00\xff\n[1]\n{"x": 2}\n{"x"')
    rows = Rows(path)
    rows.refresh()
    assert (len(rows), rows.lines, rows.problem) == (2, 4, "")
    path.unlink()
    path.mkdir()
    rows.refresh()
    assert (len(rows), rows.problem) == (0, "it is no plain file")


def test_only_what_is_new_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = written(path, {"x": 1}, {"x": 2})
    assert not rows.refresh()
    parsed = []

    def parse(lines: list[bytes]) -> list[dict[str, Any]]:
        parsed.extend(lines)
        return [{"x": 3}]

    monkeypatch.setattr("lockstep.runs.rows._parsed", parse)
    with path.open("a") as file:
        file.write('{"x": 3}\n')
    assert rows.refresh()
    assert parsed == [b'{"x": 3}']
    assert rows["x"].tolist() == [1, 2, 3]


def test_a_half_written_last_line_waits_for_its_end(path: Path) -> None:
    rows = written(path, {"x": 1})
    with path.open("a") as file:
        file.write('{"x": 2')
    assert not rows.refresh()
    with path.open("a") as file:
        file.write('5}\n{"x": 3}\n')
    assert rows.refresh()
    assert rows["x"].tolist() == [1, 25, 3]


def test_torn_lines_in_the_middle_are_passed_over(path: Path) -> None:
    path.write_bytes(b'{"x": 1}\n{"x": 2{"x": 3}\n[4]\nnull\n\xff\xfe\n\n{"x": 5}\n')
    rows = Rows(path)
    rows.refresh()
    assert rows["x"].tolist() == [1, 5]


def test_a_file_that_a_resume_rewrote_is_read_from_its_beginning(path: Path) -> None:
    rows = written(path, {"x": 1}, {"x": 2}, {"x": 3})
    path.write_text('{"x": 1}\n{"x": 9}\n')
    assert rows.refresh()
    assert rows["x"].tolist() == [1, 9]
    path.write_text('{"x": 1}\n{"x": 8}\n{"x": 7}\n')
    assert rows.refresh()
    assert rows["x"].tolist() == [1, 8, 7]
    assert rows.rewrites == 2


def test_a_file_that_vanishes_or_never_was_has_no_rows(path: Path) -> None:
    rows = Rows(path)
    assert not rows.refresh()
    assert len(rows) == 0
    rows = written(path, {"x": 1})
    path.unlink()
    assert rows.refresh()
    assert len(rows) == 0
    assert not rows.refresh()


def test_columns_cannot_be_written_into(path: Path) -> None:
    rows = written(path, {"x": 1})
    with pytest.raises(ValueError, match="read-only"):
        rows["x"][0] = 2.0


@given(cuts=st.lists(st.integers(0, 200), max_size=6), values=st.lists(st.integers(-99, 99), min_size=1, max_size=12))
def test_however_the_file_grows_it_reads_as_if_read_once(
    cuts: list[int], values: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("grown") / "metrics.jsonl"
    text = "".join(json.dumps({"x": value} if value % 3 else {"y": value}) + "\n" for value in values)
    rows = Rows(path)
    for end in [*sorted(cuts), len(text)]:
        path.write_text(text[:end])
        rows.refresh()
    once = Rows(path)
    once.refresh()
    assert (len(rows), rows.rewrites) == (len(values), 0)
    for name in ("x", "y"):
        np.testing.assert_array_equal(rows[name], once[name])
