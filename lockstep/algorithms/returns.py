"""Targets, and what was earned in the end: pure tensor functions, worked by hand in their tests.

Those of targets take `reward` (B, T, 1), `next_value` (B, T, G), the value of the state after each step, `ended`
(B, T, 1) bool, where the future is worth nothing, and `last` (B, T, 1) bool, each episode's final step (ended or cut).
They return targets (B, T, G); steps after the last are meaningless and masked by the caller.
"""

import torch
from torch import Tensor

RESCALING_EPS = 1e-3
"""Share of a value that rescaling leaves as it is, so that it can be undone."""


def td_lambda(reward: Tensor, next_value: Tensor, ended: Tensor, last: Tensor, gamma: float, lam: float) -> Tensor:
    """Peng's Q(lambda) (Peng and Williams 1996); lam = 0 is the one-step target.

    y[t] = r[t] + gamma * (1 - ended[t]) * ((1 - lam) * v[t+1] + lam * y[t+1]), and the last step has lam = 0.
    """
    discount = gamma * (~ended).to(reward.dtype)
    trace = lam * (~last).to(reward.dtype)
    return _backward_recurrence(reward + discount * (1.0 - trace) * next_value, discount * trace)


def n_step(reward: Tensor, next_value: Tensor, ended: Tensor, last: Tensor, gamma: float, steps: int) -> Tensor:
    """`steps` rewards, then the value of where they lead; fewer where the episode is over earlier.

    y_k[t] = r[t] + gamma * (1 - ended[t]) * (v[t+1] if k = 1 or last[t] else y_{k-1}[t+1])
    """
    discount = gamma * (~ended).to(reward.dtype)
    target = reward + discount * next_value
    for _ in range(min(steps, reward.shape[1]) - 1):  # no episode is longer
        following = torch.cat([target[:, 1:], next_value[:, -1:]], dim=1)
        target = reward + discount * torch.where(last, next_value, following)
    return target


def rescaled(x: Tensor) -> Tensor:
    """h(x) = sign(x) (sqrt(|x| + 1) - 1) + eps x (Pohlen et al. 2018): large values come closer, small ones stay."""
    return x.sign() * ((x.abs() + 1.0).sqrt() - 1.0) + RESCALING_EPS * x


def unscaled(y: Tensor) -> Tensor:
    """The x whose h(x) is y (Pohlen et al. 2018, proposition A.2)."""
    root = (1.0 + 4.0 * RESCALING_EPS * (y.abs() + 1.0 + RESCALING_EPS)).sqrt()
    return y.sign() * (((root - 1.0) / (2.0 * RESCALING_EPS)).square() - 1.0)


def discounted_return(reward: Tensor, filled: Tensor, ended: Tensor, believed: Tensor, gamma: float) -> Tensor:
    """(B,): what whole episodes earned, discounted; one that did not end counts the believed value of its last state.

    filled: (B, T, 1) bool, the steps that happened    believed: (B, T+1), the value of the state before each step
    """
    lengths = filled.sum((1, 2))
    steps = torch.arange(reward.shape[1], device=reward.device).view(1, -1, 1)
    earned = (reward * gamma**steps * filled).sum((1, 2))
    rows = torch.arange(len(lengths), device=lengths.device)
    return earned + believed[rows, lengths] * gamma**lengths * ~ended.any(1)[:, 0]


def _backward_recurrence(offset: Tensor, factor: Tensor) -> Tensor:
    """Solve y[t] = offset[t] + factor[t] * y[t+1] along dim 1, with y[T] = 0, in log2(T) doublings instead of T steps.

    After a doubling, y[t] = offset[t] + factor[t] * y[t+width] holds for twice the width.
    """
    width, length = 1, offset.shape[1]
    offset, factor = offset.clone(), factor.clone()
    while width < length:
        ahead_offset, ahead_factor = offset[:, width:].clone(), factor[:, width:].clone()
        offset[:, :-width] += factor[:, :-width] * ahead_offset
        factor[:, :-width] *= ahead_factor
        factor[:, -width:] = 0.0
        width *= 2
    return offset
