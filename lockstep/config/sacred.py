"""EPyMARL's configurations whole: those that it ships, by name, and those that sacred leaves beside results.

What a file says is taken word by word, and what becomes of every word is told: nothing is changed in silence.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

from lockstep.config.epymarl import ACTOR_CRITICS, NOT_ALIKE, SHIPPED, THEIR_ACTOR_CRITIC, THEIR_READING, Changes
from lockstep.config.knobs import knobs
from lockstep.config.schema.algorithms import SECTIONS
from lockstep.config.words import in_their_order, merged, translate
from lockstep.errors import UserError
from lockstep.files import NotPlainError, read_regular

SHELF = "epymarl/"
"""Before the name of a configuration that EPyMARL ships: `epymarl/qmix`."""
_WIDTH = 110


class SacredConfig(NamedTuple):
    """A configuration of EPyMARL's, as far as it is understood here."""

    changes: Changes
    """Of our defaults, by dotted path."""
    taken: Mapping[str, Changes]
    """What every word that means something here changes."""
    meaningless: tuple[str, ...]
    """Words that change nothing: they ask for what is always so, or have no counterpart."""
    different: Mapping[str, str]
    """What is not as there about words that are taken, a clause each."""
    refused: Mapping[str, str]
    """Words that ask for something that there is not, a sentence each."""

    def listing(self) -> str:
        """The same for people, as comments of a TOML file."""
        lines = ["# Taken:"]
        lines += [
            f"#   {word} -> {path} = {json.dumps(value)}"
            for word, new in self.taken.items()
            for path, value in new.items()
        ]
        lines += ["# Meaningless here, and left out:", *_comment(", ".join(self.meaningless) or "nothing")]
        lines += ["# Taken, and different all the same:"]
        lines += [line for word, why in self.different.items() for line in _comment(f"{word}: {why}.")]
        if self.refused:
            lines += ["# Not here, and left out:"]
            lines += [line for sentence in self.refused.values() for line in _comment(sentence)]
        return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return [f"#   {line}" for line in wrap(text, _WIDTH, subsequent_indent="  ")]


def as_typed(
    source: str | None, words: Sequence[str] | None, theirs: str | None, their_env: str | None
) -> tuple[str, list[str]]:
    """Where a configuration comes from, and the words behind it, also where they were typed as EPyMARL has them:
    `src/main.py --config=qmix --env-config=gymma with env_args.key=...`, in any order."""
    rest = list(words or [])
    if theirs is None and their_env is None:
        if source is None:
            raise UserError("Say what to start from: a preset, such as solve, or a TOML file.")
        return source, rest
    if theirs is None or their_env not in (None, "gymma"):
        wrong = "--config is missing" if theirs is None else f"--env-config={their_env} is not here"
        raise UserError(f"{wrong}: write --config=qmix --env-config=gymma with env_args.key=rware:rware-tiny-2ag-v2.")
    rest = [word for word in ([] if source is None else [source]) + rest if Path(word).name != "main.py"]
    if not any(word.lstrip("-").startswith(("env_args.key=", "env.key=")) for word in rest):
        raise UserError("EPyMARL's configurations name no world: add env_args.key=rware:rware-tiny-2ag-v2, or another.")
    return f"{SHELF}{theirs}", rest


def shipped(source: str) -> Changes:
    """What the configuration `epymarl/NAME` changes of our defaults. Raises UserError where there is none here."""
    name = source.removeprefix(SHELF)
    if name not in SHIPPED:
        raise UserError(f"EPyMARL's configuration {name!r} is not here; there are {', '.join(SHIPPED)}.")
    return SHIPPED[name]


def read_sacred(path: Path) -> SacredConfig:
    """What sacred's config.json asks for. Raises UserError where the file is none."""
    try:
        said = json.loads(read_regular(path, follow=True))
    except NotPlainError as error:
        raise UserError(f"{path} cannot be read: {error}. Give the config.json that sacred wrote.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"{path} is no configuration of EPyMARL's ({type(error).__name__}). Give the config.json that sacred wrote."
        ) from None
    if not isinstance(said, dict) or not isinstance(said.get("env_args"), dict):
        raise UserError(f"{path} is no configuration of EPyMARL's: it has no env_args. Give sacred's config.json.")
    return told(said)


def told(said: Mapping[str, Any]) -> SacredConfig:
    """Understand EPyMARL's nested configuration."""
    pairs = [(word, value) for word, value in said.items() if word != "env_args"]
    pairs += [(f"env_args.{name}", value) for name, value in said.get("env_args", {}).items() if name != "seed"]
    algorithm = _base_name(said)
    known, changes = knobs(), THEIR_READING | (THEIR_ACTOR_CRITIC if algorithm in ACTOR_CRITICS else {})
    made: dict[str, Changes] = {}
    refused: dict[str, str] = {}
    for word, value in in_their_order(pairs):
        try:
            made[word] = _algorithm(said) if word == "name" else translate(word, value, known, algorithm)
        except UserError as error:
            refused[word] = str(error)
            continue
        changes = merged(changes, word, made[word])
    taken = {
        word: kept
        for word, new in made.items()
        if (kept := {path: value for path, value in new.items() if changes[path] == value})
    }
    different = {
        f"{word}={value}": NOT_ALIKE[word][1]
        for word, value in pairs
        if word in made and word in NOT_ALIKE and value != NOT_ALIKE[word][0]
    }
    return SacredConfig(changes, taken, tuple(word for word in made if word not in taken), different, refused)


def _base_name(said: Mapping[str, Any]) -> object:
    """The algorithm's name without what is said of sharing."""
    name = said.get("name")
    return name.removesuffix("_ns") if isinstance(name, str) and "mixer" not in said else None


def _algorithm(said: Mapping[str, Any]) -> Changes:
    """What `name` changes. Raises UserError where neither it nor a mixer names an algorithm that is here."""
    changes = translate("name", said["name"], {})
    if "mixer" not in said and changes["algorithm.name"] not in SECTIONS:
        raise UserError(
            f"name={said['name']} is an algorithm that is not here. Choose one with mixer=qmix, vdn or None."
        )
    return changes
