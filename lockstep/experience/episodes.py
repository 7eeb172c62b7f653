"""Whole episodes as tensors: the one place where shapes are defined.

B episodes, T steps, N agents, O observation features, A actions, S state features.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class EpisodeBatch:
    """B episodes, padded to T steps. `filled` says which steps happened; what stands in the others is arbitrary."""

    obs: Tensor
    """(B, T+1, N, O) float32; the last filled one is the final observation of its episode."""
    actions: Tensor
    """(B, T, N) int64"""
    reward: Tensor
    """(B, T, 1) float32: the team's, the sum over agents."""
    terminated: Tensor
    """(B, T, 1) bool: the world ended with this step."""
    truncated: Tensor
    """(B, T, 1) bool: a time limit cut the episode after this step."""
    filled: Tensor
    """(B, T, 1) bool: the step happened."""
    available: Tensor | None = None
    """(B, T+1, N, A) bool; None: every action is always available."""
    own_state: Tensor | None = None
    """(B, T+1, S) float32; None: the environment has no state besides the observations."""

    @property
    def state(self) -> Tensor:
        """(B, T+1, S): the environment's own state, or else the observations of all agents side by side."""
        return self.obs.flatten(2) if self.own_state is None else self.own_state

    @property
    def num_episodes(self) -> int:
        return self.actions.shape[0]

    @property
    def num_steps(self) -> int:
        """Steps that really happened, over all episodes."""
        return int(self.filled.sum())

    def returns(self) -> Tensor:
        """(B,) undiscounted team return of every episode."""
        return (self.reward * self.filled).sum((1, 2))

    def lengths(self) -> Tensor:
        """(B,) int64: steps of every episode."""
        return self.filled.sum((1, 2))

    def select(self, rows: Tensor | slice) -> "EpisodeBatch":
        """The episodes at `rows` ((b,) int64), in that order; those of a slice share this batch's memory."""
        return self._map(lambda value: value[rows])

    def to(self, device: torch.device) -> "EpisodeBatch":
        """The same batch on another device."""
        return self._map(lambda value: value.to(device))

    def _map(self, change: Callable[[Tensor], Tensor]) -> "EpisodeBatch":
        """The same change to every tensor there is."""
        changed: dict[str, Any] = {
            name: value if value is None else change(value) for name, value in vars(self).items()
        }
        return EpisodeBatch(**changed)
