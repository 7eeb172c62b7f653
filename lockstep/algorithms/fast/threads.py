"""The gradient of a batch, worked out by several threads, each on its share of the episodes.

For gradients that are compiled, or made of few large products: they do not hold the interpreter's lock. No process has
to start, and nothing is copied.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor

from lockstep.algorithms.fast.shares import Gradient, combined, share_bounds
from lockstep.algorithms.learner import Metrics
from lockstep.experience.episodes import EpisodeBatch

Result = TypeVar("Result")


class GradientThreads:
    """Owns the memory of the weights, and the threads; none where one share is all there is."""

    def __init__(self, count: int, num_weights: int, device: torch.device) -> None:
        self.count = count
        self.online, self.target = torch.zeros(2, num_weights, device=device)
        self.pool = ThreadPoolExecutor(count - 1, thread_name_prefix="learner") if count > 1 else None

    def gradient(
        self, gradient: Gradient, batch: EpisodeBatch, meanwhile: Callable[[], None] | None = None
    ) -> tuple[Tensor, Metrics, Tensor]:
        """See `GradientWorkers.gradient`: the number of shares shows in the last digits only."""
        parts = self.parts(batch)
        results = self.map(gradient, parts)
        if meanwhile is not None:
            meanwhile()
        return results[0] if len(results) == 1 else combined(results, parts)

    def parts(self, batch: EpisodeBatch) -> list[EpisodeBatch]:
        """The shares of a batch, in order, none of them empty."""
        count = min(self.count, batch.num_episodes)
        return [batch.select(slice(*bounds)) for bounds in pairwise(share_bounds(batch.num_episodes, count, 1.0))]

    def map(self, work: Callable[[EpisodeBatch], Result], parts: list[EpisodeBatch]) -> list[Result]:
        """What `work` makes of every part, in order."""
        if self.pool is None:
            return [work(part) for part in parts]
        others = [self.pool.submit(work, part) for part in parts[1:]]
        first = work(parts[0])
        return [first, *(other.result() for other in others)]
