"""One agent's actions as numbers from 0 on: what a network chooses from, and what the world is then told."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from lockstep.arrays import Mask
from lockstep.envs.foreign.remarks import UnreadableError
from lockstep.errors import UserError

MAX_CHOICES = 256
"""Of several small choices that are made one: more of them is a task for another kind of learner."""


class Choices:
    """An agent's action space. Several small choices at once are one larger choice, the last of them changing fastest.

    Raises UserError for spaces without a limited number of actions.
    """

    def __init__(self, key: str, agent: str, space: spaces.Space[Any]) -> None:
        self.space = space
        self.sizes: tuple[int, ...] = tuple(_sizes(key, agent, space, space))
        self.count = math.prod(self.sizes)
        if len(self.sizes) > 1 and self.count > MAX_CHOICES:
            raise UserError(
                f"{key}: the actions of {agent} are {len(self.sizes)} choices at once ({_short(space)}), "
                f"{self.count:,} together, and at most {MAX_CHOICES} can be made one here. Wrap the environment in one "
                "with fewer."
            )

    @property
    def is_compound(self) -> bool:
        return not isinstance(self.space, spaces.Discrete)

    def told(self, action: int) -> Any:
        """What the world understands by action 0 to count - 1."""
        parts = iter(np.unravel_index(action, self.sizes)) if self.sizes else iter(())
        return _rebuilt(self.space, parts)

    def mask(self, value: Any) -> Mask:
        """(count,) bool from what a world says is allowed: a number for every action, or for every part of one.

        Raises UnreadableError for anything else.
        """
        if isinstance(value, tuple | list) and len(value) == len(self.sizes) > 1:
            parts = [_flags(part) for part in value]
            if all(len(part) == size for part, size in zip(parts, self.sizes, strict=True)):
                return _together(parts)
        allowed = _flags(value)
        if len(allowed) == self.count:
            return allowed
        if len(allowed) == sum(self.sizes):
            return _together(np.split(allowed, np.cumsum(self.sizes)[:-1]))
        if len(allowed) > self.count and not allowed[self.count :].any():
            return allowed[: self.count]  # padded for agents that have more
        raise UnreadableError(f"its mask has {len(allowed)} entries for {self.count} actions")


def _sizes(key: str, agent: str, part: Any, whole: Any) -> Iterator[int]:
    """Return the size of every single choice in a space, one after the other."""
    if isinstance(part, spaces.Discrete):
        yield int(part.n)
    elif isinstance(part, spaces.MultiDiscrete):
        yield from (int(size) for size in part.nvec.flat)
    elif isinstance(part, spaces.MultiBinary):
        yield from (2,) * math.prod(part.shape)
    elif isinstance(part, spaces.Tuple | spaces.Dict):
        for inner in part.values() if isinstance(part, spaces.Dict) else part:
            yield from _sizes(key, agent, inner, whole)
    else:
        kind = "continuous" if isinstance(part, spaces.Box) else "no single choice"
        raise UserError(
            f"{key}: the actions of {agent} are {kind} ({_short(whole)}), and the learners here choose one of a few. "
            "Take the environment's discrete variant, or wrap it in one."
        )


def _rebuilt(space: Any, parts: Iterator[Any]) -> Any:
    """An element of the space from the numbers of its single choices."""
    if isinstance(space, spaces.Discrete):
        return int(space.start) + int(next(parts))
    if isinstance(space, spaces.MultiDiscrete):
        numbers = np.array([next(parts) for _ in range(space.nvec.size)]).reshape(space.nvec.shape)
        return (numbers + space.start).astype(space.dtype)
    if isinstance(space, spaces.MultiBinary):
        return np.array([next(parts) for _ in range(math.prod(space.shape))], dtype=np.int8).reshape(space.shape)
    if isinstance(space, spaces.Dict):
        return {name: _rebuilt(inner, parts) for name, inner in space.items()}
    return tuple(_rebuilt(inner, parts) for inner in space)


def _flags(value: Any) -> Mask:
    """Zeros and ones, or false and true, as a row of booleans."""
    try:
        numbers = np.asarray(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise UnreadableError(f"its mask is {_short(value)}, not a row of zeros and ones") from None
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise UnreadableError(f"its mask is {_short(value)}, not a row of zeros and ones")
    return np.asarray(numbers == 1.0)


def _together(parts: list[NDArray[np.bool_]]) -> Mask:
    """What is allowed of a compound choice: that of which every part is."""
    allowed: Mask = np.ones((), dtype=bool)
    for part in parts:
        allowed = allowed[..., None] & part
    return np.asarray(allowed.ravel(), dtype=bool)


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
