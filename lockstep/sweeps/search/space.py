"""What a search may choose: words as everywhere, of which a value may be a range.

    lr=1e-4..3e-3:log             a number between two ends, by its logarithm
    gamma=0.97..0.995             a number between two ends
    batch_size=64..256:64         in steps; whole where the setting is
    algorithm=qmix,vdn            one of a list
    mixing_embed_dim=16..64:log@algorithm=qmix     only where that was chosen

Commas and brackets are as in a sweep's words. A word with one value is an override for all trials.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lockstep.config.knobs import flat
from lockstep.config.load import load_config
from lockstep.config.words import parse_words, split_words
from lockstep.errors import UserError
from lockstep.sweeps.choices import ENDS, WHOLE, is_number, split_at_commas

Value = int | float | str
"""Something chosen: a number of a range, or a word of a list."""
Chosen = Mapping[str, Value]
_CONDITION = re.compile(r"(?P<values>.+)@(?P<key>[A-Za-z_][\w.]*)=(?P<wanted>[^@]+)")
_DIGITS = 4
"""Digits of a number that is chosen: more would tell nothing apart."""


@dataclass(frozen=True)
class Range:
    """Numbers between two ends, both included."""

    low: float
    high: float
    step: float | None = None
    log: bool = False
    whole: bool = False

    @property
    def stride(self) -> int:
        """The step of whole numbers."""
        return int(self.step or 1)

    def nearest(self, value: float) -> int | float:
        """The number of this range that is nearest to `value`, with few digits."""
        if self.step is not None:
            value = self.low + self.step * round((value - self.low) / self.step)
        value = min(max(value, self.low), self.high)
        if self.whole:
            return round(value)
        rounded = float(f"{value:.{_DIGITS if self.step is None else 10}g}")
        return min(max(rounded, self.low), self.high)

    def share(self, value: float) -> float:
        """Where a number lies between the ends, from 0 to 1."""
        return (self._scaled(value) - self._scaled(self.low)) / (self._scaled(self.high) - self._scaled(self.low))

    def at(self, share: float) -> int | float:
        """The number at a share of the way."""
        scaled = self._scaled(self.low) + share * (self._scaled(self.high) - self._scaled(self.low))
        return self.nearest(math.exp(scaled) if self.log else scaled)

    def all(self) -> list[Value]:
        """Every number of it. Raises UserError where there are as many as one likes."""
        step = self.step or (1.0 if self.whole and not self.log else None)
        if step is None:
            raise UserError("it has no steps")
        return [self.nearest(self.low + index * step) for index in range(int((self.high - self.low) / step + 1e-9) + 1)]

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.log else value


@dataclass(frozen=True)
class Dimension:
    """A setting that is chosen."""

    key: str
    values: Range | tuple[str, ...]
    when: tuple[str, tuple[str, ...]] | None = None
    """It is chosen only where another setting came out as one of these words; None: always."""

    def holds(self, value: object) -> bool:
        """Whether it could have been chosen here."""
        if isinstance(self.values, Range):
            return isinstance(value, int | float) and self.values.low <= value <= self.values.high
        return value in self.values


@dataclass(frozen=True)
class SearchSpace:
    """Everything that is chosen, and what is the same for all trials."""

    dimensions: tuple[Dimension, ...]
    fixed: tuple[str, ...]
    """Overrides."""

    def active(self, chosen: Chosen) -> Iterator[Dimension]:
        """What is to be chosen, in order; `chosen` may grow meanwhile, and what hangs on it follows."""
        for dimension in self.dimensions:
            if dimension.when is None or chosen.get(dimension.when[0]) in dimension.when[1]:
                yield dimension

    def holds(self, chosen: Chosen) -> bool:
        """Whether this could have been chosen."""
        active = {dimension.key: dimension for dimension in self.active(chosen)}
        return active.keys() == chosen.keys() and all(active[key].holds(value) for key, value in chosen.items())

    def words(self, chosen: Chosen) -> list[str]:
        """Overrides that make a configuration of what was chosen."""
        return [*self.fixed, *(f"{key}={value}" for key, value in chosen.items())]

    def combinations(self) -> Iterator[Chosen]:
        """Every choice there is, where the first setting varies slowest. Raises UserError for a range without steps."""

        def combined(rest: Sequence[Dimension], chosen: Chosen) -> Iterator[Chosen]:
            if not rest:
                yield chosen
                return
            first, *others = rest
            if first.when is not None and chosen.get(first.when[0]) not in first.when[1]:
                yield from combined(others, chosen)
                return
            for value in first.values.all() if isinstance(first.values, Range) else first.values:
                yield from combined(others, {**chosen, first.key: value})

        for dimension in self.dimensions:
            values = dimension.values
            if isinstance(values, Range) and values.step is None and (values.log or not values.whole):
                some = ",".join(f"{values.at(share):g}" for share in (0.0, 0.5, 1.0))
                raise UserError(
                    f"--sampler grid tries every value, and {dimension.key} has as many as one likes between its ends. "
                    f"Write those that you mean, as in {dimension.key}={some}, or a step."
                )
        return combined(self.dimensions, {})


def read_space(base: str, words: Sequence[str]) -> SearchSpace:
    """The space that words describe, each of its ends tried once on the configuration `base`.

    Raises UserError for a word that is none, a range that is empty, and a value that no configuration could have.
    """
    fixed: list[str] = []
    varied: dict[str, tuple[str, tuple[str, tuple[str, ...]] | None]] = {}
    for _, key, text in split_words(words, "key=value, or key=low..high, for example lr=1e-4..1e-2:log"):
        if key in varied or any(one.startswith(f"{key}=") for one in fixed):
            raise UserError(f"{key} is given twice; write all of its values in one word.")
        conditional = _CONDITION.fullmatch(text)
        if conditional is not None:
            varied[key] = conditional["values"], (conditional["key"], tuple(split_at_commas(conditional["wanted"])))
        elif ENDS.fullmatch(text) is not None or len(split_at_commas(text)) > 1:
            varied[key] = text, None
        else:
            fixed.append(f"{key}={text}")
    if "seed" in varied:
        raise UserError("A search chooses no seed: --seeds says how many every trial has, seed=7 which is the first.")
    if not varied:
        raise UserError(
            "There is nothing to search: give a setting a range or several values, for example lr=1e-4..1e-2:log or "
            "hidden_dim=64,128."
        )
    load_config(base, fixed)
    dimensions: dict[str, Dimension] = {}
    for key, (text, when) in varied.items():
        dimensions[key] = _dimension(base, fixed, dimensions, key, text, when)
    return SearchSpace(tuple(dimensions.values()), tuple(fixed))


def _dimension(
    base: str,
    fixed: Sequence[str],
    before: Mapping[str, Dimension],
    key: str,
    text: str,
    when: tuple[str, tuple[str, ...]] | None,
) -> Dimension:
    around = [*fixed]
    if when is not None:
        other, wanted = when
        known = before.get(other)
        if known is None or isinstance(known.values, Range) or not set(wanted) <= set(known.values):
            raise UserError(
                f"{key}=...@{other}={','.join(wanted)} hangs on a choice of {other} that is not there: give {other} a "
                f"list with {wanted[0]} in it, before {key}."
            )
        around += _conditions(before, known, wanted[0])
    ends = ENDS.fullmatch(text)
    if ends is None or not is_number(ends["first"]) or not is_number(ends["last"]):
        values = tuple(split_at_commas(text))
        if not all(values) or len(set(values)) != len(values):
            raise UserError(f"{key}={text} has a value that is empty, or is there twice. Leave it out.")
        for value in values:
            load_config(base, [*around, f"{key}={value}"])
        return Dimension(key, values, when)
    return Dimension(key, _range(base, around, key, text), when)


def _conditions(before: Mapping[str, Dimension], known: Dimension, value: str) -> list[str]:
    """Words that make a condition true, and those on which it hangs itself."""
    outer = _conditions(before, before[known.when[0]], known.when[1][0]) if known.when is not None else []
    return [*outer, f"{known.key}={value}"]


def _range(base: str, around: Sequence[str], key: str, text: str) -> Range:
    ends = ENDS.fullmatch(text)
    assert ends is not None, "it has ends"
    low, high = float(ends["first"]), float(ends["last"])
    how = [] if ends["step"] is None else ends["step"].split(":")
    log, steps = "log" in how, [word for word in how if word != "log"]
    if len(how) > 1 or not all(map(is_number, steps)):
        raise UserError(f"{key}={text} is no range: write low..high, low..high:log, or low..high:step.")
    step = float(steps[0]) if steps else None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(f"{key}={text} is empty: a range rises from one number to another, as in {key}=0.9..0.99.")
    if log and low <= 0:
        raise UserError(f"{key}={text} goes by its logarithm, so it begins above 0.")
    if step is not None and not 0 < step <= high - low:
        raise UserError(f"{key}={text} goes in steps of {steps[0]}; a step is above 0 and leads nowhere past {high:g}.")
    are_whole = all(WHOLE.fullmatch(ends[name]) for name in ("first", "last"))
    written = (int(ends["first"]), int(ends["last"])) if are_whole else None
    found = [_value(base, around, f"{key}={end}") for end in written or (low, high)]
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in found)
    if whole and (step or 1.0) != int(step or 1):
        raise UserError(f"{key}={text} goes in steps of {steps[0]}, and {key} is a whole number.")
    return Range(low, high, step, log, whole)


def _value(base: str, around: Sequence[str], word: str) -> object:
    """What a word makes of its setting. Raises UserError for what no configuration could have."""
    config = load_config(base, [*around, word])
    path = next(iter(parse_words([word], config.algorithm.name)))
    return flat(config).get(path, config.env.arguments.get(path.rpartition(".")[2]))
