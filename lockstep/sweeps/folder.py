"""A sweep on disk. It is all there is of a sweep: engines come and go, and hold nothing that is not here.

    sweep.toml      what was asked, by which Lockstep; the file of an equal sweep
    plan.jsonl      one line for each cell: its number, its name, its run, its whole configuration
    runs/           the runs, each in a folder named by its configuration
    attempts/       a file for each cell that somebody has worked at: when, where, from where on, how it ended
    logs/           what cells printed

How a cell stands is worked out from its run whenever somebody asks, and never written down. A cell has a file of
attempts of its own because only one process at a time works at a cell: hosts that share a disk lose lines when they
append to one file together.
"""

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Literal, Protocol

import tomli_w

from lockstep import __version__, trust
from lockstep.config.load import validated
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import has_official_engine
from lockstep.errors import UserError
from lockstep.files import ROWS_BYTES, open_regular, open_to_append, read_regular
from lockstep.formats import memory
from lockstep.runs.cleaning import one_line
from lockstep.runs.directory import RunDirectory, read_rows, why, write_atomically
from lockstep.runs.lease import Lease, living_holder
from lockstep.shell import command_line
from lockstep.sweeps.request import PLANNED

ROOT = Path("sweeps")
FILE, PLAN = "sweep.toml", "plan.jsonl"
SEARCH = "search"
"""The table of sweep.toml that makes a sweep a search: its plan grows, and has no digest."""
SCHEMA_VERSION = 1
MOST_DEATHS = 3
"""Attempts that may end badly, one after the other and without a newer checkpoint, before a cell is set aside."""
LEAST_ROOM = 32 * 2**20
"""Bytes that must be free before a cell is worked at: without them it would fail, and not by its own fault."""
Standing = Literal["finished", "running", "unfinished", "waiting", "set aside"]
"""`unfinished`: begun, and nobody works at it. `waiting`: not begun yet."""
_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_DIGEST = 12


class Request(Protocol):
    """Whatever a sweep is made from."""

    @property
    def name(self) -> str:
        """What its folder is called after."""

    def toml(self) -> dict[str, Any]:
        """What an equal one is made from."""


@dataclass(frozen=True)
class Cell:
    """One run of a sweep."""

    number: int
    """Counted from 1."""
    name: str
    """What reports call its configuration, whatever its seed."""
    config: RunConfig
    run: RunDirectory
    trial: int | None = None
    """In a search: the number of the trial that it is a seed of."""
    chosen: Mapping[str, int | float | str] = field(default_factory=dict)
    """In a search: what was chosen for that trial, setting by setting."""

    def row(self) -> dict[str, Any]:
        """Its line in the plan."""
        config = self.config.model_dump(mode="json")
        row = {"cell": self.number, "name": self.name, "run": self.run.path.name, "config": config}
        return row if self.trial is None else {**row, "trial": self.trial, "chosen": dict(self.chosen)}

    @property
    def is_done(self) -> bool:
        """Whether it has ended and, where there is an official package, was confirmed on it."""
        return self.run.has_ended and (self.is_confirmed or not has_official_engine(self.config.env.key))

    @property
    def is_confirmed(self) -> bool:
        """Whether its best policy has been judged on the official package."""
        return any(row.get("engine") == "official" for row in read_rows(self.run.judgements))

    @property
    def checkpoint(self) -> int:
        """The env steps of its newest checkpoint; 0 where there is none."""
        return newest_checkpoint(self.run)


def newest_checkpoint(run: RunDirectory) -> int:
    """The env steps of a run's newest checkpoint; 0 where there is none."""
    whole = run.checkpoints.glob("[0-9]*/manifest.json")
    return max((int(path.parent.name) for path in whole if path.parent.name.isdecimal()), default=0)


def cell_folder(config: RunConfig) -> str:
    """The name of a configuration's run: what one can read, then a digest of every setting that is not the default.

    A setting that a later Lockstep adds leaves it as it is.
    """
    settings = {**config.model_dump(mode="json", exclude_defaults=True), "algorithm.name": config.algorithm.name}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:_DIGEST]
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", f"{config.algorithm.name}-{config.env.key}").strip("-.")[:100]
    return f"{readable}-s{config.seed}-{digest}"


def with_threads(config: RunConfig, threads: int) -> RunConfig:
    """The configuration with so many processes that share an update, unless it says itself how many."""
    training = config.training.model_copy(update={"num_threads": config.training.num_threads or threads})
    return config.model_copy(update={"training": training})


class SweepFolder:
    """A sweep's folder. `create` and `open` are the ways in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / FILE
        self.plan = path / PLAN
        self.runs = path / "runs"
        self.attempts = path / "attempts"
        self.logs = path / "logs"

    @classmethod
    def create(
        cls,
        path: Path | None,
        request: Request,
        configurations: Sequence[tuple[str, RunConfig]],
        root: Path = ROOT,
    ) -> "SweepFolder":
        """A new sweep's folder: `path`, or ROOT/NAME-NUMBER. Raises UserError where something is there already."""
        try:
            if path is None:
                path = _claimed(root, request.name)
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                raise UserError(f"{path} is not empty. {_what_is_there(path)}")
            sweep = cls(path)
            cells = [
                Cell(number, name, config, RunDirectory(sweep.runs / cell_folder(config)))
                for number, (name, config) in enumerate(configurations, 1)
            ]
            sweep.write(cells, request.toml())
        except OSError as error:
            raise UserError(f"{path} cannot be written ({why(error)}). Choose another --out.") from error
        return sweep

    @classmethod
    def open(cls, path: Path) -> "SweepFolder":
        """An existing sweep, whole. Raises UserError where there is none, or where it is not what was planned."""
        sweep = cls(path)
        planned = sweep.planned
        if planned.get("schema_version") != SCHEMA_VERSION:
            raise UserError(
                f"{path} is a sweep of version {planned.get('schema_version')!r}, and this Lockstep reads version "
                f"{SCHEMA_VERSION}. Go on with it by the Lockstep that planned it ({planned.get('lockstep')})."
            )
        if not sweep.grows and sweep.plan_digest() != planned.get("sha256"):
            raise UserError(
                f"{sweep.plan} is not the plan that {sweep.file} speaks of: it was changed or cut off. Nothing was "
                f"touched; `{command_line('sweep', sweep.file)}` plans the same sweep anew, in another folder."
            )
        return sweep

    @staticmethod
    def is_sweep(path: Path) -> bool:
        """Whether a folder is a sweep's, or was to become one."""
        return path.is_dir() and ((path / FILE).is_file() or (path / PLAN).is_file())

    @property
    def planned(self) -> dict[str, Any]:
        """What sweep.toml says of the plan. Raises UserError where there is none that can be read."""
        planned = self.asked.get(PLANNED)
        if not isinstance(planned, dict):
            again = command_line("sweep", self.file)
            raise UserError(f"{self.file} asks for a sweep, and nothing has been planned here. `{again}` does it.")
        return planned

    @property
    def grows(self) -> bool:
        """Whether it is a search, which plans cells while others are trained."""
        return SEARCH in self.asked

    @cached_property
    def asked(self) -> dict[str, Any]:
        """All of sweep.toml. Raises UserError where there is none that can be read."""
        if not self.file.is_file():
            raise UserError(
                f"{self.path} is half a plan: it was stopped before it was whole, and nothing has been trained in it. "
                "Remove it, and sweep again."
                if self.plan.is_file()
                else f"{self.path} is no sweep: it has no {FILE}. Give the folder that `lockstep sweep` printed."
            )
        try:
            return tomllib.loads(read_regular(self.file).decode())
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{self.file} cannot be read ({type(error).__name__}). Plan the sweep anew.") from None

    @cached_property
    def cells(self) -> list[Cell]:
        """All cells, by number. Raises UserError for a plan that no Lockstep wrote."""
        found = []
        with open_regular(self.plan, ROWS_BYTES) as file:
            for number, line in enumerate(file, 1):
                if self.grows and not line.endswith(b"\n"):
                    break  # whoever plans was killed while it wrote this line, or writes it now
                found.append(self._cell(number, line))
        if len({cell.run.path for cell in found}) != len(found) or not (found or self.grows):
            raise UserError(f"{self.plan} names a run twice, or none at all. Plan the sweep anew.")
        return found

    def cell(self, number: int) -> Cell:
        """The cell of a number. Raises UserError where there is none."""
        if not 1 <= number <= len(self.cells):
            raise UserError(f"{self.path} has the cells 1 to {len(self.cells)}, and no cell {number}.")
        return self.cells[number - 1]

    def write(self, cells: Sequence[Cell], asked: Mapping[str, Any]) -> None:
        """Write the plan, then what says that it is whole. asked: what it was made from. Raises OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_atomically(self.plan, "".join(f"{json.dumps(cell.row())}\n" for cell in cells))
        planned: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "lockstep": __version__,
            "created": _now(),
            **({} if SEARCH in asked else {"cells": len(cells), "sha256": self.plan_digest()}),
        }
        write_atomically(self.file, tomli_w.dumps({**asked, PLANNED: planned}))

    def ask(self, asked: Mapping[str, Any]) -> None:
        """Let a search be another one from now on, with the plan that it has."""
        write_atomically(self.file, tomli_w.dumps({**asked, PLANNED: self.planned}))
        del self.asked

    def add(self, cells: Sequence[Cell]) -> None:
        """Plan further cells of a search, on disk before anything of them begins. Raises OSError."""
        known, lines = self.cells, "".join(f"{json.dumps(cell.row())}\n" for cell in cells).encode()
        with open_to_append(self.plan) as file:
            file.truncate(self._whole_bytes())
            if file.write(lines) != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        known += cells

    def _whole_bytes(self) -> int:
        """How much of the plan is whole lines: one that was cut off when a planner died is no cell."""
        with open_regular(self.plan, ROWS_BYTES) as file:
            return file.read().rfind(b"\n") + 1

    def plan_digest(self) -> str | None:
        """The digest of plan.jsonl; None where it cannot be read."""
        try:
            with open_regular(self.plan, ROWS_BYTES) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None

    def refuse_links(self) -> None:
        """Raise UserError where a folder in which units write leads elsewhere. Runs look after their own files."""
        for folder in (self.runs, self.attempts, self.logs):
            if folder.is_symlink():
                raise UserError(f"{folder} is a link, so nothing is written here. Replace it by what it points to.")

    def check_room(self) -> None:
        """Raise UserError where the disk is as good as full."""
        free = shutil.disk_usage(self.path).free
        if free < LEAST_ROOM:
            raise UserError(
                f"The disk of {self.path} has {memory(free)} left, and nothing is begun below {memory(LEAST_ROOM)}. "
                f"Make room, and `{command_line('sweep', self.path)}` goes on."
            )

    # How cells stand, and who works at them.

    def history(self, cell: Cell) -> "CellHistory":
        """What has been tried for a cell, and how it stands now."""
        return CellHistory.of(read_rows(self._attempts_file(cell)), cell, living_holder(self._lock(cell)))

    def note(self, cell: Cell, **row: Any) -> None:
        """Add a line to a cell's attempts. Raises OSError."""
        self.attempts.mkdir(exist_ok=True)
        with open_to_append(self._attempts_file(cell)) as file:
            file.write((json.dumps(row) + "\n").encode())

    @contextmanager
    def attempt(self, cell: Cell, by: str) -> Iterator[None]:
        """Around all work at a cell, which only one process does at a time, on whatever host. by: which engine.

        Raises UserError while another process works at it, and where nothing can be written.
        """
        self.refuse_links()
        try:
            self.attempts.mkdir(exist_ok=True)
            lease = Lease.taken(self._lock(cell))
        except OSError as error:
            raise UserError(self._cannot_write(error)) from error
        if lease is None:
            who = living_holder(self._lock(cell)) or "Another process"
            raise UserError(f"{who} is already working at cell {cell.number} of {self.path}. Wait for it, or stop it.")
        try:
            try:
                where = {"host": platform.node(), "pid": os.getpid(), "by": by}
                self.note(cell, began=_now(), **where, env_steps=cell.checkpoint)
            except OSError as error:
                raise UserError(self._cannot_write(error)) from error
            how, reason = "interrupted", {}
            try:
                yield
                how = "finished" if cell.is_done else "interrupted"
            except Exception as error:
                said = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
                how, reason = "failed", {"reason": said}
                raise
            finally:
                with suppress(OSError):  # without a last word it counts as killed
                    self.note(cell, ended=_now(), how=how, **reason, env_steps=cell.checkpoint)
        finally:
            lease.release()

    def _cannot_write(self, error: OSError) -> str:
        again = command_line("sweep", self.path)
        return f"{self.path} cannot be written, because of this: {why(error)}. Once that is mended, `{again}` goes on."

    def set_aside(self, cell: Cell, reason: str = "by hand") -> None:
        """Leave a cell out from now on, until it is revived."""
        self.note(cell, set_aside=_now(), reason=reason)

    def revive(self, cell: Cell) -> None:
        """Let a cell be tried again, whatever happened to it."""
        self.note(cell, revived=_now())

    def log(self, cell: Cell) -> Path:
        """Where what it prints is kept."""
        return self.logs / f"{cell.number:05d}.txt"

    def _attempts_file(self, cell: Cell) -> Path:
        return self.attempts / f"{cell.number:05d}.jsonl"

    def _lock(self, cell: Cell) -> Path:
        return self.attempts / f"{cell.number:05d}.lock"

    def _cell(self, number: int, line: bytes) -> Cell:
        try:
            row = json.loads(line)
            name, run, values, trial, chosen = str(row["name"]), row["run"], row["config"], None, {}
            if row["cell"] != number or not isinstance(run, str) or _FOLDER_NAME.fullmatch(run) is None:
                raise ValueError(number)
            if self.grows:
                trial, chosen = row["trial"], row["chosen"]
                if not isinstance(chosen, dict) or not isinstance(trial, int):
                    raise ValueError(number)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UserError(f"Line {number} of {self.plan} is no cell. Plan the sweep anew.") from None
        trust.tell(self.plan, values, {})
        return Cell(number, one_line(name), validated(values), RunDirectory(self.runs / run), trial, chosen)


@dataclass(frozen=True)
class CellHistory:
    """What has been tried for a cell."""

    standing: Standing
    attempts: int
    deaths: int
    """Attempts that ended badly, one after the other, without a newer checkpoint."""
    reason: str
    """Why it is set aside, or how the last attempt failed; empty where there is nothing to say."""

    @classmethod
    def of(cls, rows: Sequence[dict[str, Any]], cell: Cell, holder: str | None) -> "CellHistory":
        """holder: who works at it now, in words; None: nobody."""
        attempts = deaths = 0
        begun: dict[str, Any] | None = None
        by_hand = reason = ""
        for row in rows:
            if "began" in row:
                if begun is not None:
                    deaths, reason = _died(deaths, begun, row)
                attempts, begun = attempts + 1, row
            elif "ended" in row and begun is not None:
                if row.get("how") == "failed":
                    deaths, _ = _died(deaths, begun, row)
                    reason = str(row.get("reason", ""))
                else:
                    deaths, reason = 0, ""
                begun = None
            elif "set_aside" in row:
                by_hand = str(row.get("reason") or "by hand")
            elif "revived" in row:
                by_hand, deaths, reason, begun = "", 0, "", None
        if begun is not None and holder is None:
            deaths, reason = _died(deaths, begun, {"env_steps": cell.checkpoint})
        standing: Standing
        if cell.is_done:
            standing, reason = "finished", ""
        elif holder is not None:
            standing = "running"
        elif by_hand:
            standing, reason = "set aside", by_hand
        elif deaths >= MOST_DEATHS:
            standing = "set aside"
        else:
            standing = "unfinished" if cell.run.path.is_dir() else "waiting"
        return cls(standing, attempts, deaths, reason)


def _died(deaths: int, begun: dict[str, Any], after: dict[str, Any]) -> tuple[int, str]:
    """The number of deaths in a row after another one, and what there is to say of one that said nothing itself."""
    newer = _env_steps(after) > _env_steps(begun)
    return (1 if newer else deaths + 1), f"it was killed on {begun.get('host')}, and left no word"


def _env_steps(row: Mapping[str, Any]) -> float:
    """The newest checkpoint when a line was written; none where it is no number."""
    steps = row.get("env_steps")
    return steps if isinstance(steps, int | float) else 0


def _claimed(root: Path, name: str) -> Path:
    """A new folder ROOT/NAME-NUMBER, nobody else's, whoever asks at the same time."""
    root.mkdir(parents=True, exist_ok=True)
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "sweep"
    for number in count(1):
        path = root / f"{readable}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise AssertionError("numbers do not end")


def _what_is_there(path: Path) -> str:
    if SweepFolder.is_sweep(path):
        return f"`{command_line('sweep', path)}` goes on with the sweep in it; choose another --out for this one."
    return "Choose another --out, or empty it first."


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
