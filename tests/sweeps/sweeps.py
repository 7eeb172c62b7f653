"""Tiny sweeps for tests: a probe that is learnt in seconds, or folders that only look as if."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lockstep.config.load import dump_toml
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory
from lockstep.sweeps.folder import Cell, SweepFolder
from lockstep.sweeps.request import read_request
from tests.training.faults import TINY

SHORT = [*TINY, "t_max=160"]


def tiny_sweep(path: Path, words: Sequence[str] = ("seed=1..2",)) -> SweepFolder:
    """A planned sweep in which nothing has been trained yet."""
    request = read_request("smoke", [*SHORT, *words])
    return SweepFolder.create(path, request, request.configurations())


def begun(cell: Cell) -> RunDirectory:
    """Its run, as if it had just begun."""
    return RunDirectory.create(cell.run.path, cell.name, cell.config.seed, dump_toml(cell.config))


def checkpointed(cell: Cell, env_steps: int) -> None:
    """Its run, as if a checkpoint had been written."""
    folder = cell.run.checkpoints / f"{env_steps:012d}"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"env_steps": env_steps}))


def die(sweep: SweepFolder, cell: Cell, reason: str | None = "it broke") -> None:
    """An attempt that fails with a reason, or, without one, is killed."""
    if reason is None:
        sweep.attempts.mkdir(exist_ok=True)
        sweep.note(cell, began="now", host="vm", env_steps=cell.checkpoint)
        return
    with suppress(UserError), sweep.attempt(cell, "test"):
        raise UserError(reason)
