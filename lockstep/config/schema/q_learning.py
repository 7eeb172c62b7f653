"""`[algorithm]` for IQL, VDN, QMIX, and mixers of one's own."""

from typing import Literal, Self

from pydantic import model_validator

from lockstep.config.schema.algorithm import AlgorithmConfig
from lockstep.config.schema.section import Count, CountOrZero, Fraction


class QLearningConfig(AlgorithmConfig):
    """Targets of Q-learning, and the copies of the networks that make them."""

    td_lambda: Fraction = 0.0
    """Weight of longer returns in Peng's Q(lambda) target; 0 is one-step TD."""
    n_step: Count = 1
    """Steps of reward before the bootstrap; more than 1 excludes td_lambda."""
    double_q: bool = True
    """The online network chooses the next action, the target network values it."""
    target_sync_updates: CountOrZero = 200
    """Copy online to target networks every this many gradient updates; 0 with target_tau > 0."""
    target_tau: Fraction = 0.0
    """Move the target networks this share of the way after every update; 0: copy by target_sync_updates."""
    actor_tau: Fraction = 0.0
    """Play and evaluate with an average of the agents' parameters that moves this share of the way after every update
    (Polyak and Juditsky 1992); 0: play with the newest. Averaging settles choices between nearly equal values."""

    @model_validator(mode="after")
    def _one_target_rule(self) -> Self:
        if (self.target_sync_updates > 0) == (self.target_tau > 0):
            raise ValueError(
                f"target_sync_updates={self.target_sync_updates} and target_tau={self.target_tau}: exactly one of them "
                "must be above 0; set the other to 0"
            )
        if self.n_step > 1 and self.td_lambda > 0:
            raise ValueError(
                f"n_step={self.n_step} and td_lambda={self.td_lambda} are rival targets; set n_step=1 or td_lambda=0"
            )
        return self


class IQLConfig(QLearningConfig):
    """Every agent for itself."""

    name: Literal["iql"] = "iql"
    """iql: every agent for itself. vdn: the team value is a sum. qmix: a monotonic function of the agents' values."""


class VDNConfig(QLearningConfig):
    """The team's value is a sum."""

    name: Literal["vdn"] = "vdn"
    """iql: every agent for itself. vdn: the team value is a sum. qmix: a monotonic function of the agents' values."""


class QMIXConfig(QLearningConfig):
    """The team's value is a monotonic function, mixed by a network."""

    name: Literal["qmix"] = "qmix"
    """iql: every agent for itself. vdn: the team value is a sum. qmix: a monotonic function of the agents' values."""
    mixing_embed_dim: Count = 32
    """Width of the mixer's hidden layer."""
    hypernet_layers: Literal[1, 2] = 2
    """Layers of the networks that turn the state into mixing weights."""
    hypernet_embed_dim: Count = 64
    """Their hidden width when there are two."""
