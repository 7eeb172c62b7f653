"""From a preset or a TOML file, and `key=value` words, to a RunConfig. EPyMARL's words are understood.

Unknown keys name their nearest neighbors; values that do not fit are one sentence each. Nothing is ever guessed.
"""

import json
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeGuard

import tomli_w
from pydantic import ValidationError

from lockstep import trust
from lockstep.config.epymarl import DECIDING, ENV_ARGS, EPYMARL, INTERVALS, OVERRULED, Changes, widths
from lockstep.config.knobs import Knob, knobs, knobs_of
from lockstep.config.presets import PRESETS, preset
from lockstep.config.schema import RunConfig
from lockstep.config.schema.algorithms import DEFAULT, SECTIONS, section_of
from lockstep.config.schema.run import MOVED, modern
from lockstep.errors import UserError
from lockstep.files import NotPlainError, read_regular
from lockstep.shell import quoted

_NAMES = ("algorithm", "algorithm.name", "mixer", "name")
"""Words that name an algorithm."""
_SHORT = {"pqn": "pqn_vdn"}
"""Names that are said shorter."""


def load_config(source: str, words: Sequence[str] = ()) -> RunConfig:
    """The configuration that `source` (a preset's name, or a TOML file) and `words` (key=value) describe.

    Raises UserError with one sentence for the first thing that is wrong.
    """
    changes = parse_words(words)
    if source in PRESETS:
        base = preset(source, changes.get("algorithm.name"))
        return validated(with_changes(base.model_dump(), changes))
    file, values = _read(source)
    if isinstance(values.get("algorithm"), str):
        values["algorithm"] = {"name": values["algorithm"]}
    trust.tell(file, values, changes)
    return validated(with_changes(values, changes))


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
    described = knobs(config)
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
    pairs: list[tuple[str, str]] = []
    for word in words:
        if word == "with":  # EPyMARL's (sacred's) separator
            continue
        key, separator, value = word.partition("=")
        if not separator or not key:
            raise UserError(f"{word!r} is no override: write key=value, for example lr=0.001.")
        pairs.append((key.strip().lstrip("-"), value.strip()))
    known = knobs()
    for key, value in pairs:
        if key in _NAMES and ":" in value:  # an algorithm of one's own may have settings of its own
            known |= knobs_of("algorithm", [section_of(value)])
    changes: Changes = {}
    for key, value in sorted(pairs, key=_rank):  # as written, but for some of EPyMARL's
        new = _translate(key, value, known)
        if key in INTERVALS and (same := changes.keys() & new.keys()):
            new = {path: min(changes[path], new[path], key=_size) for path in same}
        changes |= new
    return widths(changes) if any(key == "mixing_embed_dim" for key, _ in pairs) else changes


def _rank(pair: tuple[str, str]) -> int:
    """What is said first, whatever the order: words that only name, all others, words that decide."""
    return 0 if pair[0] in OVERRULED else 2 if pair[0] in DECIDING else 1


def _size(interval: Any) -> float:
    """The smallest counts; what is no number is refused where it lands."""
    return interval if isinstance(interval, int | float) else -math.inf


def _read(source: str) -> tuple[Path, dict[str, Any]]:
    """A configuration's file, of a run where `source` is a folder, and the values in it."""
    path = Path(source)
    if path.is_dir() and (path / "config.toml").is_file():
        path = path / "config.toml"
    if not path.is_file():
        if path.suffix == ".toml" or len(path.parts) > 1:
            raise UserError(
                f"There is no file {source}. `lockstep config solve > {quoted(path.name)}` makes one to start from."
            )
        raise UserError(f"{source!r} is neither a preset nor a TOML file. {_nearest(source, PRESETS, 'preset')}")
    try:
        content = read_regular(path, follow=path.name != trust.RUN_FILE)
        return path, tomllib.loads(content.decode("utf-8-sig"))  # some editors begin a text with a mark
    except NotPlainError as error:
        raise UserError(f"{source} cannot be read: {error}. Give a TOML text file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{source} cannot be read ({type(error).__name__}). Give a TOML text file.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{source} is not valid TOML: {error}. `lockstep config solve` prints a valid one.") from None


def with_changes(base: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """`base` with every changed path set; `base` itself is left alone.

    Where the algorithm becomes another, what only the former has is left out.
    """
    result: dict[str, Any] = {
        name: dict(value) if isinstance(value, dict) else value for name, value in modern(base).items()
    }
    former, new = result.get("algorithm"), changes.get("algorithm.name")
    if isinstance(former, dict) and _is_algorithm(new) and new != (name := former.get("name", DEFAULT)):
        theirs = SECTIONS[name].model_fields if isinstance(name, str) and name in SECTIONS else former
        left_out = theirs.keys() - section_of(new).model_fields.keys()
        result["algorithm"] = {setting: value for setting, value in former.items() if setting not in left_out}
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


def _drawing(file: Path) -> str:
    """The text of a floor plan, which is kept instead of its place. Only who types may name a file, no other file."""
    try:
        return read_regular(file).decode("utf-8-sig")
    except NotPlainError as error:
        raise UserError(f"layout=@{file} cannot be read: {error}. Give a text file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"layout=@{file} cannot be read ({type(error).__name__}). Give a text file.") from None


def _toml_value(text: str) -> Any:
    """A list or a table as TOML writes it, with single quotes too. Raises ValueError for anything else."""
    if not text.startswith(("[", "{")):
        raise ValueError("no list and no table")
    return tomllib.loads(f"value = {text}")["value"]


def _is_algorithm(name: Any) -> TypeGuard[str]:
    return isinstance(name, str) and (":" in name or name in SECTIONS)


def _translate(key: str, text: str, known: Mapping[str, Knob]) -> Changes:
    value = parse_value(_SHORT.get(text, text) if key in _NAMES else text)
    if key in ("env.arguments.layout", "env_args.layout") and text.startswith("@"):
        return {"env.arguments.layout": _drawing(Path(text[1:]))}
    if key == "algorithm":
        return {"algorithm.name": value}
    if key in MOVED:
        return {MOVED[key]: value}
    if key in known or key.startswith(("env.arguments.", "algorithm.")):  # whoever has it: that is judged as a whole
        return {key: value}
    if key.startswith("env_args."):
        name = key.removeprefix("env_args.")
        if name in ENV_ARGS:
            return EPYMARL[name](name, value)
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
