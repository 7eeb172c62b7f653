"""Weighted QMIX: OW-QMIX and CW-QMIX (Rashid et al. 2020).

A monotonic Q_tot cannot be right about every joint action where the best choice of one agent depends on the others', so
it need not try: errors at joint actions that are not the best ones weigh less. Which these are is judged by a second
value without limits, Q*, of agents and a mixer of its own; it makes the targets, too. The team acts by Q_tot's agents.

B episodes, T steps, N agents, A actions; `lockstep.algorithms.q_learning` has the pieces.
"""

import torch
from torch import Tensor, nn

from lockstep.algorithms.learner import Metrics
from lockstep.algorithms.q_learning import (
    Settings,
    best_values,
    greedy_actions,
    hindsight,
    mask_unavailable,
    squared_error,
    take,
    values,
)
from lockstep.config.schema import WeightedQMIXConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.mixers import MixingInputs


def loss(
    online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch, settings: Settings
) -> tuple[Tensor, Metrics]:
    """Mean of w (Q_tot - y)^2 + (Q* - y)^2 over the steps that happened."""
    algorithm = settings.algorithm
    assert isinstance(algorithm, WeightedQMIXConfig)
    filled = batch.filled.to(batch.reward.dtype)
    q = values(online, batch, settings)  # (B, T+1, N, A)
    now = MixingInputs(batch.state[:, :-1], batch.actions, best_values(q, batch.available)[:, :-1])
    q_tot = online["mixer"](take(q[:, :-1], batch.actions), now)  # (B, T, 1)
    q_star = central_value(online, batch.actions, batch, settings)  # (B, T, 1)
    with torch.no_grad():
        greedy = greedy_actions(q, values(target, batch, settings), batch, settings)  # (B, T+1, N)
        best_value = central_value(target, greedy, batch, settings)  # (B, T+1, 1)
        y = hindsight(best_value[:, 1:], batch, settings)  # (B, T, 1)
        best = mask_unavailable(q, batch.available).argmax(-1)[:, :-1]  # (B, T, N)
        weighs = matters(q_tot, y, best_value[:, :-1], (batch.actions == best).all(-1, keepdim=True), settings)
        weight = torch.full_like(y, algorithm.alpha).masked_fill(weighs, 1.0)
    _, metrics = squared_error(q_tot, y, batch)
    central_loss, central = squared_error(q_star, y, batch)
    metrics |= {
        "central_error_abs": central["td_error_abs"],
        "full_weight_share": (weighs * filled).sum() / filled.sum(),
    }
    return (weight * (q_tot - y).square() * filled).sum() / filled.sum() + central_loss, metrics


def matters(q_tot: Tensor, y: Tensor, best_value: Tensor, is_best: Tensor, settings: Settings) -> Tensor:
    """(B, T, 1) bool: where an error weighs in full.

    Optimistic weighting: where Q_tot is too low. Central weighting: where the best joint action, as far as Q_tot knows,
    was taken, or where the target is higher than Q* is there. All others: (B, T, 1)
    """
    return q_tot < y if settings.algorithm.name == "owqmix" else is_best | (y > best_value)


def central_value(networks: nn.ModuleDict, actions: Tensor, batch: EpisodeBatch, settings: Settings) -> Tensor:
    """Q* of joint actions (B, T or T+1, N) -> (B, T or T+1, 1)"""
    steps = actions.shape[1]
    q = values(networks, batch, settings, "central_agent")[:, :steps]
    found: Tensor = networks["central_mixer"](take(q, actions), batch.state[:, :steps])
    return found
