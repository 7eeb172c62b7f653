"""A run's numbers in other tools' formats: sacred (as EPyMARL leaves it), marl-eval, CSV."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

from lockstep.algorithms.registry import metrics
from lockstep.analysis.curves import curve
from lockstep.config.epymarl import epymarl_config
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import has_official_engine, make_vec, names_code
from lockstep.errors import UserError
from lockstep.runs.cleaning import number
from lockstep.runs.delivery import deliver
from lockstep.runs.directory import read_json, read_rows
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
    if file_format == "sacred":
        numbers = _numbered(out, [str(record.directory.path) for record in records])
        parts = [_sacred(record, folder) for record, folder in zip(records, numbers, strict=True)]
        return deliver({path: content for part in parts for path, content in part.items()})
    if file_format == "marl-eval":
        return deliver({out / "marl_eval.json": _json(_marl_eval(records))})
    return deliver(_csv(records, out))


def check_format(file_format: str) -> None:
    """Raise UserError where `file_format` is none of ours."""
    if file_format not in FORMATS:
        known = f"{', '.join(FORMATS)}, or onnx, torchscript, npz or epymarl for the team"
        raise UserError(f"--format {file_format} is unknown; it must be {known}.")


def absolute_returns(record: RunReader) -> list[float] | None:
    """Returns of the best policy on ten times an evaluation's episodes, from judgements.jsonl; None without them.

    Counted is the newest judgement of the longest trained policy, its first episodes where it has more.
    """
    episodes = ABSOLUTE_FACTOR * record.config.evaluation.episodes
    rows = [row for row in record.judgements() if row.get("checkpoint") == "best"]
    if not rows:
        return None
    newest = max(number(row.get("env_steps")) or 0.0 for row in rows)
    judged = [row["returns"] for row in rows if row.get("env_steps") == newest and isinstance(row.get("returns"), list)]
    returns = [[known for value in values if (known := number(value)) is not None] for values in judged]
    enough = [values[:episodes] for values in returns if len(values) >= episodes]
    return enough[-1] if enough else None


def _sacred(record: RunReader, folder: Path) -> dict[Path, str]:
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
    parts = {"config": epymarl_config(_with_its_limit(record.config)), "info": info, "metrics": told, "run": run}
    lines = [f"{record.name}, exported from Lockstep", *map(_line, read_rows(record.directory.metrics))]
    files = {folder / f"{name}.json": _json(part) for name, part in parts.items()}
    return files | {folder / "cout.txt": "\n".join(lines) + "\n"}


def _with_its_limit(config: RunConfig) -> RunConfig:
    """With the step limit written down where it is a package's that we know, as EPyMARL's configurations have it."""
    key = config.env.key
    if config.env.time_limit is not None or names_code(key) or not has_official_engine(key):
        return config
    limit = make_vec(key, 1, arguments=config.env.arguments).spec.time_limit
    return config.model_copy(update={"env": config.env.model_copy(update={"time_limit": limit})})


def _line(row: Mapping[str, Any]) -> str:
    """One row of metrics as people read it."""
    return "  ".join(f"{name}={value:.6g}" for name in row if (value := number(row[name])) is not None)


def _numbered(out: Path, runs: Sequence[str]) -> list[Path]:
    """The folder of every run, with a number for its name, as sacred gives it: the one into which this run was exported
    before, or the next one."""
    taken = [path for path in out.glob("[0-9]*") if path.name.isdecimal()]
    known = {read_json(folder / "run.json").get("lockstep_run"): folder for folder in taken}
    following = count(max((int(folder.name) for folder in taken), default=0) + 1)
    return [known[run] if run in known else out / str(next(following)) for run in runs]


def _marl_eval(records: Sequence[RunReader]) -> dict[str, Any]:
    """environment / task / algorithm / seed / step. eval.jsonl keeps the mean of each evaluation: one number a step.

    marl-eval reads every run by the steps and the names of an environment's first one, in lower case. So where runs
    stopped at different times, as solved ones do, all are told as far as the shortest of them, and where algorithms
    were tried with different seeds, runs are numbered.
    """
    tree: dict[str, Any] = {}
    for record in records:
        config = record.config
        task = config.env.key if config.env.time_limit is None else f"{config.env.key}-{config.env.time_limit}"
        environment = config.env.key.removeprefix("rware:").removeprefix("lbforaging:").partition("-")[0].lower()
        tasks = tree.setdefault(environment, {})
        algorithm = tasks.setdefault(task.lower(), {}).setdefault(_algorithm(record).lower(), {})
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
    return {environment: _alike(environment, tasks) for environment, tasks in tree.items()}


def _alike(environment: str, tasks: dict[str, Any]) -> dict[str, Any]:
    """The same steps and names for every run of an environment."""
    groups = [runs for algorithms in tasks.values() for runs in algorithms.values()]
    counts = {len(runs) for runs in groups}
    if len(counts) > 1:
        raise UserError(
            f"marl-eval wants as many runs of every algorithm in every task of {environment}, and there are "
            f"{' and '.join(map(str, sorted(counts)))}. Export those that are comparable."
        )
    shortest = min(len(run) - 1 for runs in groups for run in runs.values())
    same_seeds = len({tuple(sorted(runs)) for runs in groups}) == 1

    def told(runs: dict[str, Any]) -> dict[str, Any]:
        cut = {
            name: {**dict(list(run.items())[:shortest]), "absolute_metrics": run["absolute_metrics"]}
            for name, run in sorted(runs.items())
        }
        return cut if same_seeds else {f"run_{number}": run for number, run in enumerate(cut.values(), start=1)}

    return {task: {name: told(runs) for name, runs in algorithms.items()} for task, algorithms in tasks.items()}


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


def _json(value: Any) -> str:
    return json.dumps(value, indent=1) + "\n"
