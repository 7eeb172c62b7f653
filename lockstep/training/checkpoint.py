"""A checkpoint is all of a run or nothing: written under a temporary name, synced, renamed, and checked when read.

    checkpoints/000012800000/   state.pt      learner, random streams, counters, unfinished metrics
                                replay.pt     the replay
                                policy.pt     the agents' network, with what is needed to build it again
                                manifest.json checksums, schema version, versions of what wrote it
    checkpoints/best/           policy.pt, manifest.json

Everything is tensors and plain Python, read with `weights_only=True`: opening a stranger's file executes nothing.
"""

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from lockstep import __version__
from lockstep.config.schema import NetworkConfig
from lockstep.errors import UserError
from lockstep.networks.agents import build_agent
from lockstep.networks.flat import named_parameters
from lockstep.networks.policy import GreedyPolicy
from lockstep.run_directory import RunDirectory
from lockstep.spec import EnvSpec
from lockstep.training.session import Session

SCHEMA_VERSION = 1
BEST = "best"


def save_checkpoint(session: Session, run: RunDirectory) -> Path:
    """Write the session whole, then drop the oldest checkpoints beyond `checkpoint.keep`. Returns the new folder."""
    parts = {"state.pt": session.state_dict(), "policy.pt": _policy_state(session)}
    if session.config.checkpoint.save_replay:
        parts["replay.pt"] = session.replay.state_dict()
    folder = _write(run.checkpoints / f"{session.env_steps:012d}", parts, session)
    for old in numbered_checkpoints(run)[: -session.config.checkpoint.keep]:
        shutil.rmtree(old)
    return folder


def save_best(session: Session, run: RunDirectory) -> Path:
    """Keep the current policy as the best so far."""
    return _write(run.checkpoints / BEST, {"policy.pt": _policy_state(session)}, session)


def numbered_checkpoints(run: RunDirectory) -> list[Path]:
    """Complete checkpoints, oldest first."""
    return sorted(path for path in run.checkpoints.glob("[0-9]*") if (path / "manifest.json").is_file())


def load_latest(session: Session, run: RunDirectory) -> list[str]:
    """Put the newest undamaged checkpoint into `session`. Returns a sentence for every one that had to be passed over.

    A run that has none yet begins again: it will be the same run. Raises UserError when all there are are damaged.
    """
    if not numbered_checkpoints(run):
        return ["It stopped before its first checkpoint, so it begins again, from nothing."]
    passed_over: list[str] = []
    for folder in reversed(numbered_checkpoints(run)):
        try:
            parts = _read(folder)
        except UserError as error:
            passed_over.append(str(error))
            continue
        session.load_state_dict(parts["state.pt"])
        if "replay.pt" in parts:
            session.replay.load_state_dict(parts["replay.pt"])
        return passed_over
    raise UserError(f"{run.path} holds no checkpoint to resume from. {' '.join(passed_over)}")


def load_policy(run: RunDirectory | Path | str, checkpoint: str = BEST) -> tuple[GreedyPolicy, EnvSpec, int]:
    """A trained team: its greedy policy, the shapes it was made for, and the env steps it was trained for.

    run: a run directory. checkpoint: "best" (by test return; the newest where none was evaluated yet), "latest", or a
    number of env steps. Raises UserError where there is none, or it is damaged.
    """
    run = run if isinstance(run, RunDirectory) else RunDirectory.find(str(run))
    numbered = numbered_checkpoints(run)
    folder = run.checkpoints / BEST
    if checkpoint == "latest" or (checkpoint == BEST and not folder.is_dir()):
        if not numbered:
            raise UserError(f"{run.path} holds no checkpoint yet. Let it train until its first evaluation.")
        folder = numbered[-1]
    elif checkpoint != BEST:
        if not checkpoint.isdecimal():
            raise UserError(f"--checkpoint {checkpoint!r} is unknown; write best, latest, or a number of env steps.")
        folder = run.checkpoints / f"{int(checkpoint):012d}"
        if folder not in numbered:
            known = ", ".join(str(int(path.name)) for path in numbered) or "none"
            raise UserError(f"{run.path} has no checkpoint at {checkpoint} env steps; it has: {known}.")
    state = _read(folder, only="policy.pt")["policy.pt"]
    spec = EnvSpec(**{**state["spec"], "obs_bits": tuple(state["spec"]["obs_bits"])})
    config = NetworkConfig(**state["network"])
    agent = build_agent(spec, config)
    agent.load_state_dict(state["agent"])
    return GreedyPolicy(agent.eval(), spec, config), spec, state["env_steps"]


def _policy_state(session: Session) -> dict[str, Any]:
    return {
        "agent": named_parameters(session.learner.actor),
        "network": session.config.network.model_dump(),
        "spec": asdict(session.spec),
        "env_steps": session.env_steps,
    }


def _write(folder: Path, parts: Mapping[str, Any], session: Session) -> Path:
    """Write every part and a manifest into a temporary folder beside `folder`, sync, and swap it in."""
    temporary = folder.with_name(f".{folder.name}.writing")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    checksums: dict[str, str] = {}
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "lockstep": __version__,
        "torch": torch.__version__,
        "env_steps": session.env_steps,
        "updates": session.learner.updates,
        "sha256": checksums,
    }
    for name, state in parts.items():
        with (temporary / name).open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        checksums[name] = _sha256(temporary / name)
    with (temporary / "manifest.json").open("w") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    replaced = folder.with_name(f".{folder.name}.replaced")
    if folder.exists():
        folder.rename(replaced)
    temporary.rename(folder)
    _sync_folder(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)
    return folder


def _read(folder: Path, only: str | None = None) -> dict[str, Any]:
    """The parts of a checkpoint, verified against its manifest. Raises UserError where one is damaged or missing."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        checksums = {name: str(manifest["sha256"][name]) for name in ([only] if only else manifest["sha256"])}
        version = manifest["schema_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"The checkpoint {folder.name} has no readable manifest ({type(error).__name__}).") from error
    if version != SCHEMA_VERSION:
        raise UserError(
            f"The checkpoint {folder.name} has schema version {version}; this Lockstep reads {SCHEMA_VERSION}."
        )
    parts = {}
    for name, checksum in checksums.items():
        path = folder / Path(name).name
        if not path.is_file() or _sha256(path) != checksum:
            raise UserError(f"The checkpoint {folder.name} is damaged: {name} is not what was written.")
        try:
            parts[name] = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
            raise UserError(
                f"The checkpoint {folder.name} is not a checkpoint that Lockstep wrote: {name} is refused unread."
            ) from error
    return parts


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
