"""A run's numbers in other tools' formats: sacred (as EPyMARL leaves it), marl-eval, CSV."""

import csv
import json
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from lockstep.algorithms.registry import metrics
from lockstep.analysis.curves import curve
from lockstep.config.epymarl import epymarl_config
from lockstep.errors import UserError
from lockstep.runs.cleaning import number
from lockstep.runs.delivery import deliver
from lockstep.runs.directory import read_rows
from lockstep.runs.reader import RunReader
from lockstep.runs.rows import Rows

FORMATS = ("sacred", "marl-eval", "csv")
ABSOLUTE_FACTOR = 10
"""The absolute metric is measured on this many times the episodes of an ordinary evaluation (Gorsane et al. 2022)."""
LONGEST_MINUTES = 1e9
"""Two thousand years: what damaged rows say beyond it is no date."""
_COUNTERS = ("env_steps", "episode", "updates", "wall_seconds", "episodes")


def export(records: Sequence[RunReader], file_format: str, out: Path) -> list[Path]:
    """Write `records` into the folder `out`. Returns the files written.

    Raises UserError for an unknown format, for runs of which nothing can be told, or where nothing can be written.
    """
    check_format(file_format)
    empty = [record for record in records if record.is_empty]
    if empty:
        unread = " ".join(f"{record.name}: {sentence}" for record in empty for sentence in record.unreadable())
        names = ", ".join(record.name for record in empty)
        raise UserError(f"{names} has written no numbers yet; export it after its first evaluation. {unread}".strip())
    if file_format == "sacred":
        parts = [_sacred(record, out / _unused(record, records)) for record in records]
        return deliver({path: content for part in parts for path, content in part.items()})
    if file_format == "marl-eval":
        return deliver({out / "marl_eval.json": _json(_marl_eval(records))})
    return deliver(_csv(records, out))


def check_format(file_format: str) -> None:
    """Raise UserError where `file_format` is none of ours."""
    if file_format not in FORMATS:
        raise UserError(f"--format {file_format} is unknown; it must be {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.")


def absolute_returns(record: RunReader) -> list[float] | None:
    """Returns of the best policy on ten times an evaluation's episodes, from judgements.jsonl; None without them.

    Counted is the newest judgement of the longest trained policy, its first episodes where it has more.
    """
    episodes = ABSOLUTE_FACTOR * record.config.evaluation.episodes
    rows = [row for row in read_rows(record.directory.judgements) if row.get("checkpoint") == "best"]
    if not rows:
        return None
    newest = max(number(row.get("env_steps")) or 0.0 for row in rows)
    judged = [row["returns"] for row in rows if row.get("env_steps") == newest and isinstance(row.get("returns"), list)]
    returns = [[known for value in values if (known := number(value)) is not None] for values in judged]
    enough = [values[:episodes] for values in returns if len(values) >= episodes]
    return enough[-1] if enough else None


def _sacred(record: RunReader, folder: Path) -> dict[Path, str]:
    """config.json in EPyMARL's words, metrics.json as sacred's file observer writes it, run.json with how it ended."""
    start = _start(record)
    told = {}
    for name in metrics(record.config):
        if name in _COUNTERS:
            continue
        steps, values = curve(record, name)
        minutes, _ = curve(record, name, "minutes")
        if len(steps):
            times = [(start + timedelta(minutes=min(float(minute), LONGEST_MINUTES))).isoformat() for minute in minutes]
            told[name] = {"steps": [int(step) for step in steps], "timestamps": times, "values": values.tolist()}
    standing = {"finished": "COMPLETED", "solved": "COMPLETED", "running": "RUNNING", "interrupted": "INTERRUPTED"}
    run = {
        "status": standing.get(record.standing, "FAILED"),
        "start_time": start.isoformat(),
        "command": record.info.get("command"),
        "host": record.info.get("host"),
    }
    parts = {"config": epymarl_config(record.config), "metrics": told, "run": run}
    return {folder / f"{name}.json": _json(part) for name, part in parts.items()}


def _marl_eval(records: Sequence[RunReader]) -> dict[str, Any]:
    """environment / task / algorithm / seed / step. eval.jsonl keeps the mean of each evaluation: one number a step."""
    tree: dict[str, Any] = {}
    for record in records:
        config = record.config
        task = config.env.key if config.env.time_limit is None else f"{config.env.key}-{config.env.time_limit}"
        environment = config.env.key.removeprefix("rware:").partition("-")[0]
        algorithm = tree.setdefault(environment, {}).setdefault(task, {}).setdefault(_algorithm(record), {})
        steps, returns = curve(record, "test_return_mean")
        minutes, _ = curve(record, "test_return_mean", "minutes")
        run: dict[str, Any] = {
            f"step_{index}": {"step_count": int(step), "elapsed_time": float(minute) * 60, "return": [float(value)]}
            for index, (step, minute, value) in enumerate(zip(steps, minutes, returns, strict=True))
        }
        absolute = absolute_returns(record)
        if absolute is None:
            needed = ABSOLUTE_FACTOR * config.evaluation.episodes
            raise UserError(
                f"{record.name} has no absolute metric yet: "
                f"`lockstep evaluate {record.directory.path} --episodes {needed}` measures it."
            )
        run["absolute_metrics"] = {"return": absolute}
        key = f"seed_{config.seed}"
        if key in algorithm:
            raise UserError(f"{record.name} and another run of {_algorithm(record)} have the same seed {config.seed}.")
        algorithm[key] = run
    return tree


def _csv(records: Sequence[RunReader], out: Path) -> dict[Path, str]:
    """evaluations.csv and metrics.csv: the runs' rows one below the other, each with its run, name and seed."""
    written = {}
    for name in ("evaluations", "metrics"):
        tables: list[tuple[RunReader, Rows]] = [(record, getattr(record, name)) for record in records]
        columns = list(dict.fromkeys(column for _, rows in tables for column in rows.names()))
        file = StringIO(newline="")
        writer = csv.writer(file)
        writer.writerow(["run", "name", "seed", *map(_word, columns)])
        for record, rows in tables:
            values = [rows[column] for column in columns]
            for index in range(len(rows)):
                cells = [_cell(float(column[index])) for column in values]
                writer.writerow([_word(record.name), _word(_algorithm(record)), record.config.seed, *cells])
        written[out / f"{name}.csv"] = file.getvalue()
    return written


def _word(text: str) -> str:
    """Text of others, which no spreadsheet can take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _cell(value: float) -> str:
    """Whole numbers without a point, missing ones empty."""
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _algorithm(record: RunReader) -> str:
    return str(record.info.get("name") or record.config.algorithm.name)


def _start(record: RunReader) -> datetime:
    """When the run was made; the beginning of time where nobody wrote it down."""
    try:
        created = datetime.fromisoformat(str(record.info.get("created"))).replace(tzinfo=None)
    except ValueError:
        created = datetime.min
    return created if datetime(1970, 1, 1) < created < datetime(3000, 1, 1) else datetime(1970, 1, 1)


def _unused(record: RunReader, records: Sequence[RunReader]) -> str:
    """The run's name, with a number where several folders of one name are exported together."""
    alike = [other for other in records if other.name == record.name]
    return record.name if len(alike) == 1 else f"{record.name}-{alike.index(record) + 1}"


def _json(value: Any) -> str:
    return json.dumps(value, indent=1) + "\n"
