"""One run as its folder tells it: configuration, origin, numbers, how it stands. Read-only, without torch.

    record = RunReader.find("latest")
    record.evaluations["test_return_mean"]   # (evaluations,) float64
    record.metrics["loss"]                   # (rows,) float64, NaN before the first update
    record.refresh()                         # while it trains: reads only what is new

Readable half-finished, crashed, or from somebody else's machine: what is missing is empty, never an error, and what
cannot be read is in `unreadable`. Text and numbers are cleaned (`lockstep.runs.cleaning`), whoever wrote them.
"""

import json
import math
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.files import ROWS_BYTES, open_regular
from lockstep.runs.cleaning import one_line
from lockstep.runs.directory import ROOT, RunDirectory, read_rows
from lockstep.runs.rows import Rows

Standing = Literal["running", "finished", "solved", "interrupted", "failed", "died", "unknown"]
"""`died`: the run says that it is running, but the process that wrote it is gone. `unknown`: there is no run.json."""
_TOLD: tuple[Standing, ...] = ("running", "finished", "solved", "interrupted", "failed")


class Selected(NamedTuple):
    """The evaluation that selected the best policy, because no other was higher."""

    test_return_mean: float
    test_return_std: float
    env_steps: int
    episodes: int


class RunReader:
    """Everything a run's folder tells. Open it once, then `refresh`."""

    origin = "lockstep"
    """Who trained it: runs of others are never seeds of ours."""

    def __init__(self, directory: RunDirectory) -> None:
        """Reads nothing yet but run.json; `open` and `find` read the numbers, too."""
        self.directory = directory
        self.metrics = Rows(directory.metrics)
        """Rows of metrics.jsonl by the names in `lockstep.runs.metrics`."""
        self.evaluations = Rows(directory.evaluations)
        """Rows of eval.jsonl. An evaluation that confirms another stands behind it, at the same env_steps."""
        self.recordings = Rows(directory.recordings)
        """Rows of recordings.jsonl, their numbers only: one episode of every evaluation."""
        self.info: dict[str, Any] = directory.read_info()
        """run.json: versions, command, commit, host, status; empty where it is missing."""

    @classmethod
    def open(cls, path: Path) -> "RunReader":
        """The run in the folder `path`. Raises UserError where there is none."""
        return cls(RunDirectory.open(path))._read()

    @classmethod
    def find(cls, text: str, root: Path = ROOT) -> "RunReader":
        """The run that `text` names, as in `RunDirectory.find`."""
        return cls(RunDirectory.find(text, root))._read()

    def judgements(self, *, otherwise: bool = False) -> list[dict[str, Any]]:
        """Rows of judgements.jsonl whose policies were played as the run's own evaluations do (`evaluation.choice`).

        otherwise: those that were played the other way: sampled, not greedy, or greedy, not sampled.
        """
        config, rows = self.config_or_none(), read_rows(self.directory.judgements)
        usual = "greedy" if config is None else config.evaluation.choice
        return [row for row in rows if (row.get("choice", usual) != usual) == otherwise]

    def refresh(self) -> bool:
        """Read what was written since. Returns whether anything changed."""
        info = self.directory.read_info()
        files = (self.metrics, self.evaluations, self.recordings)
        changed = [info != self.info, *(rows.refresh() for rows in files)]
        self.info = info
        return any(changed)

    @property
    def name(self) -> str:
        """The folder's name, fit to be shown."""
        return one_line(self.directory.path.resolve().name)

    @cached_property
    def config(self) -> RunConfig:
        """The resolved configuration. Raises UserError where config.toml is missing or not one of this version."""
        config = load_config(str(self.directory.config))
        if not config.env.key.isprintable():
            raise UserError(f"{self.directory.config} names the environment {config.env.key!r}; keys are plain text.")
        return config

    def config_or_none(self) -> RunConfig | None:
        """The configuration, or None where it cannot be read: for showing the rest of a run all the same."""
        try:
            return self.config
        except (UserError, OSError, UnicodeDecodeError):
            return None

    def unreadable(self) -> list[str]:
        """What of the files could not be read, a sentence each. Nothing is said of files that are not there."""
        told = []
        if self.config_or_none() is None:
            told.append("config.toml is missing or no configuration of this version.")
        if not self.info and self.directory.info.exists():
            told.append("run.json holds nothing that can be read.")
        for rows in (self.metrics, self.evaluations, self.recordings):
            name, lost = rows.path.name, rows.lines - int(np.isfinite(rows["env_steps"]).sum())
            if rows.problem:
                told.append(f"{name} cannot be read ({rows.problem}).")
            elif lost:
                told.append(f"{lost:,} of {rows.lines:,} lines of {name} are damaged and were left out.")
        if self.is_empty and self.info.get("status") in ("finished", "solved"):
            told.append("It says that it has ended, but there is no row of numbers.")
        return told

    @property
    def is_empty(self) -> bool:
        """Whether no row of numbers could be read, for whatever reason."""
        return not any(np.isfinite(rows["env_steps"]).any() for rows in (self.metrics, self.evaluations))

    @property
    def standing(self) -> Standing:
        """How the run stands now, by what it wrote and by whether its process lives."""
        told = self.info.get("status")
        if told not in _TOLD:
            return "unknown"
        return "died" if told == "running" and self.directory.is_abandoned() else told

    @property
    def num_agents(self) -> int | None:
        """Number of agents in the team, as its first recorded episode shows; None before there is one."""
        try:
            with open_regular(self.directory.recordings, ROWS_BYTES) as file:
                return len(json.loads(file.readline())["actions"][0]) or None
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return None

    @property
    def env_steps(self) -> int:
        """The last that was written down, in training or evaluation."""
        return int(max(self.metrics.last("env_steps") or 0, self.evaluations.last("env_steps") or 0))

    @property
    def wall_seconds(self) -> float:
        """Time in the training loop, over all resumes."""
        return max(self.metrics.last("wall_seconds") or 0.0, self.evaluations.last("wall_seconds") or 0.0)

    @property
    def selected(self) -> Selected | None:
        """The evaluation that selected the best policy so far, as training does it.

        The highest does, and of equal ones the later; where one was confirmed by a second at the same env steps, only
        the second counts. The last one does where it ended the run.
        """
        means, steps = self.evaluations["test_return_mean"].copy(), self.evaluations["env_steps"]
        means[:-1][steps[1:] == steps[:-1]] = np.nan
        if np.isnan(means).all():
            return None
        latest_first = means[::-1]
        place = int(np.nanargmax(latest_first))
        if self.info.get("status") == "solved":
            place = int(np.argmax(np.isfinite(latest_first)))
        index = len(means) - 1 - place
        std, env_steps, episodes = (
            float(self.evaluations[name][index]) for name in ("test_return_std", "env_steps", "episodes")
        )
        return Selected(float(means[index]), std, _whole(env_steps), _whole(episodes))

    def _read(self) -> "RunReader":
        self.refresh()
        return self


def _whole(number: float) -> int:
    return int(number) if math.isfinite(number) else 0
