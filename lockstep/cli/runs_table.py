"""The table of `lockstep runs`: what there is, what came of it, and which of it is asked for."""

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lockstep.cli.app import say
from lockstep.config.knobs import flat
from lockstep.config.words import parse_words
from lockstep.envs.registry import task_name
from lockstep.formats import age, decimal, steps
from lockstep.runs.directory import RunDirectory, list_runs
from lockstep.runs.headline import headline, judged_return
from lockstep.runs.notes import read_notes
from lockstep.runs.reader import RunReader

LONGEST_NAME = 28
"""Characters of a run's name that are never broken: PRESET-sSEED-TIME has about as many."""
NARROW = 110
"""Columns of a terminal below which headings are broken, to leave room for the task."""
STYLES = {"running": "cyan", "solved": "green", "failed": "red", "died": "red", "interrupted": "yellow"}


def listed_runs(filters: Sequence[str]) -> list[dict[str, Any]]:
    """A row for every run that all filters fit, the newest last.

    filters: parts of what a row says, in any case, or settings as `key=value`. Raises UserError for a setting that
    there is not.
    """
    wanted = parse_words([word for word in filters if "=" in word])
    words = [word.lower() for word in filters if "=" not in word]
    rows = []
    for run in list_runs():
        record = RunReader(run)
        config = record.config_or_none()
        values = {} if config is None else flat(config)
        if any(key not in values or values[key] != value for key, value in wanted.items()):
            continue
        row = _row(run, record)
        told = " ".join(
            map(str, (*(row[name] for name in ("run", "task", "key", "algorithm", "state", "note")), *row["tags"]))
        )
        if all(word in f"{row['name']} {told}".lower() for word in words):
            rows.append(row)
    return rows


def print_runs(rows: Sequence[dict[str, Any]], *, filtered: bool) -> None:
    """The rows as a quiet table, and below it what was written down about them and what could not be read."""
    if not rows:
        print("No run fits." if filtered else "No run yet: `lockstep train smoke` makes one.")
        return
    console = Console()
    narrow = console.width < NARROW
    table = Table(box=None, pad_edge=False, header_style="dim")
    longest = max(len(row["name"] or row["run"]) for row in rows)
    table.add_column("run", overflow="fold", width=min(longest, LONGEST_NAME))
    table.add_column("task", overflow="fold")
    table.add_column("algorithm", overflow="fold", width=len("algorithm"))
    table.add_column("env steps", justify="right", width=5 if narrow else None)
    table.add_column("judged return", justify="right", width=6 if narrow else None)
    table.add_column("state", width=max(len(row["state"]) for row in rows))
    table.add_column("age", justify="right", width=6)
    for row in rows:
        judged, tested = row["judged_return"], row["test_return"]
        result = decimal(judged) if judged is not None else "" if tested is None else f"({decimal(tested)})"
        state = row["state"]
        table.add_row(
            Text(row["name"] or row["run"]),
            Text(row["task"]),
            Text(row["algorithm"]),
            Text(steps(row["env_steps"]) if row["env_steps"] else ""),
            Text(result, style="bold" if judged is not None else "dim"),
            Text(state, style=STYLES.get(state, "")),
            Text("" if row["age_seconds"] is None else age(row["age_seconds"]), style="dim"),
        )
    console.print(table)
    if any(row["judged_return"] is None and row["test_return"] is not None for row in rows):
        print("\n(In brackets: the last test return of a run that was not judged yet.)")
    for row in rows:
        told = [row["run"] if row["name"] else "", row["note"], *(f"#{tag}" for tag in row["tags"]), row["damaged"]]
        if any(told):
            say(f"{row['name'] or row['run']}: {' · '.join(filter(None, told))}")


def _row(run: RunDirectory, record: RunReader) -> dict[str, Any]:
    record.evaluations.refresh()
    config, found, notes = record.config_or_none(), headline(record), read_notes(run)
    wrote = [path.stat().st_mtime for path in (run.evaluations, run.info, run.config) if path.is_file()]
    return {
        "run": record.name,
        "path": str(run.path),
        "name": notes.name,
        "task": "" if config is None else task_name(config.env),
        "key": "" if config is None else config.env.key,
        "algorithm": "" if config is None else config.algorithm.name,
        "seed": None if config is None else config.seed,
        "env_steps": record.env_steps,
        "judged_return": judged_return(found),
        "test_return": found.score.mean
        if found is not None and not found.is_judged
        else record.evaluations.last("test_return_mean"),
        "state": record.standing,
        "age_seconds": max(0.0, time.time() - max(wrote)) if wrote else None,
        "tags": list(notes.tags),
        "note": notes.note,
        "MB": run.size_bytes() / 1e6,
        "damaged": " ".join(record.unreadable()),
    }
