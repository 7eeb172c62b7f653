"""The run directory is the API between training and everything after it: names, schema version, safe reads and writes.

    config.toml     the resolved configuration        metrics.jsonl   one row per logging interval
    run.json        versions, host, command, status   eval.jsonl      one row per evaluation
    checkpoints/    all that it goes on with          events.*        TensorBoard
    media/          GIF, MP4, pages                   .lock           held while a process writes here
    judgements.jsonl   a trained policy judged again: one row each, with every episode's return
    notes.json      a name, tags and a note that somebody wrote down, see runs/notes.py
    recordings.jsonl   one episode of every evaluation, as seed and actions: the simulator plays it again

Readable half-finished, crashed, or from somebody else's machine.
"""

import errno
import json
import math
import os
import platform
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from io import BufferedReader
from itertools import count
from pathlib import Path
from typing import Any, Literal

from lockstep.compute.machine import cores
from lockstep.errors import UserError
from lockstep.files import ROWS_BYTES, open_regular, open_to_append, read_regular
from lockstep.runs.cleaning import cleaned
from lockstep.runs.lease import TAKEOVER_SECONDS, Lease, is_abandoned, living_holder
from lockstep.shell import command_line

SCHEMA_VERSION = 1
ROOT = Path("runs")
LIST_BYTES = 64 * 2**20
"""The most that a file of rows may have to be read whole. Every evaluation writes a row of some kilobytes."""
ROW_BYTES = 8 * 2**20
"""The most that a row may have. A recorded episode of 10,000 steps of ten agents has 300 kB."""
Status = Literal["running", "finished", "solved", "interrupted", "failed"]


class RunDirectory:
    """One run's folder. Making the object touches nothing; `create`, `open` and `find` are the ways in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.toml"
        self.info = path / "run.json"
        self.metrics = path / "metrics.jsonl"
        self.evaluations = path / "eval.jsonl"
        self.judgements = path / "judgements.jsonl"
        self.recordings = path / "recordings.jsonl"
        self.checkpoints = path / "checkpoints"
        self.media = path / "media"
        self.lock = path / ".lock"
        self._lease: Lease | None = None
        """The lock, while this object holds it."""

    @classmethod
    def create(cls, path: Path | None, name: str, seed: int, config_toml: str) -> "RunDirectory":
        """A new run's folder: `path`, or runs/NAME-sSEED-TIME. Raises UserError where something is there already.

        Of several that are made at the same moment, each has a folder of its own, or is told.
        """
        try:
            if path is None:
                path = _claimed(ROOT / f"{name}-s{seed}-{datetime.now():%Y%m%d-%H%M%S}")
            else:
                path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                raise FileExistsError
            run = cls(path)
            run.config.touch(exist_ok=False)  # now it is ours
            try:
                write_atomically(run.config, config_toml)
                run.write_info({**_origin(), "name": name, "seed": seed, "status": "running"})
            except BaseException:
                with suppress(OSError):
                    run.config.unlink()
                raise
        except FileExistsError:
            next_step = (
                f"`{command_line('resume', path)}` continues it, as does --resume-if-there; choose another --out to "
                "train anew."
                if path is not None and (path / "config.toml").is_file()
                else "Choose another --out, or empty it first."
            )
            raise UserError(f"{path} is not empty. {next_step}") from None
        except OSError as error:
            raise UserError(f"{path} cannot be written ({error.strerror}). Choose another --out.") from error
        return run

    @classmethod
    def open(cls, path: Path) -> "RunDirectory":
        """An existing run. Raises UserError where there is none."""
        if not path.is_dir():
            raise UserError(
                f"{path} is no run directory: there is no such folder. `lockstep runs` lists those in {ROOT}/."
            )
        if not (path / "config.toml").is_file():
            raise UserError(f"{path} is no run directory: it has no config.toml. Give the folder that `train` printed.")
        return cls(path)

    @classmethod
    def find(cls, text: str, root: Path = ROOT) -> "RunDirectory":
        """The run that `text` names: a path, `latest`, a name that somebody gave it (`lockstep note`), or the unique
        beginning of a folder's name in `root`."""
        if Path(text).exists():
            return cls.open(Path(text))
        runs = list_runs(root)
        if text == "latest":
            if not runs:
                raise UserError(f"There is no run in {root}/ yet. `lockstep train smoke` makes one in half a minute.")
            return runs[-1]
        called = [run for run in runs if text and read_json(run.path / "notes.json").get("name") == text]
        matches = called or [run for run in runs if run.path.name.startswith(text)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(run.path.name for run in matches[:5]) + (", ..." if len(matches) > 5 else "")
            raise UserError(
                f"{text!r} is the beginning of {len(matches)} runs: {names}. Type more of the one you mean."
            )
        known = f"The newest there is {runs[-1].path.name}." if runs else f"{root}/ holds no run yet."
        raise UserError(f"{text!r} is neither a folder nor the beginning of a run's name in {root}/. {known}")

    def read_info(self) -> dict[str, Any]:
        """run.json, cleaned, or an empty dict where it is missing or unreadable."""
        return read_json(self.info)

    @property
    def has_ended(self) -> bool:
        """Whether its training came to its end, and not just to a stop."""
        return self.read_info().get("status") in ("finished", "solved")

    def write_info(self, info: Mapping[str, Any]) -> None:
        """Replace run.json."""
        write_atomically(self.info, json.dumps(dict(info), indent=1) + "\n")

    def set_status(self, status: Status, **more: Any) -> None:
        """Record how the run stands, and since when."""
        self.write_info({**self.read_info(), "status": status, "changed": _now(), **more})

    def add_judgement(self, row: Mapping[str, Any]) -> None:
        """Remember that a policy of this run was judged. Raises OSError where the folder is somebody else's."""
        with open_to_append(self.judgements) as file:
            file.write((json.dumps({"judged": _now(), **row}) + "\n").encode())

    def refuse_links(self) -> None:
        """Raise UserError for links that lead out of a stranger's run: what is written here would land there.

        And for pipes and devices, which are no files of a run.
        """
        root = os.path.realpath(self.path)
        for folder, folders, files in os.walk(self.path):
            for name in (*folders, *files):
                path = Path(folder, name)
                if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                    raise UserError(
                        f"{path} is a link that leads out of the run directory, so nothing is written here. Replace it "
                        "by what it points to, or remove it."
                    )
                if stat.S_IFMT(path.lstat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
                    raise UserError(f"{path} is a pipe or a device, so nothing is written here. Remove it.")

    def remove(self) -> None:
        """Delete the folder and all that is in it. Raises UserError while another process trains in it."""
        with self.locked():
            shutil.rmtree(self.path)

    def size_bytes(self) -> int:
        """Return the size of all its files on disk. Links are not followed."""
        total = 0
        for folder, _, names in os.walk(self.path):
            for name in names:
                with suppress(OSError):
                    total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118, a path each would take longer
        return total

    def put_rows_aside(self) -> None:
        """Keep the rows under other names, .metrics.jsonl.before and so on: the run begins again."""
        for path in (self.metrics, self.evaluations, self.recordings):
            if path.exists() or path.is_symlink():
                path.replace(path.with_name(f".{path.name}.before"))

    def truncate_rows_after(self, env_steps: int) -> None:
        """Drop rows that a resumed run will write again, and a torn last line."""
        for path in (self.metrics, self.evaluations, self.recordings):
            if path.exists() or path.is_symlink():
                kept = bytearray()
                with open_regular(path, ROWS_BYTES) as file:
                    for line, row in _parsed(file):
                        if _steps(row) <= env_steps:
                            kept += line.rstrip(b"\n") + b"\n"
                write_atomically(path, bytes(kept))

    def is_abandoned(self) -> bool:
        """Whether no living process writes here, as far as its lock shows."""
        return is_abandoned(self.lock)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process. Raises UserError while another process holds it, here or on another host."""
        self.refuse_links()
        with self.writing("its lock"):
            lease = Lease.taken(self.lock)
        if lease is None:
            who = living_holder(self.lock) or "Another process"
            raise UserError(f"{who} is already training in {self.path}. Wait for it, or stop it first.")
        self._lease = lease
        try:
            yield
        finally:
            self._lease = None
            lease.release()

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Around everything that a training writes: a full disk, for instance, is a sentence. Raises UserError.

        Whoever holds the lock writes only while it is the lock that lies there: the folder may have been deleted and
        made anew, or a process of another host may have taken it over, as this one seemed dead.
        """
        if self._lease is not None and not self._lease.is_held and self.path.is_dir():
            holder = living_holder(self.lock)
            how = (
                f"{holder} works in it now, as this process stood still for more than {TAKEOVER_SECONDS:.0f} s"
                if holder is not None
                else "the folder was deleted and made anew, or its lock was removed"
            )
            raise UserError(
                f"{self.path} is not this training's any more: {how}. So this one stops before {what} is written, and "
                "leaves what is there alone."
            )
        try:
            yield
        except OSError as error:
            raise UserError(self._cannot_write(what, error)) from error

    def _cannot_write(self, what: str, error: OSError) -> str:
        if not self.path.is_dir():
            return (
                f"{self.path} is gone: the run directory was deleted or moved before {what} could be written. A moved "
                "one can be resumed where it is now; a deleted one is trained anew with `lockstep train`."
            )
        reason = why(error)
        steps = [int(path.name) for path in self.checkpoints.glob("[0-9]*") if path.name.isdecimal()]
        last = (
            f"its checkpoint at {max(steps):,} env steps" if steps else "its beginning, as there is no checkpoint yet"
        )
        return (
            f"{self.path}: {what} could not be written, because of this: {reason}. Once that is mended, "
            f"`{command_line('resume', self.path)}` continues from {last}."
        )


def list_runs(root: Path = ROOT) -> list[RunDirectory]:
    """Runs directly in `root`, the newest last (by when their configuration was written)."""
    if not root.is_dir():
        return []
    found = []
    for path in root.glob("*/config.toml"):
        with suppress(OSError):  # one that cannot be looked at, or went just now, hides no other
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                found.append((status.st_mtime_ns, path))
    return [RunDirectory(path.parent) for _, path in sorted(found)]


def read_json(path: Path) -> dict[str, Any]:
    """What a JSON file says, cleaned; empty where it is missing, unreadable or says something else than names."""
    try:
        said = json.loads(read_regular(path).decode(errors="replace"))
        return cleaned(said) if isinstance(said, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file, cleaned. Lines that are not whole, as a crash leaves them, are passed over."""
    try:
        with open_regular(path, LIST_BYTES) as file:
            return [cleaned(row) for _, row in _parsed(file)]
    except OSError:
        return []


def _parsed(file: BufferedReader) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The whole rows of an open file, with their lines. One that is longer than any row is passed over in pieces."""
    while line := file.readline(ROW_BYTES):
        try:
            row = json.loads(line.decode(errors="replace"))
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            yield line, row


def _steps(row: Mapping[str, Any]) -> float:
    """When a row was written; one that does not say so in a number was not written by us."""
    steps = row.get("env_steps")
    return steps if isinstance(steps, int | float) else math.inf


def why(error: OSError) -> str:
    """The reason why something could not be written, in words."""
    return {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EFBIG: "files may not become so large here",
        errno.EROFS: "the disk is read-only",
    }.get(error.errno or 0, error.strerror or str(error))


def write_atomically(path: Path, content: str | bytes) -> None:
    """The file holds the old content or the new, never a part. Raises OSError, and leaves nothing behind."""
    temporary = path.with_name(f".{path.name}.writing")
    try:
        temporary.unlink(missing_ok=True)  # left by a crash, or put there: a pipe would be waited for
        with temporary.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def sync_folder(folder: Path) -> None:
    """Let renames and new names in `folder` survive a crash of the machine."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows opens no folders, and writes their names by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _claimed(path: Path) -> Path:
    """A new folder of this name, or with a number behind it: nobody else's, whoever asks at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        candidate = path if number == 1 else path.with_name(f"{path.name}-{number}")
        with suppress(FileExistsError):
            candidate.mkdir()
            return candidate
    raise AssertionError("numbers do not end")


def versions() -> dict[str, str | None]:
    """What a run is computed with."""
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in ("lockstep-marl", "torch", "numpy", "numba", "rware")},
    }


def _origin() -> dict[str, Any]:
    """Where a run comes from: enough to make it again."""
    return {
        "schema_version": SCHEMA_VERSION,
        "created": _now(),
        "command": ["lockstep", *sys.argv[1:]],
        "versions": versions(),
        "commit": _commit(),
        "host": {"system": platform.platform(), "cpus": cores()},
    }


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of Lockstep's own checkout, where it is one."""
    try:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
