"""The straightforward reading of the paper, as the common code does it: one step of time after another.

The naive twin of the page: the tests hold the page to its numbers and gradients, and `lockstep bench learner` times the
page against it.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lockstep.algorithms.q_learner import q_networks
from lockstep.algorithms.q_learning import Settings
from lockstep.algorithms.q_learning import loss as page_loss
from lockstep.config.schema import NetworkConfig, QLearningConfig, RunConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.mixers import MixingInputs
from lockstep.networks.sharing import groups
from lockstep.spec import EnvSpec

Work = Callable[[EpisodeBatch], object]


def stepwise_loss(online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch, settings: Settings) -> Tensor:
    """The loss of `q_learning.loss`, worked out step by step, for one step of reward a target (n_step = 1)."""
    algorithm = settings.algorithm
    steps = batch.actions.shape[1]
    q = unroll(online["agent"], batch, settings.spec, settings.network)
    q_target = [q.detach() for q in unroll(target["agent"], batch, settings.spec, settings.network)]
    filled = batch.filled.to(batch.reward.dtype)

    q_tot, next_value = [], []
    for t in range(steps):
        taken = _chosen(q[t], batch.actions[:, t])
        q_tot.append(_mix(online["mixer"], taken, batch, t, batch.actions[:, t], _best(q[t], batch, t)[0]))
        best, preferred = _best(q_target[t + 1], batch, t + 1)
        if algorithm.double_q:
            preferred = _best(q[t + 1].detach(), batch, t + 1)[1]
        with torch.no_grad():
            following = _chosen(q_target[t + 1], preferred)
            next_value.append(_mix(target["mixer"], following, batch, t + 1, preferred, best))

    later = torch.zeros_like(next_value[-1])
    targets = [later] * steps
    for t in reversed(range(steps)):
        cut = (batch.terminated | batch.truncated)[:, t]
        ended = batch.terminated[:, t] if algorithm.bootstrap_time_limit else cut
        last = cut if t < steps - 1 else torch.ones_like(ended)
        trace = algorithm.td_lambda * (~last).to(filled.dtype)
        future = (1 - trace) * next_value[t] + trace * later
        later = batch.team_reward[:, t] + algorithm.gamma * (~ended).to(filled.dtype) * future
        targets[t] = later
    td_error = (torch.stack(q_tot, 1) - torch.stack(targets, 1)) * filled
    return td_error.square().sum() / (filled.sum() * td_error.shape[-1])


def both_ways(spec: EnvSpec, config: RunConfig, device: str) -> tuple[Work, Work]:
    """What works out the gradient of fresh networks on a batch: the page, and this module."""
    assert isinstance(config.algorithm, QLearningConfig)
    networks, settings = q_networks(spec, config).to(device), Settings(spec, config.network, config.algorithm)
    target = copy.deepcopy(networks).requires_grad_(False)

    def by(loss: Callable[..., Tensor]) -> Work:
        return lambda batch: torch.autograd.grad(loss(networks, target, batch, settings), list(networks.parameters()))

    return by(lambda *arguments: page_loss(*arguments)[0]), by(stepwise_loss)


def unroll(agents: Any, batch: EpisodeBatch, spec: EnvSpec, network: NetworkConfig) -> list[Tensor]:
    """T + 1 tensors (B, N, outputs): what the agents' networks return, step by step. Where not all agents share one
    network, one agent after the other."""
    if network.sharing == "all":
        return _unroll_some(agents, range(spec.num_agents), batch, spec, network)
    members = groups(network, spec.num_agents)
    owners = {agent: part for group, part in zip(members, agents.networks, strict=True) for agent in group}
    alone = [_unroll_some(owners[agent], [agent], batch, spec, network) for agent in sorted(owners)]
    return [torch.cat(values, 1) for values in zip(*alone, strict=True)]


def _unroll_some(
    agent: Any, who: Sequence[int], batch: EpisodeBatch, spec: EnvSpec, network: NetworkConfig
) -> list[Tensor]:
    """T + 1 tensors (B, agents, outputs), of the agents `who` that share one network."""
    agents, episodes = list(who), batch.num_episodes
    hidden = batch.obs.new_zeros(episodes * len(agents), agent.encode.out_features)
    values = []
    for t in range(batch.obs.shape[1]):
        parts = [batch.obs[:, t, agents]]
        if network.last_action:
            known = functional.one_hot(batch.actions[:, t - 1, agents], spec.num_actions).to(parts[0].dtype)
            parts.append(known if t > 0 else torch.zeros_like(known))
        if network.agent_id:
            numbers = torch.eye(spec.num_agents, dtype=parts[0].dtype, device=hidden.device)[agents]
            parts.append(numbers.expand(episodes, -1, -1))
        x = torch.relu(agent.encode(torch.cat(parts, -1).flatten(0, 1)))
        if network.recurrent:
            hidden = torch.gru_cell(x, hidden, *agent.gru.all_weights[0])
            x = hidden
        else:
            x = torch.relu(agent.hidden(x))
        values.append(agent.values(x).view(episodes, len(agents), -1))
    return values


def _best(q: Tensor, batch: EpisodeBatch, t: int) -> tuple[Tensor, Tensor]:
    """(B, N) each: the best value among the actions allowed at step t, and that action. q: (B, N, A)"""
    if batch.available is not None:
        q = torch.where(batch.available[:, t], q, torch.full_like(q, -1e9))
    best, action = q.max(-1)
    return best, action


def _chosen(q: Tensor, actions: Tensor) -> Tensor:
    return q.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def _mix(mixer: nn.Module, values: Tensor, batch: EpisodeBatch, t: int, actions: Tensor, best: Tensor) -> Tensor:
    """(B, N) -> (B, G), in the state of step t"""
    state = batch.state[:, t : t + 1]
    mixed: Tensor = mixer(values.unsqueeze(1), MixingInputs(state, actions.unsqueeze(1), best.unsqueeze(1))).squeeze(1)
    return mixed
