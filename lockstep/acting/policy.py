"""What plays: observations in, actions out. A trained team, a random one and a heuristic are all policies."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Actions, Mask, Obs
from lockstep.errors import UserError
from lockstep.spec import narrowest


class Policy(Protocol):
    """A pure player: what it must remember of an episode is handed back to the caller as `memory`."""

    def act(self, obs: Obs, available: Mask | None, last_actions: Actions, memory: Any) -> tuple[Actions, Any]:
        """Actions for one step of every lane.

        obs: (num_envs, agents, obs_dim)    available: (num_envs, agents, actions) or None
        last_actions: (num_envs, agents), what was done in the step before, -1 at the start of an episode
        memory: None at the start of an episode, then what the call before returned
        returns (num_envs, agents) int64 and the next memory
        """


def check_actions(actions: NDArray[np.integer[Any]], num_actions: int, first: int = 0) -> None:
    """Raise UserError unless every action is one of `first` to `num_actions` - 1. first: -1 where there may be none."""
    if actions.size and (actions.min() < first or actions.max() >= num_actions):
        wrong = actions[(actions < first) | (actions >= num_actions)].flat[0]
        raise UserError(f"There is no action {wrong}: this task has the actions 0 to {num_actions - 1}.")


class RandomPolicy:
    """Every available action alike."""

    def __init__(self, num_actions: int, rng: np.random.Generator) -> None:
        self.num_actions, self.rng = num_actions, rng

    def act(self, obs: Obs, available: Mask | None, last_actions: Actions, memory: Any) -> tuple[Actions, Any]:
        return random_actions(obs.shape[:2], self.num_actions, available, self.rng), None


def blind_dtype(num_actions: int) -> np.dtype[Any]:
    """The narrowest type for the actions of whole episodes that are decided before they are played."""
    return np.dtype(narrowest(num_actions - 1, "int8", "int16", "int32"))


def random_actions(
    shape: tuple[int, ...], num_actions: int, available: Mask | None, rng: np.random.Generator
) -> Actions:
    """Uniform over the available actions. shape: (num_envs, agents); returns int64 of that shape."""
    if available is None:
        return rng.integers(num_actions, size=shape)
    actions: Actions = (rng.random((*shape, num_actions)) * available).argmax(-1)
    return actions
