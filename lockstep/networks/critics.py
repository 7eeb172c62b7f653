"""Critics: what a team's policies may expect to earn, from what an agent sees or from the state.

A critic is shown the agents' inputs (B, T, N, I), or the state (B, T, S) if it is a central one. It returns values
(B, T, G) in units of its own; `mean` and `std` say how these become rewards. G is the number of agents, or 1 where one
value stands for the whole team.
"""

import torch
from torch import Tensor, nn

from lockstep.config.schema import NetworkConfig
from lockstep.config.schema.actor_critic import ActorCriticConfig
from lockstep.errors import UserError
from lockstep.networks.agents import (
    AgentNetwork,
    FeedForwardAgent,
    GroupedAgents,
    RecurrentAgent,
    build_agent,
    networks_of,
)
from lockstep.spec import EnvSpec


class Critic(nn.Module):
    """Its units are buffers, so that they are kept wherever its parameters are."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: AgentNetwork | None = None) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))

    def in_rewards(self, values: Tensor) -> Tensor:
        """Values of its own units as rewards."""
        return values * self.std + self.mean

    def last_layers(self) -> list[nn.Linear]:
        """The layers that values come from."""
        assert self.network is not None
        return [network.values for network in networks_of(self.network)]


class OwnCritic(Critic):
    """Every agent's value from what it sees itself, by networks that are shared as the policies' are."""

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, T, N, I) -> (B, T, N)"""
        assert self.network is not None
        values: Tensor = self.network(inputs)[0]
        return values.squeeze(-1)


class TrunkCritic(Critic):
    """Every agent's value as one more output of the policy's own network, which all agents share."""

    def __init__(self, agent: AgentNetwork, hidden_dim: int) -> None:
        """Raises UserError where agents have networks of their own."""
        if isinstance(agent, GroupedAgents):
            raise UserError(
                "algorithm.shared_trunk=true needs network.sharing=all: the value is one more output of one network. "
                "Set one of them."
            )
        super().__init__()
        self.values = nn.Linear(hidden_dim, 1)
        self._agent = [agent]  # whose parameters, in a list, are not counted once more here

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, T, N, I) -> (B, T, N)"""
        seen, _ = self._agent[0].features(inputs)
        values: Tensor = self.values(seen)
        return values.squeeze(-1)

    def last_layers(self) -> list[nn.Linear]:
        """See `Critic.last_layers`."""
        return [self.values]


class CentralCritic(Critic):
    """Values from the state of all: one pass for the whole team, or one for each agent, told whom it judges."""

    def __init__(self, spec: EnvSpec, config: NetworkConfig, outputs: int, *, agent_id: bool) -> None:
        kind = RecurrentAgent if config.recurrent else FeedForwardAgent
        width = spec.state_dim + agent_id * spec.num_agents
        super().__init__(kind(width, 1 if agent_id else outputs, config))
        self.num_agents, self.agent_id = spec.num_agents, agent_id

    def forward(self, state: Tensor) -> Tensor:
        """(B, T, S) -> (B, T, G)"""
        assert self.network is not None
        seen = state.unsqueeze(2)  # (B, T, 1, S)
        if not self.agent_id:
            values: Tensor = self.network(seen)[0]
            return values.squeeze(2)
        numbers = torch.eye(self.num_agents, dtype=state.dtype, device=state.device)
        shape = (*state.shape[:2], self.num_agents, -1)
        each: Tensor = self.network(torch.cat([seen.expand(shape), numbers.expand(shape)], -1))[0]
        return each.squeeze(-1)


def build_critic(spec: EnvSpec, network: NetworkConfig, algorithm: ActorCriticConfig, agent: AgentNetwork) -> Critic:
    """The configured critic of a team that acts by `agent`, freshly initialized from torch's global generator.

    At first it expects the same everywhere: where rewards are rare, a policy would else follow its random opinions.
    """
    critic = _critic(spec, network, algorithm, agent)
    for layer in critic.last_layers():
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    return critic


def _critic(spec: EnvSpec, network: NetworkConfig, algorithm: ActorCriticConfig, agent: AgentNetwork) -> Critic:
    if algorithm.shared_trunk:
        return TrunkCritic(agent, network.hidden_dim)
    hidden_dim = algorithm.critic_hidden_dim or network.hidden_dim
    wide = network.model_copy(update={"hidden_dim": hidden_dim, "dueling": False})
    if algorithm.critic == "own":
        return OwnCritic(build_agent(spec, wide, num_outputs=1))
    outputs = spec.num_agents if algorithm.reward == "own" else 1
    return CentralCritic(spec, wide, outputs, agent_id=algorithm.critic_agent_id)
