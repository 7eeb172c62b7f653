"""Runs of EPyMARL as sacred left them, config.json and metrics.json in a folder, read as runs of ours are.

Only numbers can be read of them: they can be plotted beside our runs. `lockstep import` makes a run of a checkpoint.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from lockstep.config.load import understood, validated
from lockstep.config.sacred import read_sacred
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.files import ROWS_BYTES, read_regular
from lockstep.runs.cleaning import number, one_line
from lockstep.runs.directory import RunDirectory, read_json
from lockstep.runs.reader import RunReader, Standing
from lockstep.runs.rows import Rows

METRICS, CONFIG = "metrics.json", "config.json"
Row = dict[str, int | float]


def sacred_folders(path: Path) -> list[Path]:
    """The folders of EPyMARL's runs in `path`, or `path` itself; none where it is a run of ours."""
    if not path.is_dir() or (path / "config.toml").is_file():
        return []
    return sorted(file.parent for file in path.rglob(METRICS) if (file.parent / CONFIG).is_file())


def sacred_rows(folder: Path) -> tuple[list[Row], list[Row]]:
    """What training wrote, and what evaluations did: rows by the names of metrics.jsonl and eval.jsonl.

    EPyMARL logs every metric at steps of its own; numbers of one step are one row. Clocks begin at the first of them.
    Raises UserError where metrics.json is none.
    """
    path = folder / METRICS
    try:
        said = json.loads(read_regular(path, ROWS_BYTES))
        rows: tuple[dict[int, Row], dict[int, Row]] = ({}, {})
        began: datetime | None = None
        for name, told in said.items():
            for step, moment, value in zip(told["steps"], told["timestamps"], told["values"], strict=True):
                known = number(value["value"] if isinstance(value, dict) else value)  # as numpy's numbers are written
                if known is None:
                    continue
                at = datetime.fromisoformat(moment)
                began = at if began is None else min(began, at)
                row = rows[name.startswith("test_")].setdefault(int(step), {"env_steps": int(step)})
                row["wall_seconds"] = max(row.get("wall_seconds", 0.0), at.timestamp())
                row[one_line(name)] = known
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UserError(f"{path} is not what sacred writes ({type(error).__name__}). Give its folder.") from None
    start = 0.0 if began is None else began.timestamp()
    training, tests = (
        [{**of[step], "wall_seconds": round(of[step]["wall_seconds"] - start, 3)} for step in sorted(of)] for of in rows
    )
    return training, tests


class SacredReader(RunReader):
    """A run of EPyMARL's, to be compared with ours."""

    def __init__(self, folder: Path) -> None:
        """Raises UserError where sacred did not write what is there."""
        super().__init__(RunDirectory(folder))
        self.told = read_sacred(folder / CONFIG)
        words = json.loads(read_regular(folder / CONFIG, follow=True))
        self.origin = one_line(f"EPyMARL's {words.get('name')}")
        self.info = {**read_json(folder / "run.json"), "name": self.origin}
        training, tests = sacred_rows(folder)
        episodes = number(words.get("test_nepisode"))
        tests = [row if episodes is None else {**row, "episodes": episodes} for row in tests]
        self.metrics, self.evaluations = _Told(self.directory.metrics, training), _Told(folder / METRICS, tests)

    def refresh(self) -> bool:
        """Whatever sacred wrote was read at once."""
        return False

    @cached_property
    def config(self) -> RunConfig:
        """As far as it is understood here: of an algorithm that is not, the task alone."""
        try:
            return understood(self.directory.path / CONFIG, self.told)
        except UserError:
            task = {path.removeprefix("env."): value for path, value in self.told.changes.items() if "env." in path}
            return validated({"seed": self.told.changes.get("seed", 1), "env": task})

    @property
    def standing(self) -> Standing:
        """As sacred's run.json says, where there is one."""
        return "finished" if self.info.get("status") == "COMPLETED" else "unknown"

    def unreadable(self) -> list[str]:
        """Nothing: what cannot be read was refused."""
        return []


class _Told(Rows):
    """Rows that are known already."""

    def __init__(self, path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        super().__init__(path)
        self._append([dict(row) for row in rows])
        self.lines = len(self)
