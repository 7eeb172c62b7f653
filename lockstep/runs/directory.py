"""The run directory is the API between training and everything after it: names, schema version, safe reads and writes.

    config.toml     the resolved configuration        metrics.jsonl   one row per logging interval
    run.json        versions, host, command, status   eval.jsonl      one row per evaluation
    checkpoints/    see training/checkpoint.py        events.*        TensorBoard
    media/          GIF, MP4, pages                   .lock           held while a process writes here
    judgements.jsonl   a trained policy judged again: one row each, with every episode's return
    recordings.jsonl   one episode of every evaluation, as seed and actions: the simulator plays it again

Readable half-finished, crashed, or from somebody else's machine. It lives on floor 0, since training writes it and
`runs` reads it.
"""

import errno
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, TextIO

from lockstep.compute.machine import cores, is_alive
from lockstep.errors import UserError
from lockstep.shell import command_line

SCHEMA_VERSION = 1
ROOT = Path("runs")
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

    @classmethod
    def create(cls, path: Path | None, name: str, seed: int, config_toml: str) -> "RunDirectory":
        """A new run's folder: `path`, or runs/NAME-sSEED-TIME. Raises UserError where something is there already."""
        if path is None:
            path = _unused(ROOT / f"{name}-s{seed}-{datetime.now():%Y%m%d-%H%M%S}")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            next_step = (
                f"`{command_line('resume', path)}` continues it, as does --resume-if-there; choose another --out to "
                "train anew."
                if (path / "config.toml").is_file()
                else "Choose another --out, or empty it first."
            )
            raise UserError(f"{path} is not empty. {next_step}")
        run = cls(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            write_atomically(run.config, config_toml)
            run.write_info({**_origin(), "name": name, "seed": seed, "status": "running"})
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
        """The run that `text` names: a path, `latest`, or the unique beginning of a name in `root`."""
        if Path(text).exists():
            return cls.open(Path(text))
        runs = list_runs(root)
        if text == "latest":
            if not runs:
                raise UserError(f"There is no run in {root}/ yet. `lockstep train smoke` makes one in 20 seconds.")
            return runs[-1]
        matches = [run for run in runs if run.path.name.startswith(text)]
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
        """run.json, or an empty dict where it is missing or unreadable."""
        try:
            info = json.loads(self.info.read_text())
        except (OSError, ValueError, RecursionError):
            return {}
        return info if isinstance(info, dict) else {}

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
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)  # a link could lead anywhere
        with open(os.open(self.judgements, flags, 0o666), "a", encoding="utf-8") as file:  # noqa: PTH123, a descriptor
            file.write(json.dumps({"judged": _now(), **row}) + "\n")

    def refuse_links(self) -> None:
        """Raise UserError for links that lead out of a stranger's run: what is written here would land there."""
        root = os.path.realpath(self.path)
        for folder, folders, files in os.walk(self.path):
            for name in (*folders, *files):
                path = Path(folder, name)
                if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                    raise UserError(
                        f"{path} is a link that leads out of the run directory, so nothing is written here. Replace it "
                        "by what it points to, or remove it."
                    )

    def size_bytes(self) -> int:
        """Of all its files, on disk. Links are not followed."""
        total = 0
        for folder, _, names in os.walk(self.path):
            for name in names:
                with suppress(OSError):
                    total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118, a path each would take longer
        return total

    def truncate_rows_after(self, env_steps: int) -> None:
        """Drop rows that a resumed run will write again, and a torn last line."""
        for path in (self.metrics, self.evaluations, self.recordings):
            if path.exists():
                rows = [row for row in read_rows(path) if _steps(row) <= env_steps]
                write_atomically(path, "".join(json.dumps(row) + "\n" for row in rows))

    def is_abandoned(self) -> bool:
        """Whether no living process writes here. False where only the host that wrote the lock could tell."""
        try:
            lock = json.loads(self.lock.read_text())
            pid, host = int(lock["pid"]), lock["host"]
        except FileNotFoundError:
            return True
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return False
        return host == platform.node() and pid != os.getpid() and _read_lock(self.lock) is None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process. Raises UserError while another process holds it.

        The system holds the lock for the process and drops it with it, so a dead one's is no obstacle, even where its
        number has been given to another process since.
        """
        self.refuse_links()
        with self.writing("its lock"):
            file = _locked_file(self.lock)
        if file is None:
            holder = _read_lock(self.lock)
            who = "Another process" if holder is None else f"Process {holder}"
            raise UserError(f"{who} is already training in {self.path}. Wait for it, or stop it first.")
        with file:
            try:
                with self.writing("its lock"):
                    file.truncate(0)
                    file.write(json.dumps({"pid": os.getpid(), "host": platform.node()}))
                    file.flush()
                yield
            finally:
                with suppress(OSError):
                    self.lock.unlink()

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Around everything that a training writes: a full disk, for instance, is a sentence. Raises UserError."""
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
        reason = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: "the disk quota is used up",
            errno.EFBIG: "files may not become so large here",
            errno.EROFS: "the disk is read-only",
        }.get(error.errno or 0, error.strerror or str(error))
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
    configs = [path for path in root.glob("*/config.toml") if path.is_file()]
    return [RunDirectory(path.parent) for path in sorted(configs, key=lambda path: (path.stat().st_mtime_ns, path))]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file. Lines that are not whole, as a crash leaves them, are passed over."""
    rows = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _steps(row: Mapping[str, Any]) -> float:
    """When a row was written; one that does not say so in a number was not written by us."""
    steps = row.get("env_steps")
    return steps if isinstance(steps, int | float) else math.inf


def write_atomically(path: Path, content: str | bytes) -> None:
    """The file holds the old content or the new, never a part. Raises OSError, and leaves nothing behind."""
    temporary = path.with_name(f".{path.name}.writing")
    try:
        with temporary.open("wb") as file:
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


def _locked_file(path: Path) -> TextIO | None:
    """The lock file, held by this process until it is closed; None where another process holds it."""
    while True:
        file = path.open("a", encoding="utf-8")
        try:
            _hold(file)
        except BlockingIOError:
            file.close()
            return None
        except OSError:  # a file system without locks: what the file says must do
            if _read_lock(path) is not None:
                file.close()
                return None
            return file
        try:
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass
        file.close()  # its holder removed it in this moment; the next one is another file


def _hold(file: TextIO) -> None:
    """Lock a file for this process. Raises BlockingIOError while another one holds it, and OSError where there are no
    such locks: on some network disks, and on Windows."""
    try:
        import fcntl
    except ImportError as error:
        raise OSError("this system has no locks that end with their process") from error
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read_lock(path: Path) -> int | None:
    """The living process that holds a lock on this host, if any. Ours is no obstacle."""
    try:
        lock = json.loads(path.read_text())
        pid, host = int(lock["pid"]), lock["host"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if host != platform.node() or pid == os.getpid():
        return None
    return pid if is_alive(pid) else None


def _unused(path: Path) -> Path:
    candidates = (path if number == 1 else path.with_name(f"{path.name}-{number}") for number in range(1, 1000))
    return next(candidate for candidate in candidates if not candidate.exists())


def _origin() -> dict[str, Any]:
    """Where a run comes from: enough to make it again."""
    return {
        "schema_version": SCHEMA_VERSION,
        "created": _now(),
        "command": ["lockstep", *sys.argv[1:]],
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in ("lockstep-marl", "torch", "numpy", "numba", "rware")},
        },
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
    """Of Lockstep's own checkout, where it is one."""
    try:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
