"""Which actions there are, and what is said about others."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.errors import UserError

NUM_ACTIONS = 5


def as_array(actions: Any) -> NDArray[Any]:
    """An array of whatever was given, members of the official package's `Action` included. Raises UserError for rows of
    different lengths."""
    try:
        array = np.asarray(actions)
    except ValueError as error:
        raise UserError("Actions must be an array: the rows given differ in shape; make them equally long.") from error
    if array.dtype != np.object_:
        return array
    return np.array([getattr(action, "value", action) for action in array.flat]).reshape(array.shape)


def one_by_one(actions: Any, msg_bits: int) -> NDArray[Any]:
    """(agents,), or with message bits (agents, 1 + bits), from an entry for every robot: a number, an array of one, or
    with message bits a row. Raises UserError for entries of different lengths."""
    if not isinstance(actions, Iterable):
        return as_array(actions)
    robots = as_array([as_array(action).reshape(-1) for action in actions])
    return robots if msg_bits or robots.shape[1:] != (1,) else robots[:, 0]


def check_actions(actions: NDArray[Any], shape: tuple[int, ...], msg_bits: int, chosen: NDArray[np.int64]) -> None:
    """Raise UserError unless `actions` has the shape, and valid entries in the chosen lanes.

    shape: (num_envs, agents), or with message bits (num_envs, agents, 1 + bits).
    """
    if actions.shape != shape:
        raise UserError(f"Actions must be integers of shape {shape}, not {actions.dtype} of shape {actions.shape}.")
    relevant = actions if len(chosen) == len(actions) else actions[chosen]
    check_moves(relevant[..., 0] if msg_bits else relevant)
    if msg_bits and not np.isin(relevant[..., 1:], (0, 1)).all():
        raise UserError("Message bits must be 0 or 1.")


def check_moves(moves: NDArray[Any], first: int = 0) -> None:
    """Raise UserError unless all are integers from `first` to 4. first: -1 in a script that leaves some to the team."""
    if not np.issubdtype(moves.dtype, np.integer):
        raise UserError(f"Actions must be integers from 0 to {NUM_ACTIONS - 1}, not {moves.dtype}.")
    if moves.size and (moves.min() < first or moves.max() >= NUM_ACTIONS):
        wrong = moves[(moves < first) | (moves >= NUM_ACTIONS)].flat[0]
        raise UserError(
            f"Action {wrong} does not exist: 0 stands still, 1 goes forward, 2 and 3 turn left and right, 4 loads."
        )
