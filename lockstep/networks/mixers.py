"""From the agents' values to the team's: nothing (IQL), a sum (VDN), a monotonic function of the state (QMIX).

The protocol is `mixer(agent_values, MixingInputs)`, (B, T, N) -> (B, T, G): G is 1, or N where nothing is mixed. It
carries the actions and the greedy values too, which duplex mixers such as QPLEX need.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from lockstep.config.schema import QMIXConfig


class MixingInputs(NamedTuple):
    """What a mixer may look at besides the values of the chosen actions."""

    state: Tensor
    """(B, T, S)"""
    actions: Tensor
    """(B, T, N) int64"""
    greedy_values: Tensor
    """(B, T, N): each agent's best value."""


class NoMixer(nn.Module):
    """Independent learners: every agent's value is judged by itself (Tan 1993)."""

    def forward(self, agent_values: Tensor, inputs: MixingInputs) -> Tensor:
        """(B, T, N) -> (B, T, N)"""
        return agent_values


class VDNMixer(nn.Module):
    """The team's value is the sum of the agents' (Sunehag et al. 2018)."""

    def forward(self, agent_values: Tensor, inputs: MixingInputs) -> Tensor:
        """(B, T, N) -> (B, T, 1)"""
        return agent_values.sum(-1, keepdim=True)


class QMIXMixer(nn.Module):
    """A two-layer network whose non-negative weights are made from the state (Rashid et al. 2018, section 4).

    Q_tot = |w2(s)|^T elu(|W1(s)| q + b1(s)) + V(s): raising one agent's value never lowers the team's, so the
    agents' own best actions are the team's.
    """

    def __init__(self, num_agents: int, state_dim: int, config: QMIXConfig) -> None:
        super().__init__()
        self.num_agents, self.embed_dim = num_agents, config.mixing_embed_dim
        self.w1 = _hypernet(state_dim, num_agents * self.embed_dim, config)
        self.b1 = nn.Sequential(nn.Linear(state_dim, self.embed_dim))
        self.w2 = _hypernet(state_dim, self.embed_dim, config)
        self.v = nn.Sequential(nn.Linear(state_dim, self.embed_dim), nn.ReLU(), nn.Linear(self.embed_dim, 1))

    def forward(self, agent_values: Tensor, inputs: MixingInputs) -> Tensor:
        """(B, T, N) -> (B, T, 1)"""
        state = inputs.state.flatten(0, 1)  # (B*T, S), from here on
        w1, w2, b1, v = together([self.w1, self.w2, self.b1, self.v], state)
        w1 = w1.abs().view(-1, self.num_agents, self.embed_dim)
        hidden = functional.elu_((agent_values.flatten(0, 1).unsqueeze(-1) * w1).sum(-2) + b1)
        q_tot = (hidden * w2.abs()).sum(-1, keepdim=True) + v
        return q_tot.view(*agent_values.shape[:2], 1)


def together(networks: Sequence[nn.Sequential], x: Tensor) -> list[Tensor]:
    """What each of several networks makes of the same x (rows, features), their first layers in one product."""
    first = [cast(nn.Linear, network[0]) for network in networks]
    weight, bias = torch.cat([layer.weight for layer in first]), torch.cat([layer.bias for layer in first])
    parts = torch.split(functional.linear(x, weight, bias), [layer.out_features for layer in first], dim=-1)
    return [network[1:](part) for network, part in zip(networks, parts, strict=True)]


def _hypernet(state_dim: int, out_features: int, config: QMIXConfig) -> nn.Sequential:
    if config.hypernet_layers == 1:
        return nn.Sequential(nn.Linear(state_dim, out_features))
    width = config.hypernet_embed_dim
    return nn.Sequential(nn.Linear(state_dim, width), nn.ReLU(), nn.Linear(width, out_features))
