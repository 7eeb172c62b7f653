"""The straightforward reading of the paper, as the common code does it: one step of time after another.

The naive twin of `QLearner.loss`: the tests hold the page to its numbers and gradients, and `lockstep bench learner`
times the page against it. Whole episodes, every action available.
"""

from typing import cast

import torch
from torch import Tensor, nn

from lockstep.algorithms.q_learning import QLearner
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.agents import AgentNetwork, RecurrentAgent
from lockstep.networks.inputs import agent_inputs, previous_actions
from lockstep.networks.mixers import MixingInputs


def stepwise_loss(learner: QLearner, batch: EpisodeBatch) -> Tensor:
    """The loss of `learner` on `batch`, worked out step by step."""
    config = learner.algorithm
    steps = batch.actions.shape[1]
    online = _unroll(learner, learner.online["agent"], batch)
    target = [q.detach() for q in _unroll(learner, learner.target["agent"], batch)]
    filled = batch.filled.to(batch.reward.dtype)

    q_tot, next_value = [], []
    for t in range(steps):
        taken = online[t].gather(-1, batch.actions[:, t].unsqueeze(-1)).squeeze(-1)
        q_tot.append(_mix(learner.online["mixer"], taken, batch, t, t))
        chooser = (online if config.double_q else target)[t + 1].detach()
        greedy = target[t + 1].gather(-1, chooser.argmax(-1, keepdim=True)).squeeze(-1)
        with torch.no_grad():
            next_value.append(_mix(learner.target["mixer"], greedy, batch, t, t + 1))

    later = torch.zeros_like(next_value[-1])
    targets = [later] * steps
    for t in reversed(range(steps)):
        ended = batch.terminated[:, t] if config.bootstrap_time_limit else (batch.terminated | batch.truncated)[:, t]
        last = (batch.terminated | batch.truncated)[:, t] if t < steps - 1 else torch.ones_like(ended)
        trace = config.td_lambda * (~last).to(filled.dtype)
        future = (1 - trace) * next_value[t] + trace * later
        later = batch.team_reward[:, t] + config.gamma * (~ended).to(filled.dtype) * future
        targets[t] = later
    td_error = (torch.stack(q_tot, 1) - torch.stack(targets, 1)) * filled
    return td_error.square().sum() / (filled.sum() * td_error.shape[-1])


def _unroll(learner: QLearner, module: nn.Module, batch: EpisodeBatch) -> list[Tensor]:
    """T + 1 tensors (B, N, A)."""
    agent = cast(AgentNetwork, module)
    episodes, agents = batch.num_episodes, learner.spec.num_agents
    last_actions = previous_actions(batch.actions) if learner.network.last_action else None
    inputs = agent_inputs(batch.obs, last_actions, learner.spec, learner.network)
    hidden = batch.obs.new_zeros(episodes * agents, learner.network.hidden_dim)
    values = []
    for t in range(inputs.shape[1]):
        x = torch.relu(agent.encode(inputs[:, t].reshape(episodes * agents, -1)))
        if isinstance(agent, RecurrentAgent):
            hidden = _gru_cell(agent.gru, x, hidden)
            x = hidden
        else:
            x = torch.relu(agent.hidden(x))
        values.append(agent.values(x).view(episodes, agents, -1))
    return values


def _gru_cell(gru: nn.GRU, x: Tensor, hidden: Tensor) -> Tensor:
    """torch's GRUCell with the weights of a one-layer GRU."""
    return torch.gru_cell(x, hidden, *cast(list[Tensor], gru.all_weights[0]))


def _mix(mixer: nn.Module, values: Tensor, batch: EpisodeBatch, t: int, state_step: int) -> Tensor:
    """(B, N) -> (B, G)"""
    state = batch.state[:, state_step : state_step + 1]
    inputs = MixingInputs(state, batch.actions[:, t : t + 1], values.unsqueeze(1))
    mixed: Tensor = mixer(values.unsqueeze(1), inputs).squeeze(1)
    return mixed
