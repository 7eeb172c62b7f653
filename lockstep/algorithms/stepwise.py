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

from lockstep.algorithms.q_learner import q_networks, q_page
from lockstep.algorithms.q_learning import Settings
from lockstep.config.schema import NetworkConfig, QTRANConfig, RunConfig, WeightedQMIXConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.mixers import MixingInputs
from lockstep.networks.sharing import groups
from lockstep.spec import EnvSpec

Work = Callable[[EpisodeBatch], object]


def stepwise_loss(online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch, settings: Settings) -> Tensor:
    """The loss of the algorithm's page, worked out step by step, for one step of reward a target (n_step = 1)."""
    match settings.algorithm:
        case WeightedQMIXConfig():
            return _weighted(online, target, batch, settings)
        case QTRANConfig():
            return _qtran(online, target, batch, settings)
        case _:
            return _mixed(online, target, batch, settings)


def _mixed(online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch, settings: Settings) -> Tensor:
    """`q_learning.loss`, and `pqn.loss`, to whom the target networks are the online ones."""
    q, q_target = (_utilities(networks, "agent", batch, settings) for networks in (online, target))
    q_tot, next_value = [], []
    for t in range(batch.actions.shape[1]):
        taken = _chosen(q[t], batch.actions[:, t])
        q_tot.append(_mix(online["mixer"], taken, batch, t, batch.actions[:, t], _best(q[t], batch, t)[0]))
        preferred = _preferred(q[t + 1], q_target[t + 1], batch, t + 1, settings)
        with torch.no_grad():
            following, best = _chosen(q_target[t + 1], preferred), _best(q_target[t + 1], batch, t + 1)[0]
            next_value.append(_mix(target["mixer"], following, batch, t + 1, preferred, best))
    return _mean(
        batch, [(one - y).square() for one, y in zip(q_tot, _targets(next_value, batch, settings), strict=True)]
    )


def _weighted(online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch, settings: Settings) -> Tensor:
    """`weighted_qmix.loss`."""
    algorithm, steps = settings.algorithm, batch.actions.shape[1]
    assert isinstance(algorithm, WeightedQMIXConfig)
    q, q_target = (_utilities(networks, "agent", batch, settings) for networks in (online, target))
    central, central_target = (_utilities(networks, "central_agent", batch, settings) for networks in (online, target))
    best_value = []
    for t in range(steps + 1):
        preferred = _preferred(q[t], q_target[t], batch, t, settings)
        best_value.append(target["central_mixer"](_chosen(central_target[t], preferred), batch.state[:, t]).detach())
    errors = []
    for t, y in enumerate(_targets(best_value[1:], batch, settings)):
        actions, (best, greedy) = batch.actions[:, t], _best(q[t], batch, t)
        q_tot = _mix(online["mixer"], _chosen(q[t], actions), batch, t, actions, best)
        q_star = online["central_mixer"](_chosen(central[t], actions), batch.state[:, t])
        weight = torch.full_like(y, algorithm.alpha)
        for row in range(len(y)):
            if algorithm.name == "owqmix":
                full = bool(q_tot[row, 0] < y[row, 0])
            else:
                full = torch.equal(actions[row], greedy[row]) or bool(y[row, 0] > best_value[t][row, 0])
            if full:
                weight[row] = 1.0
        errors.append(weight * (q_tot - y).square() + (q_star - y).square())
    return _mean(batch, errors)


def _qtran(online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch, settings: Settings) -> Tensor:
    """`qtran.loss`."""
    algorithm, steps = settings.algorithm, batch.actions.shape[1]
    assert isinstance(algorithm, QTRANConfig)
    q, q_target = (_utilities(networks, "agent", batch, settings) for networks in (online, target))
    next_value = []
    for t in range(1, steps + 1):
        preferred = _preferred(q[t], q_target[t], batch, t, settings)
        next_value.append(target["joint"](batch.state[:, t : t + 1], preferred.unsqueeze(1)).squeeze(1).detach())
    errors = []
    for t, y in enumerate(_targets(next_value, batch, settings)):
        actions, (best, greedy) = batch.actions[:, t], _best(q[t], batch, t)
        total = _mix(online["mixer"], _chosen(q[t], actions), batch, t, actions, best)
        total_best = _mix(online["mixer"], best, batch, t, greedy, best)
        q_jt, q_jt_best = (_joint(online, batch, t, joint) for joint in (actions, greedy))
        td, opt = (q_jt - y).square(), (total_best - q_jt_best.detach()).square()
        if algorithm.name == "qtran":
            nopt = (total - q_jt.detach()).clamp(max=0.0).square()
        else:
            nopt = torch.stack([_least(online, q[t], total, batch, t, i) for i in range(actions.shape[1])]).mean(0)
        errors.append(td + algorithm.opt_weight * opt + algorithm.nopt_weight * nopt)
    return _mean(batch, errors)


def _least(online: nn.ModuleDict, q: Tensor, total: Tensor, batch: EpisodeBatch, t: int, agent: int) -> Tensor:
    """(B, 1): the least excess of the sum over the joint value, whatever this agent had done, squared."""
    taken, found = batch.actions[:, t], []
    for action in range(q.shape[-1]):
        other = taken.clone()
        other[:, agent] = action
        change = q[:, agent, action] - _chosen(q, taken)[:, agent]
        excess = total + change.unsqueeze(-1) - _joint(online, batch, t, other).detach()
        if batch.available is not None:
            excess = torch.where(batch.available[:, t, agent, action].unsqueeze(-1), excess, 1e9)
        found.append(excess)
    return torch.cat(found, -1).min(-1, keepdim=True).values.square()


def _joint(networks: nn.ModuleDict, batch: EpisodeBatch, t: int, actions: Tensor) -> Tensor:
    """(B, 1): the joint value of actions (B, N) at step t, on one-hots side by side"""
    joint: Any = networks["joint"]
    hot = torch.cat([functional.one_hot(action, joint.num_actions) for action in actions.unbind(-1)], -1)
    hidden = joint.state(batch.state[:, t]) + joint.actions(hot.to(batch.reward.dtype))
    value: Tensor = joint.value(torch.relu(hidden))
    return value


def _preferred(q: Tensor, q_target: Tensor, batch: EpisodeBatch, t: int, settings: Settings) -> Tensor:
    """(B, N): the actions that targets are made for."""
    double_q = getattr(settings.algorithm, "double_q", True)
    return _best(q.detach() if double_q else q_target.detach(), batch, t)[1]


def _targets(next_value: Sequence[Tensor], batch: EpisodeBatch, settings: Settings) -> list[Tensor]:
    """T targets (B, G) from the values (B, G) after each step."""
    algorithm, steps = settings.algorithm, batch.actions.shape[1]
    if algorithm.rescale_values:
        next_value = [_undone(value) for value in next_value]
    later = torch.zeros_like(next_value[-1])
    targets = [later] * steps
    for t in reversed(range(steps)):
        cut = (batch.terminated | batch.truncated)[:, t]
        ended = batch.terminated[:, t] if algorithm.bootstrap_time_limit else cut
        last = cut if t < steps - 1 else torch.ones_like(ended)
        trace = algorithm.td_lambda * (~last).to(later.dtype)
        future = (1 - trace) * next_value[t] + trace * later
        later = batch.team_reward[:, t] + algorithm.gamma * (~ended).to(later.dtype) * future
        targets[t] = later
    if algorithm.rescale_values:
        return [torch.sign(y) * (torch.sqrt(y.abs() + 1) - 1) + 1e-3 * y for y in targets]
    return targets


def _undone(y: Tensor) -> Tensor:
    """The x of which y = sign(x) (sqrt(|x| + 1) - 1) + x / 1000, by halving where it can be."""
    low, high = torch.full_like(y, -1e12), torch.full_like(y, 1e12)
    for _ in range(100):
        x = (low + high) / 2
        below = torch.sign(x) * (torch.sqrt(x.abs() + 1) - 1) + 1e-3 * x < y
        low, high = torch.where(below, x, low), torch.where(below, high, x)
    return (low + high) / 2


def _mean(batch: EpisodeBatch, errors: Sequence[Tensor]) -> Tensor:
    """The mean of T errors (B, G) over the steps that happened."""
    filled = batch.filled.to(batch.reward.dtype)
    return (torch.stack(list(errors), 1) * filled).sum() / (filled.sum() * errors[0].shape[-1])


def both_ways(spec: EnvSpec, config: RunConfig, device: str) -> tuple[Work, Work]:
    """What works out the gradient of fresh networks on a batch: the page, and this module."""
    networks, page = q_networks(spec, config).to(device), q_page(spec, config)
    target = copy.deepcopy(networks).requires_grad_(False)

    def by(loss: Callable[..., Tensor]) -> Work:
        return lambda batch: torch.autograd.grad(
            loss(networks, target, batch, page.settings), list(networks.parameters())
        )

    return by(lambda *arguments: page.loss(*arguments)[0]), by(stepwise_loss)


def _utilities(networks: nn.ModuleDict, name: str, batch: EpisodeBatch, settings: Settings) -> list[Tensor]:
    """T + 1 tensors (B, N, A), by the agents of this name."""
    return unroll(networks[name], batch, settings.spec, settings.network)


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
    hidden = batch.obs.new_zeros(episodes * len(agents), agent.gru.hidden_size if network.recurrent else 1)
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
