"""Utility networks, one for all agents: observations in, one value per action out.

Both take whole sequences (B, T, N, I) and an opaque memory, and return values (B, T, N, A) and the next memory.
Acting is the same call with T = 1.
"""

import torch
from torch import Tensor, nn

from lockstep.config.schema import NetworkConfig
from lockstep.networks.gru import SequenceGRU
from lockstep.networks.inputs import input_dim
from lockstep.spec import EnvSpec


class FeedForwardAgent(nn.Module):
    """Three linear layers (EPyMARL's `use_rnn=False`). No memory: it is always None."""

    def __init__(self, in_features: int, hidden_dim: int, num_actions: int) -> None:
        super().__init__()
        self.encode = nn.Linear(in_features, hidden_dim)
        self.hidden = nn.Linear(hidden_dim, hidden_dim)
        self.values = nn.Linear(hidden_dim, num_actions)

    def forward(self, inputs: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """inputs: (B, T, N, I) -> (B, T, N, A), None"""
        x = torch.relu_(self.encode(inputs))
        return self.values(torch.relu_(self.hidden(x))), None


class RecurrentAgent(nn.Module):
    """Linear, GRU, linear (Hausknecht and Stone 2015; PyMARL's RNNAgent)."""

    def __init__(self, in_features: int, hidden_dim: int, num_actions: int) -> None:
        super().__init__()
        self.encode = nn.Linear(in_features, hidden_dim)
        self.gru = SequenceGRU(hidden_dim, hidden_dim)
        self.values = nn.Linear(hidden_dim, num_actions)

    def forward(self, inputs: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """inputs: (B, T, N, I), memory: (1, B*N, H) or None at the start of episodes -> (B, T, N, A), memory"""
        batch, time, agents, _ = inputs.shape
        x = torch.relu_(self.encode(inputs))
        x, memory = self.gru(x.transpose(0, 1).reshape(time, batch * agents, -1), memory)
        assert memory is not None
        return self.values(x).view(time, batch, agents, -1).transpose(0, 1), memory


AgentNetwork = FeedForwardAgent | RecurrentAgent


def build_agent(spec: EnvSpec, config: NetworkConfig) -> AgentNetwork:
    """The configured network, freshly initialized from torch's global generator."""
    network = RecurrentAgent if config.recurrent else FeedForwardAgent
    return network(input_dim(spec, config), config.hidden_dim, spec.num_actions)
