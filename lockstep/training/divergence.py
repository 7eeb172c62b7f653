"""What is kept of a run whose loss or gradient became infinite or no number, and what it points at."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lockstep.algorithms.learner import DivergedError, Suspect
from lockstep.runs.directory import RunDirectory, write_atomically
from lockstep.training.checkpoints.tensor_files import tensor_bytes
from lockstep.training.session import Session

FOLDER = "diagnostics"


def write_diagnosis(session: Session, error: DivergedError, run: RunDirectory) -> tuple[Path, str]:
    """Write the batch and the networks as they were, and their statistics. Returns the folder and what to look at.

    batch.pt: the fields of the EpisodeBatch. learner.pt: parameters, targets and optimizer, before the step that was
    not made. Both are read with `torch.load(..., weights_only=True)`. Raises OSError.
    """
    folder = run.path / FOLDER / f"{session.env_steps:012d}"
    (run.path / FOLDER).mkdir(exist_ok=True)
    folder.mkdir(exist_ok=True)
    batch = error.batch.fields()
    suspects = _suspects(session, error)
    statistics = {name: _summary(suspect.values) for name, suspect in suspects.items()}
    suspicion = _suspicion(suspects, statistics)
    about = {
        "env_steps": session.env_steps,
        "updates": session.learner.updates,
        "message": str(error),
        "suspicion": suspicion,
        "spec": asdict(session.spec),
        "statistics": statistics,
    }
    write_atomically(folder / "statistics.json", json.dumps(about, indent=1) + "\n")
    write_atomically(folder / "batch.pt", tensor_bytes(batch))
    write_atomically(folder / "learner.pt", tensor_bytes(session.learner.state_dict()))
    return folder, suspicion


def _suspects(session: Session, error: DivergedError) -> dict[str, Suspect]:
    """Everything that the loss is made from, in the order in which it enters."""
    batch = error.batch
    happened = batch.filled.squeeze(-1)
    obs = torch.cat([batch.obs[:, :-1][happened], batch.obs[:, 1:][happened]])  # before and after every step
    return {
        "batch.obs": Suspect(obs, "the environment returned observations that are no numbers"),
        "batch.reward": Suspect(batch.reward[happened], "the environment paid a reward that is no finite number"),
        **session.learner.suspects(batch),
    }


def _summary(values: Tensor) -> dict[str, Any]:
    """Summarize numbers of any shape; JSON knows no infinity, so the extremes are those of the finite ones."""
    flat = values.detach().double().flatten()
    finite = flat[flat.isfinite()]
    return {
        "count": flat.numel(),
        "nan": int(flat.isnan().sum()),
        "infinite": int(flat.isinf().sum()),
        "min": finite.min().item() if len(finite) else None,
        "max": finite.max().item() if len(finite) else None,
        "mean": finite.mean().item() if len(finite) else None,
    }


def _suspicion(suspects: dict[str, Suspect], statistics: dict[str, dict[str, Any]]) -> str:
    """The first thing on the way to the loss that is not finite, in a sentence."""
    for name, row in statistics.items():
        if row["nan"] or row["infinite"]:
            bad = f"{row['nan'] + row['infinite']:,} of {row['count']:,} numbers in {name}"
            return f"{bad} are not finite: {suspects[name].hint}."
    largest = max(abs(value) for row in statistics.values() for value in (row["min"], row["max"]) if value is not None)
    return (
        f"All that went into the loss is finite, up to {largest:.3g}: its square was too large. Look at loss and "
        "grad_norm in metrics.jsonl."
    )
