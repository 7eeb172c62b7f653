"""EPyMARL's `standardise_rewards`, as it behaves: known to hurt where rewards are rare, offered because it was used."""

from collections.abc import Mapping

import torch
from torch import Tensor


class RewardStandardizer:
    """Shift and scale by the mean and deviation of every reward sampled so far, padding included.

    The moments start as mean 0, variance 1 with a weight of 1e-4 samples and are merged batch by batch (Chan et al.
    1979), as in EPyMARL's RunningMeanStd.
    """

    def __init__(self) -> None:
        self.mean, self.variance, self.count = 0.0, 1.0, 1e-4

    def __call__(self, reward: Tensor) -> Tensor:
        """Update the moments with `reward` (any shape), then standardize it."""
        count = reward.numel()
        mean = reward.double().mean().item()
        variance = reward.double().var(correction=0).item()
        total, delta = self.count + count, mean - self.mean
        self.variance = (self.variance * self.count + variance * count + delta**2 * self.count * count / total) / total
        self.mean += delta * count / total
        self.count = total
        return (reward - self.mean) / torch.tensor(self.variance).sqrt().to(reward)

    def state_dict(self) -> dict[str, float]:
        return {"mean": self.mean, "variance": self.variance, "count": self.count}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        self.mean, self.variance, self.count = (float(state[name]) for name in ("mean", "variance", "count"))
