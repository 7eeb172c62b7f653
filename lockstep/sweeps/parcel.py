"""A run that travels between two machines which share no disk: what has changed of it, as bytes.

    sent: Stamps = {}
    parcel = pack(run.path, sent)         # on one machine, also while the run is being trained: all of it
    unpack(parcel, run)                   # on the other one: the same run as of its newest checkpoint, or a later one
    parcel = pack(run.path, sent)         # what is new since

A parcel is whole: its checkpoints are all there, with the episodes that they refer to, and rows up to the newest of
them at least. It is put in place so that a process that is killed meanwhile leaves a run that goes on bit for bit, from
the checkpoint that was there before or from the one that has come.
"""

import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lockstep.errors import UserError
from lockstep.files import read_regular
from lockstep.runs.cleaning import one_line
from lockstep.runs.directory import RunDirectory, sync_folder, write_atomically

FILE_BYTES = 8 * 2**30
"""The most that one file of a run may have to travel. Replays travel in chunks of at most 64 MiB."""
_NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*/){0,3}[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a file of a run is called, from the run's folder on. Hidden ones are of the process that works there."""
_CHECKPOINTS, _REPLAY, _INFO = PurePosixPath("checkpoints"), PurePosixPath("checkpoints/replay"), "run.json"
_RETRY_SECONDS = 0.1

Stamps = dict[str, tuple[int, int, int]]
"""Files by name, with what changes when they do: their number on the disk, their time and their size."""


@dataclass(frozen=True)
class Parcel:
    """What has changed of a run."""

    names: frozenset[str] = frozenset()
    """All files that it has, changed or not."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Those that have changed, whole."""


def pack(path: Path, sent: Stamps) -> Parcel:
    """The run at `path`, but for files that are still as they were `sent`, which is brought up to date.

    Whoever trains it may go on meanwhile: where a checkpoint comes or goes while it is read, it is read again. Raises
    OSError for what cannot be read, and for links and other things that are no plain files.
    """
    while True:
        try:
            there = _stamps(path)
            changed = [name for name, stamp in there.items() if sent.get(name) != stamp]
            parcel = Parcel(frozenset(there), {name: read_regular(path / name, FILE_BYTES) for name in changed})
            if _checkpoints(there) == _checkpoints(_stamps(path)):
                break
        except FileNotFoundError:
            if not path.is_dir():
                raise
        time.sleep(_RETRY_SECONDS)
    sent.clear()
    sent.update(there)
    return parcel


def unpack(parcel: Parcel, run: RunDirectory) -> None:
    """Bring a run up to what a parcel says. Whoever calls it works at the run.

    Nothing is written but below the run's folder, whoever sent the parcel. Raises UserError for names that lead
    elsewhere and for links that do, with nothing written, and OSError where the disk is full.
    """
    for name in (*parcel.names, *parcel.files):
        if _NAME.fullmatch(name) is None:
            raise UserError(f"A node sent {one_line(name)[:80]!r} for {run.path}, which names no file of a run.")
    run.path.mkdir(parents=True, exist_ok=True)
    run.refuse_links()
    folders: dict[PurePosixPath, dict[str, bytes]] = {}
    for name, content in parcel.files.items():
        path = PurePosixPath(name)
        if path.parent.parent == _CHECKPOINTS and path.parent != _REPLAY:
            folders.setdefault(path.parent, {})[path.name] = content
        elif name != _INFO:
            (run.path / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(run.path / name, content)
    for folder in sorted(folders):
        _put_checkpoint(run.path / folder, folders[folder])
    if _INFO in parcel.files:  # says what the run has: the last word
        write_atomically(run.info, parcel.files[_INFO])
    for name in _checkpoints(_stamps(run.path)).keys() - parcel.names:
        (run.path / name).unlink(missing_ok=True)
    for old in run.checkpoints.glob("[0-9]*"):
        if old.is_dir() and not any(old.iterdir()):
            old.rmdir()


def _put_checkpoint(folder: Path, files: Mapping[str, bytes]) -> None:
    """A checkpoint's folder, all of it or nothing, under the names that a training uses while it writes one."""
    coming, replaced = (folder.with_name(f".{folder.name}.{how}") for how in ("writing", "replaced"))
    folder.parent.mkdir(exist_ok=True)
    for left in (coming, replaced):
        shutil.rmtree(left, ignore_errors=True)
    coming.mkdir()
    for name, content in files.items():
        write_atomically(coming / name, content)
    sync_folder(coming)
    if folder.exists():
        folder.rename(replaced)
    coming.rename(folder)
    sync_folder(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def _stamps(path: Path) -> Stamps:
    """Every file of a run. Raises OSError for a folder that goes while it is looked through."""
    found: Stamps = {}
    for folder, folders, files in os.walk(path, onerror=_refused):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            file = Path(folder, name)
            relative = file.relative_to(path).as_posix()
            if _NAME.fullmatch(relative):
                status = file.lstat()
                found[relative] = (status.st_ino, status.st_mtime_ns, status.st_size)
    return found


def _refused(error: OSError) -> None:
    raise error


def _checkpoints(stamps: Stamps) -> Stamps:
    return {name: stamp for name, stamp in stamps.items() if PurePosixPath(name).is_relative_to(_CHECKPOINTS)}
