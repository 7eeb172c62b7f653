"""The same cell in another sweep: a run that has ended beside this sweep is taken over, and not trained again.

Neighbors are the sweeps and searches in the folder in which this one lies, `sweeps/` for most, of the same owner. A run
is the same where its whole configuration is, and the versions of Lockstep and of what it computes with. It is copied,
with its checkpoints: what is done to one of them later leaves the other as it is.
"""

import shutil

from lockstep.config.load import load_config
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, versions, why
from lockstep.sweeps.folder import Cell, SweepFolder, with_threads


def trained_beside(sweep: SweepFolder, cell: Cell) -> RunDirectory | None:
    """The same run in a neighbor, ended there; None where there is none, or where this one has begun."""
    if cell.run.path.exists():
        return None
    for neighbor in sorted(sweep.path.resolve().parent.iterdir()):
        there = RunDirectory(neighbor / "runs" / cell.run.path.name)
        if there.has_ended and SweepFolder.is_sweep(neighbor) and _is_same(sweep, cell, there):
            return there
    return None


def take_over(there: RunDirectory, here: RunDirectory) -> None:
    """Copy a run, all of it or nothing. Whoever calls it works at the cell. Raises UserError where it cannot be."""
    half = here.path.with_name(f".{here.path.name}")
    try:
        if half.exists():  # somebody was killed while copying
            shutil.rmtree(half)
        shutil.copytree(there.path, half, ignore=shutil.ignore_patterns(there.lock.name))
        half.replace(here.path)
    except OSError as error:
        raise UserError(f"{there.path} has the same run, and cannot be copied ({why(error)}).") from error


def _is_same(sweep: SweepFolder, cell: Cell, there: RunDirectory) -> bool:
    try:
        there.refuse_links()
        config = load_config(str(there.config))
    except UserError:
        return False
    return (
        there.path.stat().st_uid == sweep.path.stat().st_uid
        and config == with_threads(cell.config, config.training.num_threads)
        and there.read_info().get("versions") == versions()
    )
