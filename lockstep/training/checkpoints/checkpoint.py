"""A checkpoint is all of a run or nothing: written under a temporary name, synced, renamed, and checked when read.

    checkpoints/000012800000/   state.pt      learner, random streams, counters, unfinished metrics
                                policy.pt     the agents' network, with what is needed to build it again
                                manifest.json checksums, sizes, schema version, versions of what wrote it
    checkpoints/replay/         the episodes, in chunks that several checkpoints share: see replay_files.py
    checkpoints/best/           policy.pt, manifest.json

Everything is tensors and plain Python, looked through before it is built (tensor_files.py): opening a stranger's file
executes nothing. Schema version 1 kept the replay in a file replay.pt of every checkpoint; it is still read.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, NonNegativeInt, TypeAdapter
from torch import Tensor, nn

from lockstep import __version__
from lockstep.algorithms.learner import Thoughts
from lockstep.algorithms.registry import algorithm_of
from lockstep.config.knobs import flat
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.envs.others import provide_teams
from lockstep.errors import UserError
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.feed import Feed
from lockstep.files import read_regular
from lockstep.networks.flat import named_parameters
from lockstep.networks.greedy_policy import GreedyPolicy
from lockstep.runs.directory import RunDirectory, sync_folder
from lockstep.shell import command_line
from lockstep.spec import EnvSpec
from lockstep.training.checkpoints.replay_files import (
    FOLDER,
    Checksum,
    ReplayOnDisk,
    read_replay,
    remove_unused,
    restore,
    write_replay,
)
from lockstep.training.checkpoints.tensor_files import RefusedError, load_tensors, open_tensors, tensor_bytes
from lockstep.training.session import Session

SCHEMA_VERSION = 2
READABLE = (1, 2)
BEST = "best"
CHECKPOINTED = "checkpoint"
"""In run.json: the env steps of the newest checkpoint. Where all are gone, it says that there were some."""
_SPEC = TypeAdapter(EnvSpec)
_UNFITTING = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What using nested data of the wrong kind can raise."""


class Manifest(BaseModel):
    """What is read of a manifest.json; the rest is for people."""

    model_config = ConfigDict(strict=True)

    schema_version: int
    env_steps: NonNegativeInt
    sha256: dict[str, Checksum]
    bytes: dict[str, NonNegativeInt] = {}
    replay: ReplayOnDisk | None = None
    config: dict[str, Any] | None = None
    """Every setting that wrote it, by dotted path; None in checkpoints of before they were kept."""


def save_checkpoint(session: Session, run: RunDirectory) -> Path:
    """Write the session whole, then drop the oldest checkpoints beyond `checkpoint.keep`. Returns the new folder."""
    began = time.monotonic()
    run.checkpoints.mkdir(exist_ok=True)
    episodes = run.checkpoints / FOLDER
    replay: ReplayOnDisk | None = None
    if session.config.checkpoint.save_replay:
        replay = write_replay(session.feed, episodes, session.replay_on_disk)
        sync_folder(episodes)
    parts = {"state.pt": session.state_dict(), "policy.pt": _policy_state(session)}
    folder = _write(run.checkpoints / f"{session.env_steps:012d}", parts, session, replay, began)
    session.replay_on_disk = replay or {}
    for old in _folders(run)[: -session.config.checkpoint.keep]:
        shutil.rmtree(old)
    run.write_info({**run.read_info(), CHECKPOINTED: session.env_steps})
    if replay is not None:
        kept = [_manifest_or_none(path) for path in _folders(run)]
        remove_unused(episodes, [manifest.replay for manifest in kept if manifest and manifest.replay])
    return folder


def save_best(session: Session, run: RunDirectory) -> Path:
    """Keep the current policy as the best so far."""
    run.checkpoints.mkdir(exist_ok=True)
    return _write(run.checkpoints / BEST, {"policy.pt": _policy_state(session)}, session, None, time.monotonic())


def numbered_checkpoints(run: RunDirectory) -> list[Path]:
    """Complete checkpoints, oldest first."""
    return [path for path in _folders(run) if (path / "manifest.json").is_file()]


def changed_settings(run: RunDirectory, config: RunConfig, ends: Collection[str]) -> str | None:
    """How `config` differs, but for `ends`, from the settings of the newest readable checkpoint; None: it does not."""
    manifests = [_manifest_or_none(folder) for folder in reversed(_folders(run))]
    written = next((manifest for manifest in manifests if manifest), None)
    if written is None or written.config is None:
        return None
    before, default = written.config, json.loads(json.dumps(flat(RunConfig())))
    now = json.loads(json.dumps(flat(config)))  # as a manifest has it
    # A setting that is newer than the checkpoint was at what is its default now.
    changes = {name: (before.get(name, default.get(name)), value) for name, value in now.items() if name not in ends}
    said = [f"{name} from {old!r:.60} to {new!r:.60}" for name, (old, new) in changes.items() if old != new]
    return f"since its checkpoint at {written.env_steps:,} env steps: {', '.join(said)}" if said else None


def check_begun(run: RunDirectory) -> None:
    """Raise UserError where a run had checkpoints and has none: to begin again would put away what it has done."""
    info = run.read_info()
    if not _folders(run) and (CHECKPOINTED in info or info.get("status") in ("finished", "solved")):
        raise UserError(
            f"{run.path} has been trained, but its checkpoints are gone, so it cannot be continued; nothing of it was "
            f"changed. `{command_line('train', run.config)}` begins anew, in another folder."
        )


def load_latest(session: Session, run: RunDirectory) -> list[str]:
    """Put the newest undamaged checkpoint into `session`. Returns a sentence for every one that had to be passed over.

    Where every replay is damaged, the newest undamaged rest of a checkpoint must do. A run that has no checkpoint yet
    begins again: it will be the same run. Raises UserError when all there are are damaged.
    """
    folders = _folders(run)
    if not folders:
        check_begun(run)
        return ["It stopped before its first checkpoint, so it begins again, from nothing."]
    said: list[str] = []
    for folder in reversed(folders):
        try:
            _load(session, folder, with_replay=True)
        except UserError as error:
            said.append(str(error))
            continue
        _set_aside([path for path in folders if path > folder])
        return said
    for folder in reversed(folders):
        with suppress(UserError):
            _load(session, folder, with_replay=False)
            lost = f"{folder.name} is used without its replay: the run goes on from there, but not bit for bit."
            return [*said, lost]
    raise UserError(f"{run.path} holds no checkpoint to resume from. {' '.join(said)}")


def load_replay(feed: Feed, folder: Path) -> None:
    """Fill `feed` with what a checkpoint remembers; a checkpoint without one empties it."""
    manifest = _manifest(folder)
    with _explained(folder, "its replay"):
        if manifest.replay is not None:
            read_replay(feed, folder.parent / FOLDER, manifest.replay)
            return
        old = _part(folder, manifest, "replay.pt") if "replay.pt" in manifest.sha256 else {}
        for name, store in feed.stores().items():
            if name not in old:
                store.clear()
                continue
            size, following = int(old[name]["size"]), int(old[name]["next"])
            order = (torch.arange(size) + following) % max(size, 1)
            part = {field: value[order] for field, value in old[name]["data"].items()}
            added = size if size < store.capacity else store.capacity + following
            restore(store, added, size, added - size, [part] if size else ())


class SavedTeam(NamedTuple):
    """What a checkpoint kept of a team."""

    policy: GreedyPolicy
    spec: EnvSpec
    """What it was made for."""
    env_steps: int
    """How long it was trained."""
    config: RunConfig
    """The run's, with the sizes that these networks have."""
    networks: nn.ModuleDict
    """Its networks: `agent`, and those beside it that were kept."""
    thoughts: Callable[[EpisodeBatch], Thoughts]
    """See `Learner.thoughts`."""


def load_policy(run: RunDirectory | Path | str, checkpoint: str = BEST) -> tuple[GreedyPolicy, EnvSpec, int]:
    """A trained team: its greedy policy, the shapes it was made for, and the env steps it was trained for.

    run: a run directory. checkpoint: "best" (by test return; the newest where none was evaluated yet), "latest", or a
    number of env steps. Raises UserError where there is none, or it is damaged.
    """
    return read_team(run, checkpoint)[:3]


def read_team(run: RunDirectory | Path | str, checkpoint: str = BEST) -> SavedTeam:
    """All that was kept of the team that `load_policy` returns for the same arguments.

    A team acts by its `agent` alone. What stands beside that is left out where it was not kept (checkpoints of before
    it was, unless the whole run was saved at the same moment), and where it has a shape that is not built any more.
    """
    run = run if isinstance(run, RunDirectory) else RunDirectory.find(str(run))
    folder = _policy_folder(run, checkpoint)
    state = _part(folder, _manifest(folder), "policy.pt")
    whole = run.checkpoints / f"{state['env_steps']:012d}" if type(state.get("env_steps")) is int else folder
    config = load_config(str(run.config))
    with _explained(folder, "policy.pt"):
        spec = _SPEC.validate_python(state["spec"])
        config = _as_built(config, state)
        with torch.device("meta"):
            networks = algorithm_of(config).networks(spec, config)
        for name in [name for name in networks if name != "agent"]:
            parameters = state.get(name)
            if parameters is None and whole in numbered_checkpoints(run):
                online = _part(whole, _manifest(whole), "state.pt")["learner"]["online"]
                parameters = {key.removeprefix(f"{name}."): online[key] for key in online if key.startswith(f"{name}.")}
            try:
                _fill(networks[name], parameters or {})
            except RuntimeError:
                del networks[name]
        agent = _fill(networks["agent"], state["agent"])
        page = algorithm_of(config).page(spec, config)
        return SavedTeam(
            GreedyPolicy(agent, spec, config.network),
            spec,
            int(state["env_steps"]),
            config,
            networks,
            lambda episode: page.thoughts(networks, episode),
        )


class Inheritance(NamedTuple):
    """What a run takes over from the team that it begins as."""

    networks: dict[str, dict[str, Tensor]]
    """Parameters of every network that fits, by its name; `agent` is among them."""
    env_steps: int
    """How long that team was trained."""
    said: str
    """The same for people, in a sentence."""


def inheritance(config: RunConfig, spec: EnvSpec) -> Inheritance | None:
    """What `training.init_from` names, for a run with these networks; None where it names nothing.

    The agents' network must fit, whatever it was trained in and by; what stands beside it is taken where it has the
    same name and shapes. Raises UserError where there is nothing that fits, or nothing left to train.
    """
    source = config.training.init_from
    if not source:
        return None
    team = read_team(source)
    if team.spec.sizes[1:] != spec.sizes[1:]:
        raise UserError(
            f"training.init_from={source}: its agents have {team.spec.obs_dim} features and {team.spec.num_actions} "
            f"actions, those of {spec.key} have {spec.obs_dim} and {spec.num_actions}. Name a run with the same."
        )
    if team.env_steps >= config.training.max_env_steps:
        raise UserError(
            f"training.init_from={source}: its {team.env_steps:,} env steps count, and training ends at "
            f"{config.training.max_env_steps:,}. Raise t_max."
        )
    with torch.device("meta"):
        wanted = algorithm_of(config).networks(spec, config)
    fitting = {
        name: named_parameters(team.networks[name])
        for name, network in wanted.items()
        if name in team.networks and _shapes(team.networks[name]) == _shapes(network)
    }
    if "agent" not in fitting:
        raise UserError(
            f"training.init_from={source}: its agents' network has other shapes. Give this one the same [network]; "
            "with network.agent_id a team of another size never fits."
        )
    new = [name for name in wanted if name not in fitting]
    anew = f"; the {' and the '.join(new)} begins anew" if new else ""
    return Inheritance(
        fitting, team.env_steps, f"It begins as the team of {source}, whose {team.env_steps:,} env steps count{anew}."
    )


def _shapes(network: nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in network.state_dict().items()}


@provide_teams
def _load_others(run: str) -> tuple[GreedyPolicy, EnvSpec]:
    """The team of a run as somebody else's opponents or partners."""
    return load_policy(run)[:2]


def _policy_folder(run: RunDirectory, checkpoint: str) -> Path:
    """The checkpoint that `load_policy` means."""
    numbered = numbered_checkpoints(run)
    folder = run.checkpoints / BEST
    if not folder.is_dir():
        folder = _replaced(folder) if _replaced(folder).is_dir() else folder  # killed while it was being replaced
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
    return folder


def _policy_state(session: Session) -> dict[str, Any]:
    return {
        **session.learner.policy_state(),
        "network": session.config.network.model_dump(),
        "algorithm": session.config.algorithm.model_dump(),
        "spec": asdict(session.spec),
        "env_steps": session.env_steps,
    }


def _as_built(config: RunConfig, state: Mapping[str, Any]) -> RunConfig:
    """The configuration with the sizes that a policy's networks had when it was written."""
    # Which algorithm it is, the run says: a name may stand for code, and policy.pt is only data.
    algorithm = {**config.algorithm.model_dump(), **state.get("algorithm", {}), "name": config.algorithm.name}
    told = RunConfig.model_validate({"network": state["network"], "algorithm": algorithm})
    return config.model_copy(update={"network": told.network, "algorithm": told.algorithm})


def _fill(network: nn.Module, parameters: Mapping[str, Tensor]) -> Any:
    """Give a network without memory its parameters. None is allocated for it: a stranger's sizes may be absurd."""
    if any(value.dtype != torch.float32 for value in parameters.values()):
        raise RefusedError("its parameters are not of single precision")
    network.load_state_dict(parameters, assign=True)
    return network.eval()


def _folders(run: RunDirectory) -> list[Path]:
    """Checkpoints, whole or damaged, oldest first."""
    names = (path for path in run.checkpoints.glob("[0-9]*") if path.name.isascii() and path.name.isdecimal())
    return sorted((path for path in names if path.is_dir() and not path.is_symlink()), key=lambda path: int(path.name))


def _set_aside(damaged: list[Path]) -> None:
    """What could not be read must not be taken for the newest again; it is kept under another name."""
    for folder in damaged:
        aside = folder.with_name(f".{folder.name}.damaged")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)


def _replaced(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.replaced")


def _write(folder: Path, parts: Mapping[str, Any], session: Session, replay: ReplayOnDisk | None, began: float) -> Path:
    """Write every part and a manifest into a temporary folder beside `folder`, sync, and swap it in."""
    temporary, replaced = folder.with_name(f".{folder.name}.writing"), _replaced(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    if replaced.is_dir() and not folder.exists():
        replaced.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)
    try:
        temporary.mkdir()
        data = {name: tensor_bytes(state) for name, state in parts.items()}
        for name, content in data.items():
            _write_synced(temporary / name, content)
        chunks = {} if replay is None else {name: store.model_dump() for name, store in replay.items()}
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "lockstep": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "env_steps": session.env_steps,
            "updates": session.learner.updates,
            "config": flat(session.config),
            "bytes": {
                **{name: len(content) for name, content in data.items()},
                **({} if replay is None else {FOLDER: _replay_bytes(replay)}),
            },
            "seconds": round(time.monotonic() - began, 3),
            "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in data.items()},
            "replay": None if replay is None else chunks,
        }
        _write_synced(temporary / "manifest.json", json.dumps(manifest, indent=1).encode())
        sync_folder(temporary)
        if folder.exists():
            folder.rename(replaced)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)
    return folder


def _replay_bytes(replay: ReplayOnDisk) -> int:
    return sum(chunk.bytes for store in replay.values() for chunk in store.chunks)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _load(session: Session, folder: Path, *, with_replay: bool) -> None:
    """One checkpoint into the session. Raises UserError, with the session half changed, where it is damaged."""
    manifest = _manifest(folder)
    state = _part(folder, manifest, "state.pt")
    _part(folder, manifest, "policy.pt")
    with _explained(folder, "state.pt"):
        session.load_state_dict(state)
    session.replay_on_disk = {}
    if with_replay:
        load_replay(session.feed, folder)
        stores = session.feed.stores()
        if manifest.replay and all(store.added == manifest.replay[name].added for name, store in stores.items()):
            session.replay_on_disk = manifest.replay
    else:
        for store in session.feed.stores().values():
            store.clear()


def _manifest_or_none(folder: Path) -> Manifest | None:
    try:
        return _manifest(folder)
    except UserError:
        return None


def _manifest(folder: Path) -> Manifest:
    """Raises UserError where it cannot be read, or is of a version that is not known here."""
    try:
        content = json.loads(read_regular(folder / "manifest.json"))
        version = content["schema_version"]
        if version in READABLE:
            return Manifest.model_validate(content)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"The checkpoint {folder.name} has no readable manifest ({type(error).__name__}).") from error
    raise UserError(
        f"The checkpoint {folder.name} has schema version {version!r}; this Lockstep reads "
        f"{' and '.join(map(str, READABLE))}. A newer one may read it."
    )


def _part(folder: Path, manifest: Manifest, name: str) -> dict[str, Any]:
    """One file of a checkpoint, verified. Raises UserError where it is damaged, missing, or a stranger's."""
    if name not in manifest.sha256:
        raise UserError(f"The checkpoint {folder.name} is damaged: it has no {name}.")
    try:
        opened = open_tensors(folder / name, manifest.bytes.get(name, 0))
    except RefusedError as error:
        raise UserError(f"The checkpoint {folder.name} is damaged: {name}, {error}.") from error
    with _explained(folder, name), opened as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != manifest.sha256[name]:
            raise UserError(f"The checkpoint {folder.name} is damaged: {name} is not what was written.")
        tree = load_tensors(file)
        if not isinstance(tree, dict):
            raise RefusedError("it holds no table of named parts")
        return tree


@contextmanager
def _explained(folder: Path, name: str) -> Iterator[None]:
    """What a stranger's content provokes becomes a sentence. Raises UserError."""
    try:
        yield
    except RefusedError as error:
        raise UserError(
            f"The checkpoint {folder.name} is not a checkpoint that Lockstep wrote: {name} is refused unread, because "
            f"{error}."
        ) from error
    except _UNFITTING as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".: ")
        raise UserError(
            f"The checkpoint {folder.name} does not fit config.toml: {name}, {type(error).__name__}: {reason}."
        ) from error
