"""Q-learning for teams. IQL, VDN, QMIX and QPLEX are this page and a mixer.

Every agent i has a utility Q_i(observations, action) from one shared network. A mixer turns the utilities of the chosen
actions into the team's value Q_tot (Rashid et al. 2018). Both are trained end to end towards targets made by slow
copies of themselves (Mnih et al. 2015), the next actions being chosen by the online network (van Hasselt et al. 2016).

B episodes, T steps, N agents, A actions; G = 1 team value, or N independent ones (IQL).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lockstep.algorithms.learner import Metrics
from lockstep.algorithms.returns import n_step, rescaled, td_lambda, unscaled
from lockstep.config.schema import NetworkConfig, PQNConfig, QLearningConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.inputs import agent_inputs, previous_actions
from lockstep.networks.mixers import MixingInputs
from lockstep.spec import EnvSpec


class Settings(NamedTuple):
    """What the page needs to know besides networks and episodes."""

    spec: EnvSpec
    network: NetworkConfig
    algorithm: QLearningConfig | PQNConfig


def loss(
    online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch, settings: Settings
) -> tuple[Tensor, Metrics]:
    """Mean squared difference of Q_tot and its target over the steps that happened."""
    q = values(online, batch, settings)  # (B, T+1, N, A)
    now = MixingInputs(batch.state[:, :-1], batch.actions, best_values(q, batch.available)[:, :-1])
    q_taken = online["mixer"](take(q[:, :-1], batch.actions), now)  # (B, T, G)
    return squared_error(q_taken, targets(q.detach(), target, batch, settings), batch)


@torch.no_grad()
def targets(q_online: Tensor, target: nn.ModuleDict, batch: EpisodeBatch, settings: Settings) -> Tensor:
    """(B, T, G): what Q_tot should have been, in hindsight. q_online: (B, T+1, N, A)"""
    q = values(target, batch, settings)  # (B, T+1, N, A)
    greedy = greedy_actions(q_online, q, batch, settings)  # (B, T+1, N)
    following = MixingInputs(batch.state[:, 1:], greedy[:, 1:], best_values(q, batch.available)[:, 1:])
    next_value = target["mixer"](take(q, greedy)[:, 1:], following)  # (B, T, G)
    return hindsight(next_value, batch, settings)


def hindsight(next_value: Tensor, batch: EpisodeBatch, settings: Settings) -> Tensor:
    """(B, T, G): the rewards that followed, and the value of where they led. next_value: (B, T, G), after each step"""
    algorithm = settings.algorithm
    if algorithm.rescale_values:
        next_value = unscaled(next_value)
    ended = batch.terminated if algorithm.bootstrap_time_limit else batch.terminated | batch.truncated
    last = batch.terminated | batch.truncated
    last[:, -1] = True
    if isinstance(algorithm, QLearningConfig) and algorithm.n_step > 1:
        y = n_step(batch.team_reward, next_value, ended, last, algorithm.gamma, algorithm.n_step)
    else:
        y = td_lambda(batch.team_reward, next_value, ended, last, algorithm.gamma, algorithm.td_lambda)
    return rescaled(y) if algorithm.rescale_values else y


def squared_error(q_taken: Tensor, y: Tensor, batch: EpisodeBatch) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean squared difference of values and targets, (B, T, G) each, over the steps that happened, and its metrics."""
    filled = batch.filled.to(batch.reward.dtype)
    td_error = (q_taken - y) * filled
    groups = filled.sum() * td_error.shape[-1]
    per_agent = filled.sum() * batch.actions.shape[-1]
    metrics = {
        "td_error_abs": td_error.detach().abs().sum() / groups,
        "q_taken_mean": (q_taken.detach() * filled).sum() / per_agent,
        "target_mean": (y * filled).sum() / per_agent,
    }
    return td_error.square().sum() / groups, metrics


def greedy_actions(q_online: Tensor, q_target: Tensor, batch: EpisodeBatch, settings: Settings) -> Tensor:
    """(B, T+1, N): what targets are made for. Both networks' utilities: (B, T+1, N, A)"""
    double_q = not isinstance(settings.algorithm, QLearningConfig) or settings.algorithm.double_q
    return mask_unavailable(q_online if double_q else q_target, batch.available).argmax(-1)


def values(networks: nn.ModuleDict, batch: EpisodeBatch, settings: Settings, agent: str = "agent") -> Tensor:
    """(B, T+1, N, A): every agent's utilities along the episodes, by the network of this name."""
    last_actions = previous_actions(batch.actions) if settings.network.last_action else None
    q: Tensor = networks[agent](agent_inputs(batch.obs, last_actions, settings.spec, settings.network))[0]
    return q


def take(q: Tensor, actions: Tensor) -> Tensor:
    """The values of chosen actions. q: (B, T, N, A), actions: (B, T, N) -> (B, T, N)"""
    return q.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def best_values(q: Tensor, available: Tensor | None) -> Tensor:
    """Each agent's best value among the actions allowed; where none is, any. q, available: (B, T, N, A)"""
    return q.amax(-1) if available is None else take(q, mask_unavailable(q, available).argmax(-1))


def mask_unavailable(q: Tensor, available: Tensor | None) -> Tensor:
    """q with -inf where an action is not allowed. q, available: (B, T, N, A)"""
    return q if available is None else q.masked_fill(~available, -torch.inf)
