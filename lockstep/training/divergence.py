"""What is kept of a run whose loss or gradient became infinite or no number, and what it points at."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lockstep.algorithms.q_learning import DivergedError
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
    statistics = _statistics(session, error)
    suspicion = _suspicion(statistics)
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


def _statistics(session: Session, error: DivergedError) -> dict[str, dict[str, Any]]:
    """Of everything that the loss is made from, in the order in which it enters."""
    learner, batch = session.learner, error.batch
    happened = batch.filled.squeeze(-1)

    def seen(values: Tensor) -> Tensor:
        """Of (B, T+1, ...): before and after every step that happened."""
        return torch.cat([values[:, :-1][happened], values[:, 1:][happened]])

    with torch.no_grad():
        q, target_q = (learner.values(networks, batch) for networks in (learner.online, learner.target))
    return {
        "batch.obs": _summary(seen(batch.obs)),
        "batch.reward": _summary(batch.reward[happened]),
        "parameters": _summary(learner.weights),
        "target parameters": _summary(learner.target_weights),
        "Q": _summary(seen(q)),
        "target Q": _summary(seen(target_q)),
    }


def _summary(values: Tensor) -> dict[str, Any]:
    """Of numbers of any shape; JSON knows no infinity, so the extremes are those of the finite ones."""
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


def _suspicion(statistics: dict[str, dict[str, Any]]) -> str:
    """The first thing on the way to the loss that is not finite, in a sentence."""
    hints = {
        "batch.obs": "the environment returned observations that are no numbers",
        "batch.reward": "the environment paid a reward that is no finite number",
        "parameters": "the networks were damaged before this update, as by a changed checkpoint",
        "target parameters": "the target networks were damaged before this update, as by a changed checkpoint",
        "Q": "the values had grown beyond all numbers; look at q_taken_mean in metrics.jsonl",
        "target Q": "the target's values had grown beyond all numbers; look at target_mean in metrics.jsonl",
    }
    for name, row in statistics.items():
        if row["nan"] or row["infinite"]:
            return (
                f"{row['nan'] + row['infinite']:,} of {row['count']:,} numbers in {name} are not finite: {hints[name]}."
            )
    largest = max(abs(value) for row in statistics.values() for value in (row["min"], row["max"]) if value is not None)
    return (
        f"All that went into the loss is finite, up to {largest:.3g}: its square was too large. Look at loss and "
        "q_taken_mean in metrics.jsonl."
    )
