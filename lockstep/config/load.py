"""From a preset or a TOML file, and `key=value` words, to a RunConfig. EPyMARL's words are understood.

Unknown keys name their nearest neighbors; values that do not fit are one sentence each. Nothing is ever guessed.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import tomli_w
from pydantic import ValidationError

from lockstep import trust
from lockstep.config.epymarl import Changes
from lockstep.config.knobs import knobs
from lockstep.config.presets import PRESETS, preset
from lockstep.config.sacred import SHELF, SacredConfig, read_sacred, shipped
from lockstep.config.schema import RunConfig
from lockstep.config.schema.algorithms import DEFAULT, SECTIONS, section_of
from lockstep.config.schema.run import modern
from lockstep.config.words import nearest, parse_words
from lockstep.errors import UserError
from lockstep.files import NotPlainError, read_regular
from lockstep.shell import quoted


def load_config(source: str, words: Sequence[str] = ()) -> RunConfig:
    """The configuration that `source` (a preset's name, or a TOML file) and `words` (key=value) describe.

    Sources of EPyMARL's are taken, too: the config.json that sacred wrote, and what EPyMARL ships, as `epymarl/qmix`.
    Raises UserError with one sentence for the first thing that is wrong.
    """
    if source.startswith(SHELF) and not Path(source).exists():
        theirs_shipped = shipped(source)
        changes = parse_words(words, theirs_shipped["algorithm.name"])
        return validated(with_changes(RunConfig().model_dump(), theirs_shipped | changes))
    changes = parse_words(words)
    if source in PRESETS:
        base = preset(source, changes.get("algorithm.name"), changes.get("env.key"))
        return validated(with_changes(base.model_dump(), changes))
    if source.endswith(".json"):
        theirs = read_sacred(Path(source))
        changes = parse_words(words, theirs.changes.get("algorithm.name"))
        named = {word.partition("=")[0].lstrip("-") for word in words}
        config = understood(Path(source), theirs, changes)
        for sentence in (sentence for word, sentence in theirs.refused.items() if word not in {"name", *named}):
            raise UserError(f"{source}: {sentence}")
        return config
    file, values = _read(source)
    if isinstance(values.get("algorithm"), str):
        values["algorithm"] = {"name": values["algorithm"]}
    trust.tell(file, values, changes)
    return validated(with_changes(values, changes))


def understood(file: Path, theirs: SacredConfig, changes: Changes | None = None) -> RunConfig:
    """The configuration that a file of EPyMARL's describes, as far as it is understood, with `changes` of the user's.

    Raises UserError where its values do not fit, or its algorithm is not here and the user names no other.
    """
    typed = {} if changes is None else changes
    if "name" in theirs.refused and "algorithm.name" not in typed:
        raise UserError(f"{file}: {theirs.refused['name']}")
    trust.tell(file, with_changes({}, theirs.changes), typed)
    return validated(with_changes(RunConfig().model_dump(), theirs.changes | typed))


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
        raise UserError(f"{source!r} is neither a preset nor a TOML file. {nearest(source, PRESETS, 'preset')}")
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


def _is_algorithm(name: Any) -> TypeGuard[str]:
    return isinstance(name, str) and (":" in name or name in SECTIONS)


def _sentence(error: Mapping[str, Any]) -> str:
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        inside = path.rpartition(".")[0]
        siblings = (
            [knob for knob in knobs() if knob.startswith(f"{inside}.")] if inside else list(RunConfig.model_fields)
        )
        return f"There is no setting {path!r}. {nearest(path, siblings or knobs(), 'setting')}"
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
