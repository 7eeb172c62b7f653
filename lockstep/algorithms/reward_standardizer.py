"""EPyMARL's `standardise_rewards`, as it behaves: known to hurt where rewards are rare, offered because it was used."""

from collections.abc import Mapping

import torch
from torch import Tensor


class RewardStandardizer:
    """Shift and scale by the mean and deviation of every reward sampled so far, padding included.

    The moments start as mean 0, variance 1 with a weight of 1e-4 samples and are merged batch by batch (Chan et al.
    1979), as in EPyMARL's RunningMeanStd.
    """

    def __init__(self, device: torch.device) -> None:
        self.moments = torch.tensor([0.0, 1.0, 1e-4], dtype=torch.float64, device=device)
        """Mean, variance, and the samples they are made of; changed in place, so nothing waits for them."""

    @property
    def mean(self) -> float:
        return self.moments[0].item()

    @property
    def variance(self) -> float:
        return self.moments[1].item()

    def __call__(self, reward: Tensor) -> Tensor:
        """Update the moments with `reward` (any shape), then standardize it."""
        mean, variance, count = self.moments.unbind()
        new, batch_mean = reward.numel(), reward.double().mean()
        batch_variance = reward.double().var(correction=0)
        total, delta = count + new, batch_mean - mean
        variance = (variance * count + batch_variance * new + delta.square() * count * new / total) / total
        mean = mean + delta * new / total
        self.moments.copy_(torch.stack([mean, variance, total]))
        return (reward - mean) / variance.float().sqrt()

    def standardized(self, reward: Tensor) -> Tensor:
        """`reward` by the moments as they are; they stay as they are."""
        deviation: float = max(self.variance, 1e-12) ** 0.5
        return (reward - self.mean) / deviation

    def state_dict(self) -> dict[str, float]:
        return dict(zip(_MOMENTS, self.moments.tolist(), strict=True))

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        self.moments.copy_(torch.tensor([float(state[name]) for name in _MOMENTS], dtype=torch.float64))


_MOMENTS = ("mean", "variance", "count")
