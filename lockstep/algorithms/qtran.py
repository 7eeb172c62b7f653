"""QTRAN, base and alternative (Son et al. 2019).

A joint value Q_jt without limits is learnt from targets. The agents' values Q_i are not mixed into it: their sum, with
a value V of the state beside it, must equal Q_jt at the agents' best actions and must not lie below it elsewhere. Then
the agents' best actions are the team's, for any Q_jt that can be factored at all. The alternative asks for more: of all
actions that one agent could take beside the others' actions, for some the sum must equal Q_jt.

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
from lockstep.config.schema import QTRANConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.mixers import MixingInputs


def loss(
    online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch, settings: Settings
) -> tuple[Tensor, Metrics]:
    """Mean of L_td + weights times L_opt and L_nopt over the steps that happened (Son et al. 2019, section 4.2)."""
    algorithm = settings.algorithm
    assert isinstance(algorithm, QTRANConfig)
    filled = batch.filled.to(batch.reward.dtype)
    state = batch.state
    q = values(online, batch, settings)  # (B, T+1, N, A)
    taken, best = take(q[:, :-1], batch.actions), best_values(q, batch.available)[:, :-1]  # (B, T, N)
    q_jt = online["joint"](state[:, :-1], batch.actions)  # (B, T, 1)
    with torch.no_grad():
        next_actions = greedy_actions(q, values(target, batch, settings), batch, settings)
        y = hindsight(target["joint"](state, next_actions)[:, 1:], batch, settings)
        best_actions = mask_unavailable(q, batch.available).argmax(-1)[:, :-1]
        q_jt_best = online["joint"](state[:, :-1], best_actions)
    total_best = online["mixer"](best, MixingInputs(state[:, :-1], best_actions, best))  # sum of Q_i, plus V
    total = online["mixer"](taken, MixingInputs(state[:, :-1], batch.actions, best))
    opt_error = (total_best - q_jt_best) * filled
    if algorithm.name == "qtran":
        nopt_error = (total - q_jt.detach()).clamp(max=0.0) * filled
    else:
        nopt_error = least_exchange(total, q, online["joint"], batch) * filled  # (B, T, N)

    td_loss, metrics = squared_error(q_jt, y, batch)
    opt_loss, nopt_loss = (error.square().mean(-1).sum() / filled.sum() for error in (opt_error, nopt_error))
    metrics |= {
        "opt_error_abs": opt_error.detach().abs().sum() / filled.sum(),
        "nopt_error_abs": nopt_error.detach().abs().mean(-1).sum() / filled.sum(),
    }
    return td_loss + algorithm.opt_weight * opt_loss + algorithm.nopt_weight * nopt_loss, metrics


def least_exchange(total: Tensor, q: Tensor, joint: nn.Module, batch: EpisodeBatch) -> Tensor:
    """(B, T, N): by how much the sum exceeds Q_jt where it does so least, if this agent had done something else.

    total: (B, T, 1), the sum at the actions taken    q: (B, T+1, N, A)
    """
    q = q[:, :-1]
    with torch.no_grad():
        q_jt = joint.exchanged(batch.state[:, :-1], batch.actions)  # type: ignore[operator]
    exchanged = total.unsqueeze(-1) - take(q, batch.actions).unsqueeze(-1) + q  # (B, T, N, A)
    excess = exchanged - q_jt
    if batch.available is not None:
        excess = excess.masked_fill(~batch.available[:, :-1], torch.inf)
    least: Tensor = excess.amin(-1)
    return least
