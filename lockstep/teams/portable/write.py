"""A team's file in one of three forms."""

import json
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from lockstep.errors import UserError
from lockstep.runs.delivery import deliver
from lockstep.runs.directory import RunDirectory
from lockstep.teams.portable.brain import Brain, PortableTeam, portable_team
from lockstep.teams.portable.onnx_file import onnx_bytes
from lockstep.training.checkpoints.checkpoint import BEST

SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt", "npz": ".npz"}
"""The forms, and how their files are called."""


def write_team(run: RunDirectory, form: str, out: Path | None = None, checkpoint: str = BEST) -> Path:
    """Write a run's team, to `out` or into its folder. Returns the file.

    checkpoint: best, latest, or a number of env steps. Raises UserError, with nothing written, where it cannot be.
    """
    path = run.path / f"team{SUFFIXES[form]}" if out is None else out
    if path.suffix != SUFFIXES[form]:
        raise UserError(f"--out {path} must end in {SUFFIXES[form]} with --format {form}.")
    team = portable_team(run, checkpoint)
    content = {"onnx": onnx_bytes, "torchscript": _torchscript, "npz": _npz}[form](team)
    deliver({path: content})
    return path


def _torchscript(team: PortableTeam) -> bytes:
    """`torch.jit.load` reads it; `about.json` among its extra files is what the other forms tell as metadata."""
    buffer = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch would rather have torch.export, which needs Python
        torch.jit.save(torch.jit.script(Brain(team)), buffer, _extra_files={"about.json": json.dumps(dict(team.about))})
    return buffer.getvalue()


def _npz(team: PortableTeam) -> bytes:
    """Every array by its name, and `about` as bytes of JSON."""
    about = np.frombuffer(json.dumps({**team.about, "agent_id": team.agent_id}).encode(), np.uint8)
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, about=about, **team.arrays)
    return buffer.getvalue()
