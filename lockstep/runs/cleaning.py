"""What a run's files say, before anything shows it or reckons with it: a run may come from anybody, or be damaged.

Text keeps no character that a terminal, a table or a reader would obey instead of show: escape sequences, line ends,
marks that turn the direction of writing. Numbers are finite, and no larger than those that a run writes. What is
neither is absent.
"""

from typing import Any

LARGEST = 3.4028234663852886e38
"""The largest number of single precision, which networks and returns are computed in. Its square is still a number."""
LONGEST = 4_000
"""Characters of one text. What we write is a tenth of that."""


def one_line(text: str) -> str:
    """The text with every character that is no letter, sign or plain space written out, as in \\x1b or \\u202e."""
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    return text if text.isprintable() else "".join(map(_shown, text))


def printable(text: str) -> str:
    """The same for text of several lines, of any length."""
    if text.isprintable():
        return text
    return "".join(character if character in "\n\t" else _shown(character) for character in text)


def number(value: Any) -> float | None:
    """The value, where it is a number that a run could have written; else None."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if -LARGEST <= value <= LARGEST else None


def cleaned(value: Any) -> Any:
    """Plain data, as JSON has it, with text on one line and every number as `number` has it."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {one_line(name): cleaned(part) for name, part in value.items()}
    if isinstance(value, list):
        return [cleaned(part) for part in value]
    if isinstance(value, bool) or value is None:
        return value
    return value if number(value) is not None else None


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() and character > "\x1f" else character.encode("unicode_escape").decode()
