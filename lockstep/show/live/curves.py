"""A run's curves in few points: what the page draws, thinned on the server, and only what is new.

Rows are put into buckets of 2^k neighbors, so few that a screen can show them. A bucket tells the mean, the lowest and
the highest of its rows. Finished buckets never change until k grows, so a page that follows a run receives only the
last ones. With few rows a bucket is one row, and the curve is exact.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from lockstep.algorithms.registry import metrics
from lockstep.runs.reader import RunReader
from lockstep.runs.rows import Column, Rows

MOST_BUCKETS = 600


@dataclass(frozen=True)
class Curve:
    """One chart of the page: a metric, and where its band comes from."""

    metric: str
    title: str
    source: Literal["metrics", "evaluations"] = "metrics"
    spread: str | None = None
    """Metric whose value is half the band; None: the band is from the lowest to the highest of a bucket."""
    own: bool = False
    """Whether only some algorithms write it: its chart is not there while it is empty."""


CURVES = (
    Curve("test_return_mean", "test return", "evaluations", spread="test_return_std"),
    Curve("return_mean", "training return"),
    Curve("target_mean", "target mean"),
    Curve("loss", "loss"),
    Curve("epsilon", "epsilon"),
    *(Curve(name, name.replace("_", " "), own=True) for name, metric in metrics().items() if metric.panel),
    Curve("env_steps_per_second", "env steps per second"),
    Curve("updates_per_second", "updates per second"),
)


class Seen(NamedTuple):
    """What a page has of one run's file."""

    rewrites: int
    rows: int
    bucket_rows: int


def changes(record: RunReader, seen: dict[str, Seen]) -> list[dict[str, Any]]:
    """What a page that has `seen` (which is brought up to date) lacks: for every curve its new buckets.

    `from` is the number of the first new bucket; 0 replaces the whole curve. `x` counts env steps, `seconds` the time
    in the training loop, `mid` is the line, `low` and `high` the band; null where a bucket has no number.
    """
    return [change for source in ("metrics", "evaluations") for change in _changes(record, source, seen)]


def _changes(
    record: RunReader, source: Literal["metrics", "evaluations"], seen: dict[str, Seen]
) -> list[dict[str, Any]]:
    rows: Rows = getattr(record, source)
    before, now = seen.get(source), Seen(rows.rewrites, len(rows), bucket_rows(len(rows)))
    if now == before:
        return []
    seen[source] = now
    grown = before is not None and (before.rewrites, before.bucket_rows) == (now.rewrites, now.bucket_rows)
    first = before.rows // now.bucket_rows if grown and before is not None else 0
    shared = {
        "from": first,
        "x": _means(rows["env_steps"], now, first),
        "seconds": _means(rows["wall_seconds"], now, first),
    }
    return [
        {"curve": curve.metric, **shared, **_band(curve, rows, now, first)}
        for curve in CURVES
        if curve.source == source
    ]


def bucket_rows(rows: int) -> int:
    """Rows in a bucket: the smallest power of two that makes at most MOST_BUCKETS buckets."""
    return 1 << max(-(-rows // MOST_BUCKETS) - 1, 0).bit_length()


def _band(curve: Curve, rows: Rows, now: Seen, first: int) -> dict[str, list[float | None]]:
    column = rows[curve.metric]
    if curve.spread is None:
        low, high = column, column
    else:
        spread = rows[curve.spread]
        low, high = column - spread, column + spread
    return {
        "mid": _means(column, now, first),
        "low": _numbers(np.fmin.reduceat(*_buckets(low, now, first))) if now.rows else [],
        "high": _numbers(np.fmax.reduceat(*_buckets(high, now, first))) if now.rows else [],
    }


def _means(column: Column, now: Seen, first: int) -> list[float | None]:
    if not now.rows:
        return []
    values, starts = _buckets(column, now, first)
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return _numbers(
            np.add.reduceat(np.where(known, values, 0.0), starts) / np.add.reduceat(known.astype(np.float64), starts)
        )


def _buckets(column: Column, now: Seen, first: int) -> tuple[Column, Any]:
    """The rows from bucket `first` on, and where each bucket starts in them."""
    values = column[first * now.bucket_rows :]
    return values, np.arange(0, len(values), now.bucket_rows)


def _numbers(values: Column) -> list[float | None]:
    """As JSON has them: six digits are more than a screen shows."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values.tolist()]
