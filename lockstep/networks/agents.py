"""Utility networks, one for all agents or one for each group: observations in, one value per action out.

All take whole sequences (B, T, N, I) and an opaque memory, and return values (B, T, N, A) and the next memory.
Acting is the same call with T = 1.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lockstep.config.schema import NetworkConfig
from lockstep.networks.gru import SequenceGRU
from lockstep.networks.inputs import input_dim
from lockstep.networks.sharing import Groups, groups
from lockstep.spec import EnvSpec


class DuelingValues(nn.Module):
    """What the situation is worth, and what each action has over the mean of all (Wang et al. 2016, equation 9).

    Q(a) = V + A(a) - mean of A. Being linear, it is played as one layer: see `lockstep.acting.forward.team_weights`.
    """

    def __init__(self, hidden_dim: int, num_actions: int) -> None:
        super().__init__()
        self.advantages = nn.Linear(hidden_dim, num_actions)
        self.situation = nn.Linear(hidden_dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(..., H) -> (..., A)"""
        advantages = self.advantages(x)
        q: Tensor = self.situation(x) + advantages - advantages.mean(-1, keepdim=True)
        return q


class FeedForwardAgent(nn.Module):
    """Three linear layers (EPyMARL's `use_rnn=False`). No memory: it is always None."""

    def __init__(self, in_features: int, num_actions: int, config: NetworkConfig) -> None:
        super().__init__()
        self.encode: Any = _hidden_layer(in_features, config)
        self.hidden: Any = _hidden_layer(config.hidden_dim, config)
        self.values: Any = _last_layer(num_actions, config)

    def forward(self, inputs: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """inputs: (B, T, N, I) -> (B, T, N, A), None"""
        x, memory = self.features(inputs, memory)
        return self.values(x), memory

    def features(self, inputs: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Like `forward`, but what the last layer sees, (B, T, N, H)."""
        return torch.relu_(self.hidden(torch.relu_(self.encode(inputs)))), None


class RecurrentAgent(nn.Module):
    """Linear, GRU, linear (Hausknecht and Stone 2015; PyMARL's RNNAgent)."""

    def __init__(self, in_features: int, num_actions: int, config: NetworkConfig) -> None:
        super().__init__()
        self.encode: Any = _hidden_layer(in_features, config)
        self.gru = SequenceGRU(config.hidden_dim, config.hidden_dim)
        self.values: Any = _last_layer(num_actions, config)

    def forward(self, inputs: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """inputs: (B, T, N, I), memory: (1, B*N, H) or None at the start of episodes -> (B, T, N, A), memory"""
        x, memory = self._remember(inputs, memory)
        return _by_episode(self.values(x), inputs), memory

    def features(self, inputs: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Like `forward`, but what the last layer sees, (B, T, N, H)."""
        x, memory = self._remember(inputs, memory)
        return _by_episode(x, inputs), memory

    def _remember(self, inputs: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor]:
        """inputs: (B, T, N, I) -> (T, B*N, H), and the memory after the last step"""
        batch, time, agents, _ = inputs.shape
        x = torch.relu_(self.encode(inputs))
        after, memory = self.gru(x.transpose(0, 1).reshape(time, batch * agents, -1), memory)
        assert memory is not None
        return after, memory


class GroupedAgents(nn.Module):
    """A network for each group of agents, none of whose parameters another group shares."""

    def __init__(self, members: Groups, networks: Sequence[FeedForwardAgent | RecurrentAgent]) -> None:
        super().__init__()
        self.members, self.networks = members, nn.ModuleList(networks)

    def forward(self, inputs: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """inputs: (B, T, N, I), memory: (1, B*N, H) or None -> (B, T, N, A), memory"""
        batch, _, agents, _ = inputs.shape
        before = None if memory is None else memory.view(1, batch, agents, -1)
        values, memories = dict[int, Tensor](), dict[int, Tensor]()
        for group, network in zip(self.members, self.networks, strict=True):
            own = None if before is None else _of(group, before).flatten(1, 2)
            q, after = network(_of(group, inputs), own)
            values |= zip(group, q.unbind(2), strict=True)
            if after is not None:
                memories |= zip(group, after.view(1, batch, len(group), -1).unbind(2), strict=True)
        joined = torch.stack([values[agent] for agent in range(agents)], 2)
        if not memories:
            return joined, None
        return joined, torch.stack([memories[agent] for agent in range(agents)], 2).flatten(1, 2)


AgentNetwork = FeedForwardAgent | RecurrentAgent | GroupedAgents


def build_agent(spec: EnvSpec, config: NetworkConfig, num_outputs: int = 0) -> AgentNetwork:
    """The configured networks, freshly initialized from torch's global generator.

    num_outputs: how many numbers an agent's network returns; 0: one for each action. Raises UserError where
    `config.sharing` does not fit the team.
    """
    network, members = RecurrentAgent if config.recurrent else FeedForwardAgent, groups(config, spec.num_agents)
    outputs = num_outputs or spec.num_actions
    built = [network(input_dim(spec, config), outputs, config) for _ in members]
    return built[0] if config.sharing == "all" else GroupedAgents(members, built)


def _hidden_layer(in_features: int, config: NetworkConfig) -> nn.Module:
    """What comes before a ReLU."""
    linear = nn.Linear(in_features, config.hidden_dim)
    if not config.layer_norm:
        return linear
    return nn.Sequential(linear, nn.LayerNorm(config.hidden_dim, elementwise_affine=False))


def _last_layer(num_actions: int, config: NetworkConfig) -> nn.Module:
    """What values the actions."""
    return (DuelingValues if config.dueling else nn.Linear)(config.hidden_dim, num_actions)


def networks_of(agent: AgentNetwork) -> list[FeedForwardAgent | RecurrentAgent]:
    """The networks of all groups."""
    return list(agent.networks) if isinstance(agent, GroupedAgents) else [agent]  # type: ignore[arg-type]


def _by_episode(x: Tensor, inputs: Tensor) -> Tensor:
    """x (T, B*N, C) -> (B, T, N, C), for inputs (B, T, N, I)"""
    batch, time, agents, _ = inputs.shape
    return x.view(time, batch, agents, -1).transpose(0, 1)


def _of(group: Sequence[int], x: Tensor) -> Tensor:
    """Some agents of x (..., N, I), whose next to last dimension is 2."""
    return torch.stack([x[:, :, agent] for agent in group], 2)
