"""The runs of one folder, read again only when somebody looks, and once for all who look together."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lockstep.envs.registry import task_name
from lockstep.errors import UserError
from lockstep.runs.cleaning import one_line
from lockstep.runs.directory import ROOT, RunDirectory, list_runs, read_rows
from lockstep.runs.headline import headline
from lockstep.runs.reader import RunReader
from lockstep.show.live.curves import Seen, changes
from lockstep.show.live.film import film

FRESH_SECONDS = 0.5
"""A record that was read this recently is not read again."""
Findings = Callable[[RunReader], list[dict[str, Any]]]
"""What is to be said about a run so far: rows with `severity` (problem, warning or note), `title`, `evidence`,
`meaning` and `remedies` (each with `overrides`, words for `lockstep train`, and `why`)."""


class Folder:
    """Runs by name, and which of them to show first. Its methods may be called from several threads."""

    def __init__(self, root: Path, first: tuple[str, ...] = (), findings: Findings | None = None) -> None:
        """root: the folder that holds the runs. first: names to show first; empty: the newest."""
        self.root, self.first, self.findings = root, first, findings
        self._lock = threading.RLock()
        self._records: dict[str, RunReader] = {}
        self._read_at: dict[str, float] = {}

    @classmethod
    def find(cls, text: str, root: Path = ROOT, findings: Findings | None = None) -> "Folder":
        """What `lockstep watch TEXT` shows: a folder of runs, or a run (a path, `latest`, a name's beginning) among its
        neighbors. Raises UserError where there is neither."""
        path = Path(text)
        if path.is_dir() and not (path / "config.toml").is_file():
            if not list_runs(path):
                raise UserError(
                    f"{path} is neither a run nor a folder of runs: no config.toml in it or one below. "
                    "`lockstep train smoke` makes a run in 20 seconds."
                )
            return cls(path.resolve(), findings=findings)
        run = RunDirectory.find(text, root).path.resolve()
        return cls(run.parent, (one_line(run.name),), findings)

    def names(self) -> list[str]:
        """The runs there are now, the newest last, as they are shown."""
        return list(self._paths())

    def _paths(self) -> dict[str, Path]:
        return {one_line(run.path.name): run.path for run in list_runs(self.root)}

    def shown_first(self) -> list[str]:
        """The runs that a page opens with."""
        names = self.names()
        return [name for name in self.first if name in names] or names[-1:]

    def summaries(self) -> list[dict[str, Any]]:
        """A line for every run, the newest first. Only evaluations are read."""
        with self._lock:
            records = [self._known(name) for name in reversed(self.names())]
            for record in records:
                record.evaluations.refresh()
            return [_summary(record) for record in records]

    def facts(self, name: str) -> dict[str, Any]:
        """How a run stands, in numbers."""
        with self._lock:
            record = self._fresh(name)
            config = record.config_or_none()
            mean, std = (record.evaluations.last(name) for name in ("test_return_mean", "test_return_std"))
            facts = {
                **_summary(record),
                "updates": record.metrics.last("updates"),
                "wall_seconds": record.wall_seconds,
                "env_steps_per_second": record.metrics.last("env_steps_per_second"),
                "test_return_mean": mean,
                "test_return_std": std,
                "reason": str(record.info.get("reason") or "") or None,
                "recorded": record.recordings["env_steps"].tolist(),
            }
            if config is not None:
                facts |= {
                    "time_limit": config.env.time_limit,
                    "max_env_steps": config.training.max_env_steps,
                    "warmup_env_steps": config.collection.warmup_env_steps,
                    "stop_at_test_return": config.training.stop_at_test_return,
                }
            return facts

    def changes(self, name: str, seen: dict[str, Seen]) -> list[dict[str, Any]]:
        """The new points of a run's curves; see `lockstep.show.live.curves.changes`."""
        with self._lock:
            return changes(self._fresh(name), seen)

    def findings_of(self, name: str) -> list[dict[str, Any]]:
        """What there is to say about a run so far."""
        if self.findings is None:
            return []
        with self._lock:
            return self.findings(self._fresh(name))

    def film(self, name: str, index: int) -> dict[str, Any]:
        """The recorded episode number `index` as data for the pictures. Raises UserError where there is none."""
        with self._lock:
            record = self._fresh(name)
        rows = read_rows(record.directory.recordings)
        if not 0 <= index < len(rows):
            raise UserError(f"{name} has {len(rows)} recorded episodes; there is no number {index}.")
        return film(record.config, rows[index])

    def _known(self, name: str) -> RunReader:
        if name not in self._records:
            self._records[name] = RunReader(RunDirectory(self._paths()[name]))
        return self._records[name]

    def _fresh(self, name: str) -> RunReader:
        """The run of that name. Raises UserError where there is none in the folder."""
        if name not in self.names():
            raise UserError(f"There is no run {name[:80]!r} in {self.root.name}.")
        record = self._known(name)
        if time.monotonic() - self._read_at.get(name, float("-inf")) > FRESH_SECONDS:
            record.refresh()
            self._read_at[name] = time.monotonic()
        return record


def _summary(record: RunReader) -> dict[str, Any]:
    config, selected, found = record.config_or_none(), record.selected, headline(record)
    judged = None if found is None or not found.is_judged else found.score
    return {
        "run": record.name,
        "standing": record.standing,
        "env_steps": record.env_steps,
        "judged_return": judged.mean if judged else None,
        "judged": judged.text if judged else None,
        "selected_return": selected.test_return_mean if selected else None,
        "selected_env_steps": selected.env_steps if selected else None,
        "env": task_name(config.env) if config else None,
        "algorithm": config.algorithm.name if config else None,
        "seed": config.seed if config else None,
    }
