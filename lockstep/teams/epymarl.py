"""Teams that EPyMARL trained, as runs of ours, and ours as checkpoints that EPyMARL loads.

    results/models/<token>/<env steps>/    agent.th, mixer.th, opt.th: plain state dicts
    results/sacred/.../                    config.json and metrics.json, which belong to a token by its name

A checkpoint of EPyMARL's is a stranger's file: its numbers are read, and nothing in it is executed or believed.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lockstep import trust
from lockstep.config.epymarl import ACTOR_CRITICS, SHIPPED, epymarl_config
from lockstep.config.load import dump_toml, load_config, understood
from lockstep.config.sacred import read_sacred
from lockstep.config.schema import RunConfig
from lockstep.config.words import parse_words
from lockstep.envs.registry import code_named, has_official_engine, names_code
from lockstep.errors import UserError
from lockstep.runs.delivery import deliver
from lockstep.runs.directory import RunDirectory, read_json
from lockstep.runs.loggers import JsonlLogger
from lockstep.runs.sacred import CONFIG, METRICS, sacred_rows
from lockstep.shell import quoted
from lockstep.spec import EnvSpec
from lockstep.training.checkpoints.checkpoint import BEST, read_team, save_best, save_checkpoint
from lockstep.training.checkpoints.tensor_files import RefusedError, read_parameters, tensor_bytes
from lockstep.training.session import Session

_TOKEN = re.compile(r"(?P<name>.+)_seed(?P<seed>\d+)_(?P<key>.+)_\d{4}-\d\d-\d\d[ _]\d\d[:.]\d\d[:.]\d\d(\.\d+)?")
_THEIRS = {
    "networks": "agents",
    "encode": "fc1",
    "hidden": "rnn",
    "gru": "rnn",
    "values": "fc2",
    "w1": "hyper_w_1",
    "w2": "hyper_w_final",
    "b1": "hyper_b_1",
    "v": "V",
}
"""What the parts of agents and of QMIX's mixer are called there."""
_SHAPE_WORDS = (
    "use_rnn",
    "hidden_dim",
    "obs_agent_id",
    "obs_last_action",
    "mixing_embed_dim",
    "hypernet_layers",
    "hypernet_embed",
)


class Imported(NamedTuple):
    """What came of a checkpoint of EPyMARL's."""

    run: RunDirectory
    env_steps: int
    remarks: tuple[str, ...]
    """What of it is not as it was there, a sentence each."""


def import_checkpoint(
    path: Path,
    step: int | None = None,
    config: Path | None = None,
    words: Sequence[str] = (),
    out: Path | None = None,
    *,
    trusted: bool = False,
) -> Imported:
    """Make a run of a checkpoint of EPyMARL's: a team that can be judged, shown, reported on, and trained on.

    path: results/models/<token>, or one of the checkpoints in it. step: which one; None: the newest. config: the
    config.json that it was trained with; None: the one in results/sacred with the token's name, seed and world. words:
    changes of it. out: the run's folder. trusted: whether code that config.json names as its world may run. Raises
    UserError, with nothing written, where something does not fit.
    """
    folder = _checkpoint(path, step)
    file = _config_file(folder.parent) if config is None else config
    theirs = read_sacred(file)
    if trusted:
        trust.allow(file)
    # Where it was trained does not matter, and a GPU may not be there.
    said = understood(file, theirs, {"training.device": "cpu", **parse_words(words)})
    session = Session(said)
    wanted = session.learner.policy_state()
    given: dict[str, dict[str, Tensor]] = {}
    for part in wanted.keys() & {"agent", "mixer"}:
        given[part] = _read_part(folder, part, wanted[part], session.spec, said)
    session.begin_from(given, int(folder.name))
    metrics = file.with_name(METRICS)
    rows = sacred_rows(file.parent) if metrics.is_file() else ([], [])
    training, tests = ([row for row in part if row["env_steps"] <= session.env_steps] for part in rows)
    session.episodes = int(max((row.get("episode", 0) for row in training), default=0))
    engine = "official" if has_official_engine(said.env.key) else "lockstep"
    run = RunDirectory.create(out, f"epymarl-{said.algorithm.name}", said.seed, dump_toml(said))
    with run.locked(), run.writing("the imported team"):
        logger = JsonlLogger()
        logger.begin(said, run)
        for row in training:
            logger.training(row)
        for row in tests:
            logger.evaluation({"engine": engine, "episodes": said.evaluation.episodes, **row})
        save_checkpoint(session, run)
        save_best(session, run)
        run.set_status("finished", imported_from=str(folder.resolve()))
    if names_code(said.env.key):
        trust.remember(code_named(said.env))
    remarks = [f"Not taken from {file.name}: {sentence}" for sentence in theirs.refused.values()]
    if new := [part for part in wanted if part not in given]:
        remarks.append(f"The team's {' and '.join(new)} begins anew, should it be trained on.")
    return Imported(run, session.env_steps, tuple(remarks))


def export_checkpoint(run: RunDirectory, out: Path, checkpoint: str = BEST) -> tuple[list[Path], str]:
    """Write a run's team as EPyMARL saves one, below `out`: models/<token>/<env steps>, and its config.json below
    sacred. Returns the files, and the command by which EPyMARL plays it.

    The optimizer is a fresh one. Raises UserError for a team that EPyMARL has no network or no world for.
    """
    team = read_team(run, checkpoint)
    config = team.config.model_copy(update={"env": load_config(str(run.config)).env})
    _check_known_there(run, config)
    words = epymarl_config(config)
    name = f"{config.algorithm.name}{'_ns' if config.network.sharing == 'none' else ''}"
    key = words["env_args"]["key"]
    created = datetime.fromisoformat(str(run.read_info().get("created", "1970-01-01"))).replace(tzinfo=None)
    token = f"{name}_seed{config.seed}_{key}_{created:%Y-%m-%d_%H:%M:%S}".replace("/", "_")
    parts = {
        part: OrderedDict((their_names(module.state_dict())[key], value) for key, value in module.state_dict().items())
        for part, module in team.networks.items()
    }
    parameters = [nn.Parameter(value) for part in parts.values() for value in part.values()]
    optimizer = torch.optim.Adam(parameters, lr=config.optimizer.lr).state_dict()
    folder = out / "models" / token / str(team.env_steps)
    saved = {"agent": parts["agent"], **({} if words["mixer"] is None else {"mixer": parts["mixer"]}), "opt": optimizer}
    files: dict[Path, str | bytes] = {folder / f"{part}.th": tensor_bytes(state) for part, state in saved.items()}
    sacred = out / "sacred" / name / key.replace("/", "_") / str(config.seed)
    files[sacred / CONFIG] = json.dumps({**words, "name": name}, indent=1) + "\n"
    told = [f"{word}={words[word]}" for word in _SHAPE_WORDS if word in words]
    arguments = {**words["env_args"], "time_limit": team.spec.time_limit}  # theirs is 100 where nothing is said
    told += [f"env_args.{word}={value}" for word, value in arguments.items() if value is not None]
    command = ["python", "src/main.py", f"--config={name}", "--env-config=gymma", "with", *told]
    command += [f"checkpoint_path={folder.parent.resolve()}", "evaluate=True"]
    return deliver(dict(files)), " ".join(map(quoted, command))


def their_names(ours: Iterable[str]) -> dict[str, str]:
    """What the parameters of agents, or of QMIX's mixer, are called there, by their names here."""
    names = {name: ".".join(_THEIRS.get(word, word) for word in name.removesuffix("_l0").split(".")) for name in ours}
    flat = ["hyper_b_1."] + ([] if "w1.2.weight" in names else ["hyper_w_1.", "hyper_w_final."])
    return {
        name: theirs.replace(".0.", ".") if theirs.startswith(tuple(flat)) else theirs for name, theirs in names.items()
    }


def _checkpoint(path: Path, step: int | None) -> Path:
    """The folder of the checkpoint that is meant."""
    if path.name.isdecimal() and (path / "agent.th").is_file() and step is None:
        return path
    steps = sorted(int(file.parent.name) for file in path.glob("[0-9]*/agent.th") if file.parent.name.isdecimal())
    if not steps:
        tokens = sorted({file.parents[1].name for file in path.glob("*/[0-9]*/agent.th")})
        there = f"It has {', '.join(tokens[:3])}: name one of them." if tokens else "Give results/models/<token>."
        raise UserError(f"{path} holds no checkpoint of EPyMARL's (NUMBER/agent.th). {there}")
    if step is not None and step not in steps:
        raise UserError(f"{path} has no checkpoint at {step} steps; it has: {', '.join(map(str, steps))}.")
    return path / str(steps[-1] if step is None else step)


def _config_file(token: Path) -> Path:
    """The config.json among the neighboring sacred folders that says what the token's name says."""
    match = _TOKEN.fullmatch(token.resolve().name)
    places = [token.parent.parent / "sacred", token.parent / "sacred"]
    found = []
    for file in [file for place in places if place.is_dir() for file in sorted(place.rglob(CONFIG))] if match else []:
        said = read_json(file)
        arguments = said.get("env_args")
        key = (arguments.get("map_name") or arguments.get("key")) if isinstance(arguments, dict) else None
        if match and (said.get("name"), str(said.get("seed")), key) == match.group("name", "seed", "key"):
            found.append(file)
    if len(found) != 1:
        raise UserError(
            f"What {token.name} was trained with stands in a config.json, and {len(found) or 'none'} of those in "
            f"{places[0]} {'have' if found else 'has'} its name, seed and world. Name it with --config FILE."
        )
    return found[0]


def _read_part(
    folder: Path, part: str, wanted: Mapping[str, Tensor], spec: EnvSpec, config: RunConfig
) -> dict[str, Tensor]:
    """The parameters of a network by our names. Raises UserError where the file is none, or of another network."""
    file, names = folder / f"{part}.th", their_names(wanted)
    if not names:
        return {}
    try:
        saved = read_parameters(file)
    except RefusedError as error:
        raise UserError(f"{file} is not read: {error}. Give a checkpoint that EPyMARL saved.") from None
    if saved.keys() != set(names.values()):
        kinds = {
            "agents.0.fc1.weight": "a network for every agent (mac=non_shared_mac)",
            "fc1.weight": "one network for all agents (mac=basic_mac)",
            "rnn.weight_ih": "a recurrent network (use_rnn=True)",
            "rnn.weight": "a network without memory (use_rnn=False)",
        }
        kind = next((kinds[name] for name in kinds if name in saved and name not in names.values()), None)
        raise UserError(
            f"{file} holds {kind or 'parameters of another network'}, and not what its config.json says. Name the "
            "right one with --config FILE, or say what is different, as in use_rnn=True."
        )
    for name, theirs in names.items():
        if saved[theirs].shape != wanted[name].shape:
            sizes = f"{tuple(saved[theirs].shape)} where {tuple(wanted[name].shape)} would fit"
            raise UserError(
                f"{file}: {theirs} is {sizes}: {spec.num_agents} agents that see {spec.obs_dim} numbers, with "
                f"obs_last_action={config.network.last_action}, obs_agent_id={config.network.agent_id} and "
                f"hidden_dim={config.network.hidden_dim}. Name its own config.json with --config FILE."
            )
    return {name: saved[theirs] for name, theirs in names.items()}


def _check_known_there(run: RunDirectory, config: RunConfig) -> None:
    """Raise UserError for a team that EPyMARL cannot play."""
    reasons = {
        f"EPyMARL has no {config.algorithm.name}": config.algorithm.name not in SHIPPED,
        "EPyMARL's critics are other networks than ours, and it loads no actor without one": (
            config.algorithm.name in ACTOR_CRITICS
        ),
        "its agents see remembered numbers (env.remember_onset), which no world of EPyMARL's has": bool(
            config.env.remember_onset
        ),
        "groups of its agents share parameters (network.sharing), and there all do or none": not isinstance(
            config.network.sharing, str
        ),
        "other teams play in its world (env.team)": bool(config.env.team),
        "its mixer sees a state of the world's own (env.state)": config.env.state == "own",
    }
    for reason in (reason for reason, holds in reasons.items() if holds):
        raise UserError(f"{run.path} cannot be written for EPyMARL: {reason}. --format onnx or npz takes any team.")
