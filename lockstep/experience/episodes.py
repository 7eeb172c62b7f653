"""Whole episodes as tensors. `lockstep.spec.episode_fields` is the table of what they consist of.

B episodes, T steps, N agents, O observation features, A actions, S state features, R rewards.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from lockstep.spec import EnvSpec, episode_fields


@dataclass(frozen=True)
class EpisodeBatch:
    """B episodes, padded to T steps. `filled` says which steps happened; what stands in the others is arbitrary."""

    obs: Tensor
    """(B, T+1, N, O) float32; the last filled one is the final observation of its episode."""
    actions: Tensor
    """(B, T, N) int64"""
    reward: Tensor
    """(B, T, R) float32: the team's, the sum over agents, or every agent's own; see `EnvSpec.num_rewards`."""
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
    more: Mapping[str, Tensor] = field(default_factory=dict)
    """Fields of the table that have no name of their own here."""

    @classmethod
    def of(cls, fields: Mapping[str, Tensor]) -> Self:
        """Return the batch that consists of these fields, by the names of the table."""
        named = {name: value for name, value in fields.items() if name in cls.__dataclass_fields__}
        return cls(**named, more={name: value for name, value in fields.items() if name not in named})

    @classmethod
    def empty(cls, spec: EnvSpec, count: int, steps: int, without: Collection[str], device: torch.device) -> Self:
        """Memory for `count` episodes or pieces of `steps` steps: all fields of the table but those in `without`."""
        return cls.of(
            {
                name: torch.empty((count, *one.size(steps)), dtype=getattr(torch, one.dtype), device=device)
                for name, one in episode_fields(spec).items()
                if name not in without
            }
        )

    def fields(self) -> dict[str, Tensor]:
        """The fields there are, by the names of the table."""
        named = {name: value for name, value in vars(self).items() if value is not None and name != "more"}
        return {**named, **self.more}

    @property
    def state(self) -> Tensor:
        """(B, T+1, S): the environment's own state, or else the observations of all agents side by side."""
        return self.obs.flatten(2) if self.own_state is None else self.own_state

    @property
    def team_reward(self) -> Tensor:
        """(B, T, 1): the sum over agents."""
        return self.reward if self.reward.shape[-1] == 1 else self.reward.sum(-1, keepdim=True)

    @property
    def num_episodes(self) -> int:
        return self.actions.shape[0]

    @property
    def num_steps(self) -> int:
        """Steps that really happened, over all episodes."""
        return int(self.filled.sum())

    def returns(self) -> Tensor:
        """(B,) undiscounted team return of every episode."""
        return (self.team_reward * self.filled).sum((1, 2))

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
        return EpisodeBatch.of({name: change(value) for name, value in self.fields().items()})
