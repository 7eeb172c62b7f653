"""What users of lbforaging read in a field, by its names: a moment of ours, told in the package's words.

Everything here is a copy that cannot be written to: whoever wants to put players somewhere uses
`ForagingSimulator.set_state`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.foraging.moment import FieldMoment, Place
from lockstep.envs.foraging.official import official_action

_STEPS = ((1, -1, 0), (2, 1, 0), (3, 0, -1), (4, 0, 1))
_LOAD = 5


@dataclass(frozen=True)
class PlayerView:
    """One player at one moment."""

    position: Place
    level: int
    reward: float
    """Of the last step."""
    score: float
    """Rewards of this episode, added up."""


def player_views(moment: FieldMoment, rewards: Sequence[float], scores: Sequence[float]) -> tuple[PlayerView, ...]:
    """All players."""
    return tuple(map(PlayerView, moment.players, moment.levels, rewards, scores))


def field_of(moment: FieldMoment) -> NDArray[np.int32]:
    """(rows, columns): the level of the food on every cell, 0 where there is none."""
    field = np.zeros((moment.rows, moment.columns), dtype=np.int32)
    for place, level in moment.foods:
        field[place] = level
    field.flags.writeable = False
    return field


def valid_actions(moment: FieldMoment) -> list[tuple[Any, ...]]:
    """Every combination of what players can do: stay, walk to a cell without food, load food beside them."""
    foods = {place for place, _ in moment.foods}

    def of(place: Place) -> list[int]:
        around = [(action, (place[0] + down, place[1] + right)) for action, down, right in _STEPS]
        free = [
            action
            for action, (row, column) in around
            if 0 <= row < moment.rows and 0 <= column < moment.columns and (row, column) not in foods
        ]
        return [0, *free, *([_LOAD] if foods & {there for _, there in around} else [])]

    return [tuple(map(official_action, actions)) for actions in product(*map(of, moment.players))]
