"""The page's learner, its whole update one CUDA graph."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lockstep.algorithms.fast.shares import Metrics
from lockstep.algorithms.q_learning import DivergedError, QLearner
from lockstep.compute.cuda_graph import CudaGraph
from lockstep.config.schema import RunConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.spec import EnvSpec

CHECK_UPDATES = 64
"""Updates between two looks at whether all gradients were finite; every look waits for the GPU."""


class GraphQLearner(QLearner):
    """See `QLearner`. The numbers are the page's; three things differ, for the host never waits for an update.

    A gradient that is not finite leaves the parameters as they are, as do all that come after it, and DivergedError is
    raised within `CHECK_UPDATES` updates. Metrics are tensors of the update they were returned by. A batch that is the
    same memory in every call, as the replay's is on a GPU, is used where it lies; any other is copied.
    """

    def __init__(self, spec: EnvSpec, config: RunConfig, mixer: nn.Module) -> None:
        super().__init__(spec, config, mixer)
        self.weights.grad = torch.zeros_like(self.weights)
        self.diverged = torch.zeros((), device=self.device)
        """1.0 from the first gradient that was not finite."""
        self.optimizer.found_inf = self.diverged  # type: ignore[attr-defined]  # with 1.0, a fused Adam changes nothing
        self.batch: EpisodeBatch | None = None
        """The memory that was recorded."""
        self.recorded: CudaGraph[Tensor]
        self.fused_loss = torch.compile(super().loss, dynamic=False) if self.device.type == "cuda" else super().loss

    def update(self, batch: EpisodeBatch, meanwhile: Callable[[], None] | None = None) -> Metrics:
        """See `QLearner.update`; the call returns before the update is done."""
        if self.batch is None or not _same_shapes(self.batch, batch):
            self.batch, self.recorded = batch, self.record(batch)
        mine = self.batch.fields()
        for name, value in batch.fields().items():
            if value.data_ptr() != mine[name].data_ptr():
                mine[name].copy_(value)
        metrics = dict(zip(self.names, self.recorded.play().clone().unbind(), strict=True))
        self.updates += 1
        self._follow()
        if meanwhile is not None:
            meanwhile()
        if self.updates % CHECK_UPDATES == 0:
            self.check()
        return metrics

    def step(self, batch: EpisodeBatch) -> dict[str, Tensor]:
        """What is recorded: one gradient step. The host asks nothing."""
        if self.reward_standardizer is not None:
            batch = replace(batch, reward=self.reward_standardizer(batch.team_reward))
        loss, metrics, gradient = self.gradient(batch)
        grad = self.weights.grad
        assert grad is not None
        grad.copy_(gradient)
        grad_norm = nn.utils.clip_grad_norm_(self.weights, self.grad_norm_clip)
        self.diverged.copy_(torch.maximum(self.diverged, (~torch.isfinite(grad_norm + loss)).to(self.diverged)))
        self.optimizer.step()
        return {**metrics, "loss": loss, "grad_norm": grad_norm.detach()}

    def check(self) -> None:
        """Wait for the GPU. Raises DivergedError where a gradient was not finite."""
        if self.diverged.item():
            first = max(self.updates - CHECK_UPDATES, 0)
            assert self.batch is not None
            said = f"a gradient that is not finite between updates {first} and {self.updates}; the newest batch is kept"
            raise DivergedError(said, self.batch)

    def record(self, batch: EpisodeBatch) -> CudaGraph[Tensor]:
        """`step` of this batch's memory as one graph. The steps that are taken on the way are taken back."""
        if not self.optimizer.state:
            self.optimizer.step()  # with a gradient of zeros: it makes the optimizer's memory and changes nothing else
            self.optimizer.state[self.weights]["step"].zero_()
        moments = [] if self.reward_standardizer is None else [self.reward_standardizer.moments]
        moving = [self.weights, *self.optimizer.state[self.weights].values(), self.diverged, *moments]
        before = [value.detach().clone() for value in moving]
        with torch._dynamo.config.patch(allow_rnn=True), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "TensorFloat32 tensor cores")  # products are float32 on purpose
            recorded = CudaGraph(lambda: self._stacked(self.step(batch)))
        for value, old in zip(moving, before, strict=True):
            value.detach().copy_(old)
        return recorded

    def _stacked(self, metrics: Metrics) -> Tensor:
        self.names = list(metrics)
        return torch.stack([value.float() for value in metrics.values()])

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `QLearner.load_state_dict`. What was recorded knows only the optimizer's old memory."""
        super().load_state_dict(state)
        self.batch = None

    def loss(self, batch: EpisodeBatch) -> tuple[Tensor, Metrics]:
        """See `QLearner.loss`; torch's compiler joins small operations into few kernels."""
        loss: tuple[Tensor, Metrics] = self.fused_loss(batch)
        return loss


def _same_shapes(one: EpisodeBatch, other: EpisodeBatch) -> bool:
    mine, others = one.fields(), other.fields()
    return mine.keys() == others.keys() and all(value.shape == others[name].shape for name, value in mine.items())
