"""`key=value` words, ours and EPyMARL's, as changes of a configuration by dotted path.

Unknown keys name their nearest neighbors. Nothing is ever guessed.
"""

import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lockstep.config.epymarl import (
    ACTOR_CRITICS,
    DECIDING,
    ENV_ARGS,
    EPYMARL,
    INTERVALS,
    OF_ACTOR_CRITICS,
    OVERRULED,
    Changes,
    widths,
)
from lockstep.config.knobs import Knob, knobs, knobs_of
from lockstep.config.schema.algorithms import section_of
from lockstep.config.schema.run import MOVED
from lockstep.errors import UserError
from lockstep.files import NotPlainError, read_regular

_NAMES = ("algorithm", "algorithm.name", "mixer", "name")
"""Words that name an algorithm."""
_SHORT = {"pqn": "pqn_vdn"}
"""Names that are said shorter."""


def parse_words(words: Sequence[str], algorithm: object = None) -> Changes:
    """`key=value` words as changes by dotted path. algorithm: that of the configuration that they change, unless one of
    them names another.

    Raises UserError for a word that is none or an unknown key.
    """
    pairs: list[tuple[str, Any]] = []
    for _, key, typed in split_words(words, "key=value, for example lr=0.001"):
        text = typed.strip()
        key = "env.arguments.layout" if key in ("layout", "env_args.layout") else key
        drawn = key == "env.arguments.layout" and text.startswith("@")
        pairs.append((key, _drawing(Path(text[1:])) if drawn else parse_value(text)))
    known = knobs()
    for key, value in pairs:
        if key in _NAMES and isinstance(value, str) and ":" in value:  # one of one's own may have settings of its own
            known |= knobs_of("algorithm", [section_of(value)])
    named = [value for key, value in pairs if key in _NAMES]
    changes: Changes = {}
    for key, value in in_their_order(pairs):
        changes = merged(changes, key, translate(key, value, known, named[-1] if named else algorithm))
    return widths(changes) if any(key == "mixing_embed_dim" for key, _ in pairs) else changes


def split_words(words: Iterable[str], how: str) -> Iterator[tuple[str, str, str]]:
    """Every override as it was typed, its key, and what stands behind the sign. how: they are written.

    Raises UserError for a word that is none.
    """
    for word in words:
        if word == "with":  # EPyMARL's (sacred's) separator
            continue
        key, separator, text = word.partition("=")
        key = key.strip().lstrip("-")
        if not separator or not key:
            raise UserError(f"{word!r} is no override: write {how}.")
        yield word, key, text


def in_their_order(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Words and values as they were written, but for EPyMARL's words that only name, or that decide."""
    return sorted(pairs, key=lambda pair: 0 if pair[0] in OVERRULED else 2 if pair[0] in DECIDING else 1)


def merged(changes: Changes, word: str, new: Changes) -> Changes:
    """The changes so far and those of one word more, which come last; of EPyMARL's intervals the smallest counts."""
    if word in INTERVALS and (same := changes.keys() & new.keys()):
        new = {path: min(changes[path], new[path], key=_size) for path in same}
    return changes | new


def _size(interval: Any) -> float:
    """The smallest counts; what is no number is refused where it lands."""
    return interval if isinstance(interval, int | float) else -math.inf


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


def as_word(value: Any) -> str:
    """What stands behind `key=` for a value, on one line: `parse_value` reads it back."""
    if isinstance(value, str):
        return value.replace("\n", "\\n") if parse_value(value) == value else json.dumps(value)
    return "none" if value is None else json.dumps(value)


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


def translate(key: str, value: Any, known: Mapping[str, Knob], algorithm: object = None) -> Changes:
    """What one word changes. known: all settings, by dotted path. algorithm: whose word it is, where that is known.

    Raises UserError for a word that means nothing.
    """
    if key in _NAMES and isinstance(value, str):
        value = _SHORT.get(value, value)
    if algorithm in ACTOR_CRITICS and key in OF_ACTOR_CRITICS:
        return OF_ACTOR_CRITICS[key](key, value)
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
    raise UserError(f"There is no setting {key!r}. {nearest(key, [*known, *leaves, *EPYMARL], 'setting')}")


def nearest(text: str, known: Iterable[str], kind: str) -> str:
    """What was probably meant, or where to look."""
    close = get_close_matches(text, list(known), n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(repr(name) for name in close)}?"
    return "`lockstep presets` lists the presets." if kind == "preset" else "`lockstep config solve` prints them all."
