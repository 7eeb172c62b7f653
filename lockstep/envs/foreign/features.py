"""One agent's observations as a row of numbers, whatever the world calls them, and what else lies beside them.

A space of parts is flattened part by part, in the order in which Gymnasium keeps them: the parts of a tuple in theirs,
those of a dictionary by the alphabet where it was given as a plain one. Arrays go row by row; one of n becomes n flags.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from lockstep.envs.foreign.remarks import Remarks, UnreadableError
from lockstep.errors import UserError
from lockstep.spec import BYTE_BITS, FLAG_BITS, FLOAT_BITS

MAX_FEATURES = 10_000
"""Of one agent's observation. More than that is a picture, and there are no networks for pictures here."""
LARGE = 256
"""Numbers of one array from which on it is stored as small as it is declared; smaller ones as whatever may be sent."""
CONTENTS = ("observation", "observations", "obs")
"""What the observation is called in a dictionary that holds a mask or a state beside it."""
MASKS = ("action_mask", "action_masks", "avail_actions", "available_actions", "valid_actions", "legal_actions")
"""What worlds call the actions that are allowed."""
STATES = ("state", "global_state")
"""What worlds call the state of everything."""
EXACT = 2**24
"""Whole numbers up to here are float32's to the last digit."""


class Sent(NamedTuple):
    """What one agent was sent at once."""

    content: Any
    mask: Any = None
    state: Any = None


class Features:
    """An agent's observation space. Raises UserError for spaces that are no numbers."""

    def __init__(self, key: str, agent: str, space: spaces.Space[Any]) -> None:
        self.agent = agent
        self.content = _content(space)
        self.has_declared_mask = self.content is not space
        self.parts: list[tuple[str, Any]] = list(_leaves("", self.content))
        for _, part in self.parts:
            if not isinstance(part, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary):
                raise UserError(
                    f"{key}: {agent} observes {_short(part)}, and the networks here take numbers. Wrap the environment "
                    "so that every agent sees arrays of one size; gymnasium.spaces.flatten makes them of many others."
                )
        self.count = sum(spaces.flatdim(part) for _, part in self.parts)
        if not self.count:
            raise UserError(f"{key}: {agent} observes nothing ({_short(space)}); a team needs at least one number.")
        if self.count > MAX_FEATURES:
            raise UserError(
                f"{key}: {agent} observes {self.count:,} numbers, which must be a picture; the networks here take at "
                f"most {MAX_FEATURES:,}. Ask the environment for vectors, or shrink its pictures first."
            )

    @property
    def bits(self) -> list[int]:
        """Storage width of every number. What is declared is believed of large arrays only, and then held to it."""
        widths: list[int] = []
        for _, part in self.parts:
            widths += [_width(part)] * spaces.flatdim(part)
        return widths

    @property
    def order(self) -> str:
        """The parts in the order in which they are flattened, for people; empty where there is but one."""
        return ", ".join(f"{name} ({spaces.flatdim(part)})" for name, part in self.parts) if len(self.parts) > 1 else ""

    def sent(self, value: Any) -> Sent:
        """An observation apart from what lies beside it."""
        if not isinstance(value, Mapping):
            return Sent(value)
        mask = next((value[name] for name in MASKS if name in value), None)
        state = next((value[name] for name in STATES if name in value), None)
        named = [name for name in CONTENTS if name in value]
        if len(named) == 1 and (self.has_declared_mask or not isinstance(self.content, spaces.Dict)):
            return Sent(value[named[0]], mask, state)
        return Sent(value, mask, state)

    def write(self, value: Any, row: NDArray[np.float32], remarks: Remarks) -> None:
        """Flatten an observation into the beginning of `row`. Raises UnreadableError for what is none."""
        at = 0
        for (name, part), found in zip(self.parts, _found("", self.content, value), strict=True):
            numbers = self._numbers(name, part, found, remarks)
            row[at : at + len(numbers)] = numbers
            at += len(numbers)

    def _numbers(self, name: str, part: Any, value: Any, remarks: Remarks) -> NDArray[np.float32]:
        where = f"{name}: " if name else ""
        if isinstance(part, spaces.Discrete | spaces.MultiDiscrete):
            return _one_hots(where, part, value)
        try:
            sent = np.asarray(value, dtype=np.float64).ravel()
        except (TypeError, ValueError):
            raise UnreadableError(f"{where}{_short(value)} came, where {_expected(part)} is expected") from None
        size = math.prod(part.shape)
        if len(sent) != size:
            shape = np.shape(value)
            raise UnreadableError(f"{where}an array of shape {shape} came, where {_expected(part)} is expected")
        with np.errstate(over="ignore"):
            numbers = sent.astype(np.float32)
        if not np.isfinite(numbers).all():
            raise UnreadableError(f"{where}{_first(sent, ~np.isfinite(numbers))} came, which is no finite number")
        width = _width(part)
        if width != FLOAT_BITS:
            most = 1.0 if width == FLAG_BITS else 255.0
            off = (numbers != np.floor(numbers)) | (numbers < 0) | (numbers > most)
            if off.any():
                raise UnreadableError(
                    f"{where}{_first(sent, off)} came, where {_expected(part)} is expected; so many numbers are stored "
                    "as what they are declared to be. Declare them as float32"
                )
        elif isinstance(part, spaces.Box):
            self._compare(where, part, sent, numbers, remarks)
        return numbers

    def _compare(
        self, where: str, part: spaces.Box, sent: NDArray[np.float64], numbers: NDArray[np.float32], remarks: Remarks
    ) -> None:
        """Say where what came is not what was declared; it is kept as it came."""
        if "declared numbers" not in remarks:
            outside = (numbers < part.low.ravel()) | (numbers > part.high.ravel())
            if outside.any():
                remarks.say(
                    "declared numbers",
                    f"{self.agent} was sent {where}{_first(sent, outside)}, outside of the declared {_expected(part)}; "
                    "numbers are kept as they are sent.",
                    doubtful=True,
                )
            elif np.issubdtype(part.dtype, np.integer) and (sent != np.floor(sent)).any():
                remarks.say(
                    "declared numbers",
                    f"{self.agent} was sent {where}{_first(sent, sent != np.floor(sent))}, where whole numbers "
                    f"({part.dtype}) are declared; numbers are kept as they are sent.",
                    doubtful=True,
                )
        if "precision" not in remarks and (np.abs(sent) > EXACT).any():
            remarks.say(
                "precision",
                f"{self.agent} was sent {where}{_first(sent, np.abs(sent) > EXACT)}: numbers that large lose digits as "
                "float32. Let the environment scale them.",
                doubtful=True,
            )


def _content(space: Any) -> Any:
    """The space of what the network sees: without the mask and the state that lie beside it."""
    if not isinstance(space, spaces.Dict):
        return space
    beside = [name for name in space if name in MASKS]
    named = [name for name in space if name in CONTENTS]
    states = [name for name in space if name in STATES]
    if len(named) == 1 and (beside or states) and len(space) == 1 + len(beside) + len(states):
        return space[named[0]]
    return spaces.Dict({name: part for name, part in space.items() if name not in beside}) if beside else space


def _leaves(name: str, space: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(space, spaces.Dict):
        for inner, part in space.items():
            yield from _leaves(f"{name}.{inner}" if name else str(inner), part)
    elif isinstance(space, spaces.Tuple):
        for number, part in enumerate(space):
            yield from _leaves(f"{name}.{number}" if name else str(number), part)
    else:
        yield name, space


def _found(name: str, space: Any, value: Any) -> Iterator[Any]:
    """The values of a space's parts, in the order of `_leaves`."""
    if isinstance(space, spaces.Dict):
        if not isinstance(value, Mapping) or not set(space) <= set(value):
            had = f"a dictionary of {', '.join(map(str, value))}" if isinstance(value, Mapping) else _short(value)
            raise UnreadableError(f"{had} came, where a dictionary of {', '.join(map(str, space))} is expected")
        for inner, part in space.items():
            yield from _found(f"{name}.{inner}", part, value[inner])
    elif isinstance(space, spaces.Tuple):
        if not isinstance(value, Sequence | np.ndarray) or len(value) != len(space):
            raise UnreadableError(f"{_short(value)} came, where a tuple of {len(space)} is expected")
        for number, part in enumerate(space):
            yield from _found(f"{name}.{number}", part, value[number])
    else:
        yield value


def _one_hots(where: str, part: Any, value: Any) -> NDArray[np.float32]:
    """One of n, or several of them, as flags."""
    sizes = np.atleast_1d(part.n if isinstance(part, spaces.Discrete) else part.nvec).ravel()
    starts = np.broadcast_to(np.ravel(part.start), sizes.shape)
    try:
        numbers = np.asarray(value, dtype=np.float64).ravel() - starts
    except (TypeError, ValueError):
        raise UnreadableError(f"{where}{_short(value)} came, where {_expected(part)} is expected") from None
    if len(numbers) != len(sizes) or not np.isin(numbers, np.arange(sizes.max())).all() or (numbers >= sizes).any():
        raise UnreadableError(f"{where}{_short(value)} came, where {_expected(part)} is expected")
    return np.concatenate([np.arange(size) == number for size, number in zip(sizes, numbers, strict=True)]).astype(
        np.float32
    )


def _width(part: Any) -> int:
    if isinstance(part, spaces.Discrete | spaces.MultiDiscrete):
        return FLAG_BITS  # these we flatten ourselves
    if math.prod(part.shape) < LARGE:
        return FLOAT_BITS
    if isinstance(part, spaces.MultiBinary) or part.dtype == np.bool_:
        return FLAG_BITS
    return BYTE_BITS if part.dtype == np.uint8 else FLOAT_BITS


def _expected(part: Any) -> str:
    if isinstance(part, spaces.Box):
        low, high = (f"{bound:g}" for bound in (float(part.low.min()), float(part.high.max())))
        return f"{part.dtype} of shape {part.shape}, {low} to {high}"
    return _short(part)


def _first(sent: NDArray[np.float64], which: NDArray[np.bool_]) -> str:
    """One of the numbers in question, as it came."""
    return f"{sent[which][0]:g}"


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
