"""From the agents' values to the team's: nothing (IQL), a sum (VDN), a monotonic function of the state (QMIX), any that
is highest where the agents' are (QPLEX).

The protocol is `mixer(agent_values, MixingInputs)`, (B, T, N) -> (B, T, G): G is 1, or N where nothing is mixed. It
carries the actions and the greedy values too, which QPLEX needs.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from lockstep.config.schema import MixingConfig, QPLEXConfig
from lockstep.spec import EnvSpec

TINY = 1e-10
"""What keeps a weight above zero."""


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

    def __init__(self, num_agents: int, state_dim: int, config: MixingConfig) -> None:
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


class QPLEXMixer(nn.Module):
    """A duplex dueling network: values add up, and advantages with weights of their own (Wang et al. 2021, section 3).

    Each agent's value is first scaled and moved by the state: Q_i' = w_i(s) q_i + b_i(s), w_i > 0. Its advantage is
    A_i = w_i(s) (q_i - max q_i), never above zero. Then

        Q_tot = sum_i Q_i' + (lambda_i(s, u) - 1) A_i,    lambda_i(s, u) = sum_k key_k(s) agent_ki(s) action_ki(s, u)

    where the keys of the K heads are positive, and agent and action lie between 0 and 1. Whatever the positive lambdas
    are, the agents' own best actions are the team's; and with the right ones Q_tot is any function of which that holds.
    """

    def __init__(self, spec: EnvSpec, config: QPLEXConfig) -> None:
        super().__init__()
        agents, state_dim = spec.num_agents, spec.state_dim
        self.heads, self.num_actions = config.attention_heads, spec.num_actions
        self.stop_gradient = config.stop_gradient
        self.w = perceptron(state_dim, agents, 2, config.hypernet_embed_dim)
        self.b = perceptron(state_dim, agents, 2, config.hypernet_embed_dim)
        layers, width = config.attention_layers, config.attention_embed_dim
        self.key = perceptron(state_dim, self.heads, layers, width)
        self.agent = perceptron(state_dim, self.heads * agents, layers, width)
        self.action = perceptron(state_dim + agents * spec.num_actions, self.heads * agents, layers, width)

    def forward(self, agent_values: Tensor, inputs: MixingInputs) -> Tensor:
        """(B, T, N) -> (B, T, 1)"""
        w = self.w(inputs.state).abs() + TINY
        advantages = w * (agent_values - inputs.greedy_values)
        if self.stop_gradient:
            advantages = advantages.detach()
        moved = w * agent_values + self.b(inputs.state)
        q_tot: Tensor = (moved + (self.importance(inputs) - 1.0) * advantages).sum(-1, keepdim=True)
        return q_tot

    def importance(self, inputs: MixingInputs) -> Tensor:
        """(B, T, N): lambda, how much an agent's advantage weighs beside these actions of all."""
        joint = torch.cat([inputs.state, one_hot(inputs.actions, self.num_actions).to(inputs.state.dtype)], -1)
        key = self.key(inputs.state).abs().unsqueeze(-1) + TINY  # (B, T, K, 1)
        agent, action = self.agent(inputs.state).sigmoid(), self.action(joint).sigmoid()
        found: Tensor = (key * (agent * action).unflatten(-1, (self.heads, -1))).sum(-2)
        return found


class SumAndStateValue(nn.Module):
    """The agents' values added up, and a value of the state: QTRAN's other side (Son et al. 2019, theorem 1)."""

    def __init__(self, state_dim: int, width: int) -> None:
        super().__init__()
        self.v = perceptron(state_dim, 1, 3, width)

    def forward(self, agent_values: Tensor, inputs: MixingInputs) -> Tensor:
        """(B, T, N) -> (B, T, 1)"""
        found: Tensor = agent_values.sum(-1, keepdim=True) + self.v(inputs.state)
        return found


class CentralMixer(nn.Module):
    """Any function of the agents' values and the state (Rashid et al. 2020, appendix)."""

    def __init__(self, num_agents: int, state_dim: int, width: int) -> None:
        super().__init__()
        self.network = perceptron(num_agents + state_dim, 1, 4, width)
        self.v = perceptron(state_dim, 1, 2, width)

    def forward(self, agent_values: Tensor, state: Tensor) -> Tensor:
        """(B, T, N), (B, T, S) -> (B, T, 1)"""
        mixed: Tensor = self.network(torch.cat([agent_values, state], -1)) + self.v(state)
        return mixed


class JointValue(nn.Module):
    """What a state and the actions of all are worth, whatever the agents think of them."""

    def __init__(self, spec: EnvSpec, width: int) -> None:
        super().__init__()
        self.num_agents, self.num_actions = spec.num_agents, spec.num_actions
        self.state = nn.Linear(spec.state_dim, width)
        self.actions = nn.Linear(spec.num_agents * spec.num_actions, width, bias=False)
        self.value = perceptron(width, 1, 2, width)

    def forward(self, state: Tensor, actions: Tensor) -> Tensor:
        """(B, T, S), (B, T, N) -> (B, T, 1)"""
        found: Tensor = self.value(torch.relu(self._first(state, actions)))
        return found

    def exchanged(self, state: Tensor, actions: Tensor) -> Tensor:
        """Every agent's every action beside the others' actions: (B, T, S), (B, T, N) -> (B, T, N, A)"""
        weights = self.actions.weight.T.view(self.num_agents, self.num_actions, -1)  # (N, A, H)
        agents = torch.arange(self.num_agents, device=actions.device)
        others = self._first(state, actions).unsqueeze(-2) - weights[agents, actions]  # (B, T, N, H)
        found: Tensor = self.value(torch.relu(others.unsqueeze(-2) + weights)).squeeze(-1)
        return found

    def _first(self, state: Tensor, actions: Tensor) -> Tensor:
        hidden: Tensor = self.state(state) + self.actions(one_hot(actions, self.num_actions).to(state.dtype))
        return hidden


def perceptron(in_features: int, out_features: int, layers: int, width: int) -> nn.Sequential:
    """So many linear layers with ReLUs between them, `width` units wide inside."""
    sizes = [in_features, *[width] * (layers - 1), out_features]
    parts = [part for inputs, outputs in pairwise(sizes) for part in (nn.Linear(inputs, outputs), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


def one_hot(actions: Tensor, num_actions: int) -> Tensor:
    """The actions of all, side by side: (B, T, N) -> (B, T, N * A)"""
    return functional.one_hot(actions, num_actions).flatten(-2)


def together(networks: Sequence[nn.Sequential], x: Tensor) -> list[Tensor]:
    """What each of several networks makes of the same x (rows, features), their first layers in one product."""
    first = [cast(nn.Linear, network[0]) for network in networks]
    weight, bias = torch.cat([layer.weight for layer in first]), torch.cat([layer.bias for layer in first])
    parts = torch.split(functional.linear(x, weight, bias), [layer.out_features for layer in first], dim=-1)
    return [network[1:](part) for network, part in zip(networks, parts, strict=True)]


def _hypernet(state_dim: int, out_features: int, config: MixingConfig) -> nn.Sequential:
    return perceptron(state_dim, out_features, config.hypernet_layers, config.hypernet_embed_dim)
