"""A run's numbers in other tools' formats: sacred (as EPyMARL leaves it), marl-eval, CSV."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lockstep.algorithms.registry import metrics
from lockstep.analysis.curves import curve
from lockstep.config.epymarl import epymarl_config
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import make_vec
from lockstep.envs.rware.keys import is_rware_key
from lockstep.errors import UserError
from lockstep.runs.cleaning import number
from lockstep.runs.directory import read_json, read_rows, write_atomically
from lockstep.runs.reader import RunReader
from lockstep.runs.rows import Rows
from lockstep.shell import command_line

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
    try:
        out.mkdir(parents=True, exist_ok=True)
        if file_format == "sacred":
            return [path for record in records for path in _sacred(record, out)]
        if file_format == "marl-eval":
            return [_write_json(out / "marl_eval.json", _marl_eval(records))]
        return _csv(records, out)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror}). Choose another --out.") from error


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


def _sacred(record: RunReader, out: Path) -> list[Path]:
    """A folder as sacred's file observer leaves it for EPyMARL: config.json in EPyMARL's words, the numbers twice, in
    metrics.json and in info.json, run.json with how it ended, and cout.txt, here the rows as lines."""
    start = _start(record)
    told: dict[str, Any] = {}
    info: dict[str, Any] = {}
    for name in metrics(record.config):
        if name in _COUNTERS:
            continue
        steps, values = curve(record, name)
        minutes, _ = curve(record, name, "minutes")
        if len(steps):
            times = [(start + timedelta(minutes=min(float(minute), LONGEST_MINUTES))).isoformat() for minute in minutes]
            told[name] = {"steps": [int(step) for step in steps], "timestamps": times, "values": values.tolist()}
            info |= {name: values.tolist(), f"{name}_T": told[name]["steps"]}
    standing = {"finished": "COMPLETED", "solved": "COMPLETED", "running": "RUNNING", "interrupted": "INTERRUPTED"}
    run = {
        "status": standing.get(record.standing, "FAILED"),
        "start_time": start.isoformat(),
        "command": record.info.get("command"),
        "host": record.info.get("host"),
        "lockstep_run": str(record.directory.path),
    }
    folder = _numbered(out, str(record.directory.path))
    parts = {"config": epymarl_config(_with_its_limit(record.config)), "info": info, "metrics": told, "run": run}
    lines = [f"{record.name}, exported from Lockstep", *map(_line, read_rows(record.directory.metrics))]
    write_atomically(folder / "cout.txt", "\n".join(lines) + "\n")
    return [*(_write_json(folder / f"{name}.json", part) for name, part in parts.items()), folder / "cout.txt"]


def _with_its_limit(config: RunConfig) -> RunConfig:
    """With the step limit written down where it is the warehouse's own, as EPyMARL's configurations have it."""
    if config.env.time_limit is not None or not is_rware_key(config.env.key):
        return config
    limit = make_vec(config.env.key, 1, arguments=config.env.arguments).spec.time_limit
    return config.model_copy(update={"env": config.env.model_copy(update={"time_limit": limit})})


def _line(row: Mapping[str, Any]) -> str:
    """One row of metrics as people read it."""
    return "  ".join(f"{name}={value:.6g}" for name in row if (value := number(row[name])) is not None)


def _numbered(out: Path, run: str) -> Path:
    """The folder of a run, with a number for its name, as sacred gives it: the one into which this run was exported
    before, or a new one."""
    taken = [folder for folder in out.iterdir() if folder.name.isdecimal()]
    for folder in taken:
        if read_json(folder / "run.json").get("lockstep_run") == run:
            return folder
    folder = out / str(max((int(folder.name) for folder in taken), default=0) + 1)
    folder.mkdir()
    return folder


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
                f"`{command_line('evaluate', record.directory.path, '--episodes', needed)}` measures it."
            )
        run["absolute_metrics"] = {"return": absolute}
        key = f"seed_{config.seed}"
        if key in algorithm:
            raise UserError(f"{record.name} and another run of {_algorithm(record)} have the same seed {config.seed}.")
        algorithm[key] = run
    return tree


def _csv(records: Sequence[RunReader], out: Path) -> list[Path]:
    """evaluations.csv and metrics.csv: the runs' rows one below the other, each with its run, name and seed."""
    written = []
    for name in ("evaluations", "metrics"):
        tables: list[tuple[RunReader, Rows]] = [(record, getattr(record, name)) for record in records]
        columns = list(dict.fromkeys(column for _, rows in tables for column in rows.names()))
        path = out / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["run", "name", "seed", *columns])
            for record, rows in tables:
                values = [rows[column] for column in columns]
                for index in range(len(rows)):
                    cells = [_cell(float(column[index])) for column in values]
                    writer.writerow([record.name, _algorithm(record), record.config.seed, *cells])
        written.append(path)
    return written


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


def _write_json(path: Path, value: Any) -> Path:
    write_atomically(path, json.dumps(value, indent=1) + "\n")
    return path
