"""From a preset or a TOML file, and `key=value` words, to a RunConfig. EPyMARL's words are understood.

Unknown keys name their nearest neighbors; values that do not fit are one sentence each. Nothing is ever guessed.
"""

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import tomli_w
from pydantic import BaseModel, ValidationError

from lockstep import trust
from lockstep.config.presets import PRESETS
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError

Changes = dict[str, Any]
"""Dotted paths and their new values."""


class Knob(NamedTuple):
    """One field of the configuration, as documented in the schema."""

    path: str
    default: Any
    description: str


def knobs() -> dict[str, Knob]:
    """Every field by its dotted path, in the schema's order."""
    found = {}
    for section, field in RunConfig.model_fields.items():
        if isinstance(field.default, BaseModel):
            for name, inner in type(field.default).model_fields.items():
                path = f"{section}.{name}"
                default = inner.get_default(call_default_factory=True)
                found[path] = Knob(path, default, inner.description or "")
        else:
            found[section] = Knob(section, field.default, field.description or "")
    return found


def flat(config: RunConfig) -> dict[str, Any]:
    """A configuration's values by dotted path."""
    found: dict[str, Any] = {}
    for section, value in config.model_dump().items():
        if isinstance(value, dict):
            found |= {f"{section}.{name}": inner for name, inner in value.items()}
        else:
            found[section] = value
    return found


def load_config(source: str, words: Sequence[str] = ()) -> RunConfig:
    """The configuration that `source` (a preset's name, or a TOML file) and `words` (key=value) describe.

    Raises UserError with one sentence for the first thing that is wrong.
    """
    changes = parse_words(words)
    if source in PRESETS:
        return validated(with_changes(PRESETS[source]().model_dump(), changes))
    file, base = _read(source)
    trust.tell(file, base, changes)
    return validated(with_changes(base, changes))


def validated(values: Mapping[str, Any]) -> RunConfig:
    """A RunConfig from nested plain values. Raises UserError where they do not fit."""
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise UserError(_sentence(error.errors()[0])) from None


def dump_toml(config: RunConfig) -> str:
    """The whole configuration as TOML; unset values are left out. `load_config` reads it back to an equal one."""
    return tomli_w.dumps(config.model_dump(exclude_none=True))


def explain_toml(config: RunConfig) -> str:
    """The same TOML with every setting's documentation above it."""
    described = knobs()
    section, lines = "", []
    for line in dump_toml(config).splitlines():
        if line.startswith("["):
            section = line.strip("[]") + "."
        knob = described.get(section + line.partition(" = ")[0])
        if knob:
            lines += [f"# {part}" for part in knob.description.splitlines()]
        lines.append(line)
    return "\n".join(lines) + "\n"


def parse_words(words: Sequence[str]) -> Changes:
    """`key=value` words as changes by dotted path. Raises UserError for a word that is none or an unknown key."""
    changes: Changes = {}
    for word in words:
        if word == "with":  # EPyMARL's (sacred's) separator
            continue
        key, separator, value = word.partition("=")
        if not separator or not key:
            raise UserError(f"{word!r} is no override: write key=value, for example lr=0.001.")
        changes |= _translate(key.strip().lstrip("-"), value.strip())
    return changes


def _read(source: str) -> tuple[Path, dict[str, Any]]:
    """A configuration's file, of a run where `source` is a folder, and the values in it."""
    path = Path(source)
    if path.is_dir() and (path / "config.toml").is_file():
        path = path / "config.toml"
    if not path.is_file():
        if path.suffix == ".toml" or len(path.parts) > 1:
            raise UserError(
                f"There is no file {source}. `lockstep config solve > {path.name}` makes one to start from."
            )
        raise UserError(f"{source!r} is neither a preset nor a TOML file. {_nearest(source, PRESETS, 'preset')}")
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{source} cannot be read ({type(error).__name__}). Give a TOML text file.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{source} is not valid TOML: {error}. `lockstep config solve` prints a valid one.") from None


def with_changes(base: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """`base` with every changed path set; `base` itself is left alone."""
    result: dict[str, Any] = {name: dict(value) if isinstance(value, dict) else value for name, value in base.items()}
    for path, value in changes.items():
        *parents, leaf = path.split(".")
        place = result
        for name in parents:
            inner = place.get(name)
            place[name] = dict(inner) if isinstance(inner, dict) else {}
            place = place[name]
        place[leaf] = value
    return result


def parse_value(text: str) -> Any:
    """A word's value as plain data: true, None, 5_000_000, 5e6, 0.1, [1, 2], {a = 1}, or else the text itself."""
    named = {"true": True, "false": False, "none": None, "null": None, "": None}
    if text.lower() in named:
        return named[text.lower()]
    for read in (int, float, json.loads, _toml_value):
        try:
            return read(text)
        except (ValueError, RecursionError):
            continue
    return text


def _toml_value(text: str) -> Any:
    """A list or a table as TOML writes it, with single quotes too. Raises ValueError for anything else."""
    if not text.startswith(("[", "{")):
        raise ValueError("no list and no table")
    return tomllib.loads(f"value = {text}")["value"]


def _translate(key: str, text: str) -> Changes:
    known = knobs()
    value = parse_value(text)
    if key in known:
        return {key: value}
    if key.startswith("env.arguments."):
        return {key: value}
    if key.startswith("env_args."):
        name = key.removeprefix("env_args.")
        return {f"env.{name}" if name in ("key", "time_limit") else f"env.arguments.{name}": value}
    if key in EPYMARL:
        return EPYMARL[key](key, value)
    paths = [path for path in known if path.rpartition(".")[2] == key]
    if len(paths) == 1:
        return {paths[0]: value}
    if paths:
        raise UserError(f"{key!r} could be {' or '.join(paths)}: write the one you mean.")
    leaves = {path.rpartition(".")[2] for path in known}
    raise UserError(f"There is no setting {key!r}. {_nearest(key, [*known, *leaves, *EPYMARL], 'setting')}")


def _nearest(text: str, known: Iterable[str], kind: str) -> str:
    """What was probably meant, or where to look."""
    close = get_close_matches(text, list(known), n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(repr(name) for name in close)}?"
    return "`lockstep presets` lists the presets." if kind == "preset" else "`lockstep config solve` prints them all."


def _sentence(error: Mapping[str, Any]) -> str:
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        inside = path.rpartition(".")[0]
        siblings = (
            [knob for knob in knobs() if knob.startswith(f"{inside}.")] if inside else list(RunConfig.model_fields)
        )
        return f"There is no setting {path!r}. {_nearest(path, siblings or knobs(), 'setting')}"
    if error["type"] == "value_error":
        return f"{error['ctx']['error']}."
    context = error.get("ctx", {})
    rules = {
        "greater_than_equal": "must be at least {ge}",
        "greater_than": "must be greater than {gt}",
        "less_than_equal": "must be at most {le}",
        "literal_error": "must be {expected}",
        "finite_number": "must be a finite number",
        "int_from_float": "must be a whole number",
        "string_type": "must be text in quotes",
    }
    rule = rules.get(error["type"], "").format(**context)
    if not rule:
        for start, text in (("int", "a whole number"), ("float", "a number"), ("bool", "true or false")):
            if error["type"].startswith(start):
                rule = f"must be {text}"
    knob = knobs().get(path)
    about = ""
    if knob and error["type"] != "literal_error":
        about = f" ({knob.description.split('.')[0].split(';')[0]})"
    return f"{path}={error['input']!r} {rule or 'does not fit: ' + error['msg']}{about}."


def _to(path: str) -> Callable[[str, Any], Changes]:
    return lambda key, value: {path: value}


def _ignored(key: str, value: Any) -> Changes:
    """Words that change nothing here: what they ask for is always so, or has no counterpart."""
    return {}


def _only(expected: Any, why: str) -> Callable[[str, Any], Changes]:
    """Words whose only meaning here is `expected`; anything else would change the experiment silently."""

    def check(key: str, value: Any) -> Changes:
        if value != expected:
            raise UserError(f"{key}={value} is not supported: {why}. Leave it out, or set {key}={expected}.")
        return {}

    return check


def _target_update(key: str, value: Any) -> Changes:
    """EPyMARL's one number for two rules: a period in updates above 1, a share of the way up to 1."""
    hard = not isinstance(value, int | float) or value > 1
    sync, tau = (value, 0.0) if hard else (0, value)
    return {"algorithm.target_sync_updates": sync, "algorithm.target_tau": tau}


def _mixer(key: str, value: Any) -> Changes:
    return {"algorithm.name": "iql" if value is None else value}


def _agent(key: str, value: Any) -> Changes:
    if value not in ("rnn", "ff"):
        raise UserError(f"agent={value} is not known here: write agent=rnn or agent=ff.")
    return {"network.recurrent": value == "rnn"}


def _device(key: str, value: Any) -> Changes:
    return {"training.device": "cuda" if value is True else "cpu" if value is False else value}


EPYMARL: Mapping[str, Callable[[str, Any], Changes]] = {
    "t_max": _to("training.max_env_steps"),
    "batch_size_run": _to("collection.num_envs"),
    "epsilon_anneal_time": _to("exploration.epsilon_anneal_env_steps"),
    "evaluation_epsilon": _to("evaluation.epsilon"),
    "test_interval": _to("evaluation.every_env_steps"),
    "test_nepisode": _to("evaluation.episodes"),
    "log_interval": _to("logging.every_env_steps"),
    "learner_log_interval": _to("logging.every_env_steps"),
    "runner_log_interval": _to("logging.every_env_steps"),
    "save_model_interval": _to("checkpoint.every_env_steps"),
    "optim_eps": _to("optimizer.eps"),
    "obs_agent_id": _to("network.agent_id"),
    "obs_last_action": _to("network.last_action"),
    "hypernet_embed": _to("network.hypernet_embed_dim"),
    "standardise_rewards": _to("algorithm.standardize_rewards"),
    "use_rnn": _to("network.recurrent"),
    "td_lambda": _to("algorithm.td_lambda"),
    "q_nstep": _to("algorithm.n_step"),
    "target_update_interval_or_tau": _target_update,
    "mixer": _mixer,
    "agent": _agent,
    "use_cuda": _device,
    "use_tensorboard": _to("logging.tensorboard"),
    "env": _only("gymma", "the environment is named by env_args.key alone"),
    "name": _to("algorithm.name"),
    "save_model": _ignored,
    "label": _ignored,
    "buffer_cpu_only": _ignored,
    "test_greedy": _only(True, "set evaluation.epsilon for evaluations that are not greedy"),
    "common_reward": _only(True, "the mixers learn from the team's reward"),
    "reward_scalarisation": _only("sum", "the team's reward is the sum over its agents"),
    "standardise_returns": _only(False, "only rewards can be standardized"),
    "action_selector": _only("epsilon_greedy", "exploration is epsilon-greedy"),
    "runner": _only("episode", "say batch_size_run=N for N environments side by side"),
    "learner": _only("q_learner", "say mixer=qmix, vdn or None"),
}
"""EPyMARL's words (src/config/default.yaml, algs/qmix.yaml) and what they change here."""
