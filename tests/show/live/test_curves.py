"""Curves thinned on the server: true to every row, exact while they are few, and sent once."""

import json
from pathlib import Path
from typing import Any

import pytest

from lockstep.runs.reader import RunReader
from lockstep.show.live.curves import MOST_BUCKETS, Seen, bucket_rows, changes
from tests.runs.folders import append, evaluation, make_run


def curve(found: list[dict[str, Any]], metric: str) -> dict[str, Any]:
    return next(change for change in found if change["curve"] == metric)


def rows(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"env_steps": 10 * n, "wall_seconds": n, "loss": float(n % 7)} for n in range(first, first + count)]


@pytest.mark.parametrize(("count", "size"), [(0, 1), (1, 1), (600, 1), (601, 2), (1200, 2), (1201, 4), (100_000, 256)])
def test_buckets_are_the_smallest_power_of_two_that_fits(count: int, size: int) -> None:
    assert bucket_rows(count) == size
    assert -(-count // size) <= MOST_BUCKETS


def test_few_rows_are_told_exactly(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", rows(3), [evaluation(50, 2.0, std=0.25)])
    found = changes(RunReader.open(run.path), {})
    loss = curve(found, "loss")
    assert (loss["from"], loss["x"], loss["seconds"]) == (0, [0, 10, 20], [0, 1, 2])
    assert loss["mid"] == loss["low"] == loss["high"] == [0, 1, 2]
    test_return = curve(found, "test_return_mean")
    assert (test_return["low"], test_return["mid"], test_return["high"]) == ([1.75], [2.0], [2.25])


def test_a_bucket_tells_mean_lowest_and_highest_of_its_rows(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", rows(MOST_BUCKETS + 1))
    loss = curve(changes(RunReader.open(run.path), {}), "loss")
    assert len(loss["mid"]) == MOST_BUCKETS // 2 + 1
    assert (loss["low"][:3], loss["high"][:3], loss["mid"][:3]) == ([0, 2, 4], [1, 3, 5], [0.5, 2.5, 4.5])
    assert (loss["x"][:2], loss["x"][-1]) == ([5, 25], 6000)


def test_values_that_are_missing_leave_a_gap(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", [{"env_steps": 10}, {"env_steps": 20, "loss": float("inf")}, *rows(1, 3)])
    found = changes(RunReader.open(run.path), {})
    assert curve(found, "loss")["mid"] == [None, None, 3]
    assert curve(found, "epsilon")["mid"] == [None, None, None]
    json.dumps(found, allow_nan=False)


def test_only_new_buckets_are_told_again(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", rows(1000))
    record = RunReader.open(run.path)
    seen: dict[str, Seen] = {}
    changes(record, seen)
    assert changes(record, seen) == []
    append(run.metrics, *rows(3, 1000))
    record.refresh()
    loss = curve(changes(record, seen), "loss")
    assert (loss["from"], len(loss["mid"])) == (500, 2)


@pytest.mark.parametrize("batches", [[1, 598, 2], [599, 1, 1, 700], [3, 5, 1200, 1]])
def test_following_ends_where_reading_at_once_does(batches: list[int], tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    record, count = RunReader.open(run.path), 0
    seen: dict[str, Seen] = {}
    held: dict[str, list[Any]] = {}
    for size in batches:
        append(run.metrics, *rows(size, count))
        count += size
        record.refresh()
        for change in changes(record, seen):
            column = held.setdefault(change["curve"], [])
            column[change["from"] :] = list(zip(change["x"], change["low"], change["mid"], change["high"], strict=True))
    at_once = curve(changes(RunReader.open(run.path), {}), "loss")
    assert held["loss"] == list(zip(*(at_once[name] for name in ("x", "low", "mid", "high")), strict=True))


def test_a_resumed_run_is_told_from_the_beginning(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", rows(10))
    record = RunReader.open(run.path)
    seen: dict[str, Seen] = {}
    changes(record, seen)
    run.truncate_rows_after(40)
    record.refresh()
    loss = curve(changes(record, seen), "loss")
    assert (loss["from"], loss["x"]) == (0, [0, 10, 20, 30, 40])
