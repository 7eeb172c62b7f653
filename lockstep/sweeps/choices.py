"""Words of a sweep: `key=value` as everywhere, of which a value may be many. `seed=1..5 env.key=a,b gamma=0.97`

Commas separate values, except inside brackets, braces and quotes. `1..5` counts whole numbers, both ends included;
`64..256:64` counts in steps.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from lockstep.config.words import split_words
from lockstep.errors import UserError

MAX_CELLS = 10_000
_BRACKETS = {"[": "]", "{": "}", "(": ")"}
ENDS = re.compile(r"(?P<first>.+?)\.\.(?P<last>[^:]+)(:(?P<step>.+))?")
WHOLE = re.compile(r"[+-]?[0-9][0-9_]*")


@dataclass(frozen=True)
class Choice:
    """A setting, and the values that it takes in turn, as text."""

    key: str
    values: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """One override for each value."""
        return tuple(f"{self.key}={value}" for value in self.values)


def typed_choices(words: Sequence[str]) -> list[Choice]:
    """What is typed behind `lockstep sweep PRESET`. Raises UserError for a word that is none, or is there twice."""
    found: dict[str, Choice] = {}
    for word, key, text in split_words(words, "key=value, or key=value,value, for example seed=1..5"):
        if key in found:
            raise UserError(f"{key} is given twice; write all of its values in one word, as in {key}=1,2.")
        parts = split_at_commas(text)
        if len(parts) > 1 and not all(parts):
            raise UserError(f"{word!r} has an empty value between two commas. Leave out one of them.")
        found[key] = Choice(key, tuple(value for part in parts for value in _counted(key, part)))
    return list(found.values())


def listed_choice(key: str, values: Any) -> Choice:
    """A setting of a sweep's TOML file: a list of values, a range such as "1..5", or a single value."""
    given = values if isinstance(values, list) else [values]
    if not given:
        raise UserError(f"{key} has no value in its list; give at least one, or leave it out.")
    return Choice(key, tuple(value for one in given for value in _counted(key, as_text(one))))


def num_combinations(choices: Iterable[Choice]) -> int:
    """How many cells a grid has."""
    return prod(len(choice.values) for choice in choices)


def check_number(cells: int) -> None:
    """Raise UserError for more cells than a sweep may have."""
    if cells > MAX_CELLS:
        raise UserError(
            f"This sweep would have {cells:,} cells, and at most {MAX_CELLS:,} are planned. Name fewer values, or make "
            "several sweeps."
        )


def as_text(value: Any) -> str:
    """A value of a TOML file as it is written in an override."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def split_at_commas(text: str) -> list[str]:
    """The parts between commas that stand in no bracket and no quotes."""
    parts: list[str] = []
    open_: list[str] = []
    quote, start = "", 0
    for index, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif open_ and sign in "\"'":
            quote = sign
        elif sign in _BRACKETS:
            open_.append(_BRACKETS[sign])
        elif open_ and sign == open_[-1]:
            open_.pop()
        elif sign == "," and not open_:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()]


def _counted(key: str, text: str) -> Sequence[str]:
    """The numbers of a range, or the text alone. Raises UserError for a range that is empty, endless or no range."""
    ends = ENDS.fullmatch(text)
    if ends is None or not is_number(ends["first"]) or not is_number(ends["last"]):
        return [text]
    first, last, step = ends["first"], ends["last"], ends["step"] or "1"
    if not all(map(WHOLE.fullmatch, (first, last, step))):
        raise UserError(
            f"{key}={text} is no range of whole numbers; write its values one by one, as in {key}={first},{last}."
        )
    if int(step) < 1:
        raise UserError(f"{key}={text} counts in steps of {step}; a step is at least 1.")
    numbers = range(int(first), int(last) + 1, int(step))
    if not numbers:
        raise UserError(f"{key}={text} is empty: a range counts upwards, as in {key}={last}..{first}.")
    check_number(len(numbers))
    return [str(number) for number in numbers]


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
