"""PQN for teams: Q-learning with nothing to remember and nothing to follow (Gallici et al. 2024).

There is no replay and there are no target networks: the networks learn from what was just played, a few times over,
towards lambda-returns that they make themselves. What keeps them from running away is layer norm. PQN-VDN and PQN-QMIX
are this page and a mixer.

B episodes, T steps, N agents, A actions; `lockstep.algorithms.q_learning` has the pieces.
"""

import torch
from torch import Tensor, nn

from lockstep.algorithms.learner import Metrics
from lockstep.algorithms.q_learning import (
    Settings,
    best_values,
    hindsight,
    mask_unavailable,
    squared_error,
    take,
    values,
)
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.mixers import MixingInputs


def loss(
    online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch, settings: Settings
) -> tuple[Tensor, Metrics]:
    """Mean squared difference of Q_tot and the return that the same networks promise; target is online itself."""
    q = values(online, batch, settings)  # (B, T+1, N, A)
    best = best_values(q, batch.available)  # (B, T+1, N)
    now = MixingInputs(batch.state[:, :-1], batch.actions, best[:, :-1])
    q_taken = online["mixer"](take(q[:, :-1], batch.actions), now)  # (B, T, 1)
    with torch.no_grad():
        greedy = mask_unavailable(q, batch.available).argmax(-1)  # (B, T+1, N)
        following = MixingInputs(batch.state[:, 1:], greedy[:, 1:], best[:, 1:])
        y = hindsight(online["mixer"](best[:, 1:], following), batch, settings)
    return squared_error(q_taken, y, batch)
