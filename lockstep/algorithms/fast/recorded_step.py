"""A learner's step as one CUDA graph: to take it again costs the host one call."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from lockstep.compute.cuda_graph import CudaGraph
from lockstep.experience.episodes import EpisodeBatch

Step = Callable[[EpisodeBatch], dict[str, Tensor]]


class RecordedStep:
    """Plays a step on batches of one shape; one of another shape is recorded anew."""

    def __init__(self, step: Step, moving: Callable[[], list[Tensor]]) -> None:
        """step: must ask the GPU for no number. moving: returns all memory that a step changes in place."""
        self._step, self._moving = step, moving
        self.batch: EpisodeBatch | None = None
        """The memory that was recorded."""

    def play(self, batch: EpisodeBatch) -> dict[str, Tensor]:
        """Take the step; returns its metrics before it is done."""
        if self.batch is None or not _same_shapes(self.batch, batch):
            self.batch, self._graph = batch, self._record(batch)
        mine = self.batch.fields()
        for name, value in batch.fields().items():
            if value.data_ptr() != mine[name].data_ptr():
                mine[name].copy_(value)
        return dict(zip(self._names, self._graph.play().clone().unbind(), strict=True))

    def forget(self) -> None:
        """Record anew before the next step."""
        self.batch = None

    def _record(self, batch: EpisodeBatch) -> CudaGraph[Tensor]:
        """The steps that are taken on the way are taken back."""
        moving = self._moving()
        before = [value.detach().clone() for value in moving]
        with torch._dynamo.config.patch(allow_rnn=True), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "TensorFloat32 tensor cores")  # products are float32 on purpose
            graph = CudaGraph(lambda: self._stacked(self._step(batch)))
        for value, old in zip(moving, before, strict=True):
            value.detach().copy_(old)
        return graph

    def _stacked(self, metrics: dict[str, Tensor]) -> Tensor:
        self._names = list(metrics)
        return torch.stack([value.float() for value in metrics.values()])


def _same_shapes(one: EpisodeBatch, other: EpisodeBatch) -> bool:
    mine, others = one.fields(), other.fields()
    return mine.keys() == others.keys() and all(value.shape == others[name].shape for name, value in mine.items())
