"""`[algorithm]` for IQL, VDN, QMIX, those that came after them, and mixers of one's own."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lockstep.config.schema.algorithm import AlgorithmConfig
from lockstep.config.schema.fresh import FreshConfig
from lockstep.config.schema.section import ConfigSection, Count, CountOrZero, Fraction

Weight = Annotated[float, Field(ge=0.0, le=1e6)]


class ValueConfig(ConfigSection):
    """What all have that learn values towards returns."""

    td_lambda: Fraction = 0.0
    """Weight of longer returns in Peng's Q(lambda) target; 0 is one-step TD."""
    rescale_values: bool = False
    """Learn sign(x) (sqrt(|x| + 1) - 1) + x / 1000 of a value x instead of x itself, so that returns of any size make
    steps of like size (Pohlen et al. 2018)."""
    actor_tau: Fraction = 0.0
    """Play and evaluate with an average of the agents' parameters that moves this share of the way after every update
    (Polyak and Juditsky 1992); 0: play with the newest. Averaging settles choices between nearly equal values."""


class MixingConfig(ConfigSection):
    """Sizes of QMIX's mixer."""

    mixing_embed_dim: Count = 32
    """Width of the mixer's hidden layer."""
    hypernet_layers: Literal[1, 2] = 2
    """Layers of the networks that turn the state into mixing weights."""
    hypernet_embed_dim: Count = 64
    """Their hidden width when there are two."""


class QLearningConfig(ValueConfig, AlgorithmConfig):
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


class QMIXConfig(MixingConfig, QLearningConfig):
    """The team's value is a monotonic function, mixed by a network."""

    name: Literal["qmix"] = "qmix"
    """iql: every agent for itself. vdn: the team value is a sum. qmix: a monotonic function of the agents' values."""


class QPLEXConfig(QLearningConfig):
    """The team's value is any function that is highest where the agents' values are: a duplex dueling network."""

    name: Literal["qplex"] = "qplex"
    """qplex: any team value whose best actions are the agents' own. qmix: only those that rise with each agent's."""
    hypernet_embed_dim: Count = 64
    """Hidden width of the networks that turn the state into a weight and an offset of every agent's value."""
    attention_heads: Count = 10
    """Heads of the attention that weighs the agents' advantages by state and actions."""
    attention_layers: Literal[1, 2, 3] = 3
    """Layers of each head's networks."""
    attention_embed_dim: Count = 64
    """Their hidden width when there are more than one."""
    stop_gradient: bool = True
    """Learn the agents' values from their sum alone and only the weights from the advantages, which is steadier where
    much is at stake; False: learn both from both, which a game of few steps with steep penalties needs."""


class WeightedQMIXConfig(MixingConfig, QLearningConfig):
    """QMIX beside a team value without limits, trained with less weight where it cannot follow anyway."""

    name: Literal["owqmix", "cwqmix"] = "owqmix"
    """owqmix: what Q_tot overestimates weighs less. cwqmix: what is not the best joint action weighs less."""
    alpha: Fraction = 0.1
    """Weight of the errors that weigh less; 1 is QMIX with another target."""
    central_embed_dim: Count = 256
    """Hidden width of the unrestricted network above the central agents' values."""


class QTRANConfig(QLearningConfig):
    """A joint value without limits, and a sum of the agents' values that must agree with it about the best actions."""

    name: Literal["qtran", "qtran_alt"] = "qtran"
    """qtran: the sum is held above the joint value at the actions taken. qtran_alt: it must touch it at the best
    exchange of each agent's action."""
    joint_embed_dim: Count = 64
    """Hidden width of the joint value's network and of the state's value."""
    opt_weight: Weight = 1.0
    """Weight of the sum's error at the best actions."""
    nopt_weight: Weight = 1.0
    """Weight of the sum's error at the other actions."""


class PQNConfig(ValueConfig, FreshConfig):
    """Q-learning without replay and without target networks, on what was just played."""

    name: Literal["pqn_vdn", "pqn_qmix"] = "pqn_vdn"
    """pqn_vdn, or pqn for short: the team's value is a sum. pqn_qmix: a monotonic function of the agents' values."""
    td_lambda: Fraction = 0.65
    """Weight of longer returns in Peng's Q(lambda) target; 0 is one-step TD."""
    epochs: Count = 4
    """How often a collection is gone through before it is forgotten."""
    minibatches: Count = 4
    """Equal parts into which every epoch deals the collection's episodes; an update studies one of them."""


class PQNQMIXConfig(MixingConfig, PQNConfig):
    """The same with QMIX's mixer."""

    name: Literal["pqn_qmix"] = "pqn_qmix"
    """pqn_vdn, or pqn for short: the team's value is a sum. pqn_qmix: a monotonic function of the agents' values."""
