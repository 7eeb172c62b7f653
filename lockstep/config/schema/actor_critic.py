"""`[algorithm]` for IPPO, MAPPO, IA2C and MAA2C: one page, and these settings."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lockstep.config.schema.fresh import FreshConfig
from lockstep.config.schema.section import Count, CountOrZero, Fraction

NotNegative = Annotated[float, Field(ge=0.0)]


class ActorCriticConfig(FreshConfig):
    """A policy, a critic that judges it, and how far one collection may move them."""

    critic: Literal["own", "central"] = "central"
    """What values are judged from. own: what an agent sees itself (IPPO, IA2C). central: the state of all, while
    learning (MAPPO, MAA2C)."""
    critic_agent_id: bool = False
    """A central critic is told whom it judges, and judges the agents one by one (EPyMARL's way); False: one pass judges
    the whole team, with a value for each agent where reward=own."""
    critic_hidden_dim: CountOrZero = 0
    """Width of the critic's hidden layers; 0: network.hidden_dim."""
    shared_trunk: bool = False
    """An own critic is one more output of the policy's network, not a network by itself."""
    reward: Literal["team", "own"] = "team"
    """What an agent learns from: the sum over the team, or what it earned itself."""
    gae_lambda: Fraction = 0.95
    """Weight of longer returns in generalized advantage estimation; 1: whole returns, 0: one step."""
    return_steps: CountOrZero = 0
    """Steps of reward before the critic's value takes over, in place of gae_lambda; 0: gae_lambda says."""
    clip: NotNegative = 0.2
    """PPO: how far the chance of a taken action may move, as a ratio of 1 - clip to 1 + clip, before it is left alone;
    0: no ratio at all (A2C)."""
    entropy_weight: NotNegative = 0.01
    """Weight of the policy's entropy in the objective, at env step 0."""
    entropy_finish: NotNegative | None = None
    """The weight once anneal_env_steps have been studied; unset: it stays."""
    lr_finish: NotNegative | None = None
    """Learning rate once anneal_env_steps have been studied; unset: optimizer.lr stays."""
    anneal_env_steps: Count = 40_000_000
    """Env steps, studied, from optimizer.lr to lr_finish and from entropy_weight to entropy_finish, in a line."""
    value_weight: NotNegative = 0.5
    """Weight of the critic's squared error in the loss."""
    value_clip: NotNegative = 0.0
    """How far a value may move from what it was when the collection was played, in the critic's units, before its error
    is left alone; 0: as far as it likes."""
    normalize_values: Literal["off", "moments", "popart"] = "moments"
    """The critic's units. off: rewards. moments: returns, shifted and scaled by their running mean and deviation.
    popart: besides, the critic's last layer is rescaled whenever these move, so that no value jumps."""
    normalize_advantages: bool = True
    """Shift and scale the advantages of a collection to mean 0 and deviation 1."""
    advantage_floor: NotNegative = 0.01
    """The least deviation, in rewards, that advantages are divided by: a collection without news stays quiet."""
    renew_advantages: bool = False
    """Subtract the critic's newest value in every epoch (EPyMARL), not that of when the collection was taken in."""
    critic_tau: Fraction = 0.0
    """Share of the way that a slow copy of the critic, which then makes the returns, moves after every round; 0: the
    critic makes them itself."""
    shared_experience: NotNegative = 0.0
    """Weight of what the others experienced in an agent's own loss, by importance (Christianos et al. 2020); needs
    network.sharing=none, an own critic and no agent_id."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.shared_trunk and self.critic != "own":
            raise ValueError("shared_trunk=true needs critic=own: a policy's network does not see the state")
        if self.shared_trunk and self.critic_tau > 0:
            raise ValueError(f"shared_trunk=true and critic_tau={self.critic_tau} do not go together; set one to 0")
        if self.renew_advantages and self.normalize_advantages:
            raise ValueError("renew_advantages=true needs normalize_advantages=false: what is renewed is in rewards")
        if self.shared_experience > 0 and (self.critic != "own" or self.shared_trunk):
            raise ValueError(
                f"shared_experience={self.shared_experience} needs critic=own and shared_trunk=false: an agent's own "
                "critic judges what the others saw"
            )
        return self


class MAPPOConfig(ActorCriticConfig):
    """PPO with a critic that sees all."""

    name: Literal["mappo"] = "mappo"
    """mappo, ippo: several careful steps a collection. maa2c, ia2c: one. The critic sees all, or what its agent
    sees."""
    epochs: Count = 4
    """How often a collection is gone through before it is forgotten."""


class IPPOConfig(ActorCriticConfig):
    """PPO for every agent by itself."""

    name: Literal["ippo"] = "ippo"
    """mappo, ippo: several careful steps a collection. maa2c, ia2c: one. The critic sees all, or what its agent
    sees."""
    epochs: Count = 4
    """How often a collection is gone through before it is forgotten."""
    critic: Literal["own", "central"] = "own"
    """What values are judged from. own: what an agent sees itself. central: the state of all, while learning."""


class MAA2CConfig(ActorCriticConfig):
    """Advantage actor-critic with a critic that sees all."""

    name: Literal["maa2c"] = "maa2c"
    """mappo, ippo: several careful steps a collection. maa2c, ia2c: one. The critic sees all, or what its agent
    sees."""
    clip: NotNegative = 0.0
    """As for PPO; 0: no ratio at all, every step follows its gradient."""


class IA2CConfig(ActorCriticConfig):
    """Advantage actor-critic for every agent by itself."""

    name: Literal["ia2c"] = "ia2c"
    """mappo, ippo: several careful steps a collection. maa2c, ia2c: one. The critic sees all, or what its agent
    sees."""
    clip: NotNegative = 0.0
    """As for PPO; 0: no ratio at all, every step follows its gradient."""
    critic: Literal["own", "central"] = "own"
    """What values are judged from. own: what an agent sees itself. central: the state of all, while learning."""
