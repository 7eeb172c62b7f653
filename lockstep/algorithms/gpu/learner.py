"""The page's learner, its whole update one CUDA graph."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lockstep.algorithms.q_learning import DivergedError, QLearner
from lockstep.algorithms.shares import Metrics
from lockstep.batch import EpisodeBatch
from lockstep.config.schema import RunConfig
from lockstep.spec import EnvSpec

CHECK_UPDATES = 64
"""Updates between two looks at whether all gradients were finite; every look waits for the GPU."""
WARM_UPS = 3
"""Updates before one is recorded: libraries choose their kernels and take their memory meanwhile."""


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
        self.recorded: _Recorded | None = None

    def update(self, batch: EpisodeBatch, meanwhile: Callable[[], None] | None = None) -> Metrics:
        """See `QLearner.update`; the call returns before the update is done."""
        if self.recorded is None or not self.recorded.fits(batch):
            self.recorded = _Recorded(self, batch)
        metrics = self.recorded.play(batch)
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
            batch = replace(batch, reward=self.reward_standardizer(batch.reward))
        loss, metrics, gradient = self.gradient(batch)
        grad = self.weights.grad
        assert grad is not None
        grad.copy_(gradient)
        grad_norm = nn.utils.clip_grad_norm_(self.weights, self.grad_norm_clip)
        self.diverged.copy_(torch.maximum(self.diverged, (~torch.isfinite(grad_norm)).to(self.diverged)))
        self.optimizer.step()
        return {**metrics, "loss": loss, "grad_norm": grad_norm.detach()}

    def check(self) -> None:
        """Wait for the GPU. Raises DivergedError where a gradient was not finite."""
        if self.diverged.item():
            first = max(self.updates - CHECK_UPDATES, 0)
            raise DivergedError(f"a gradient that is not finite between updates {first} and {self.updates}")

    def warm_up(self, batch: EpisodeBatch) -> None:
        """Take some steps, then put everything back as it was."""
        if not self.optimizer.state:
            self.optimizer.step()  # with a gradient of zeros: it makes the optimizer's memory and changes nothing else
            self.optimizer.state[self.weights]["step"].zero_()
        moments = [] if self.reward_standardizer is None else [self.reward_standardizer.moments]
        moving = [self.weights, *self.optimizer.state[self.weights].values(), self.diverged, *moments]
        before = [value.detach().clone() for value in moving]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                self.step(batch)
        torch.cuda.current_stream().wait_stream(stream)
        for value, old in zip(moving, before, strict=True):
            value.detach().copy_(old)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `QLearner.load_state_dict`. What was recorded knows only the optimizer's old memory."""
        super().load_state_dict(state)
        self.recorded = None


class _Recorded:
    """One update of batches of one shape, as a graph, and the memory that it reads and writes."""

    def __init__(self, learner: GraphQLearner, batch: EpisodeBatch) -> None:
        self.batch = batch
        learner.warm_up(batch)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            metrics = learner.step(batch)
            self.names, self.values = list(metrics), torch.stack([value.float() for value in metrics.values()])

    def fits(self, batch: EpisodeBatch) -> bool:
        """Whether the batch has the shapes that were recorded."""
        return all(
            (mine is None) == (value is None) and (value is None or mine.shape == value.shape)
            for mine, value in zip(vars(self.batch).values(), vars(batch).values(), strict=True)
        )

    def play(self, batch: EpisodeBatch) -> Metrics:
        """The update, of this batch."""
        for mine, value in zip(vars(self.batch).values(), vars(batch).values(), strict=True):
            if value is not None and value.data_ptr() != mine.data_ptr():
                mine.copy_(value)
        self.graph.replay()
        return dict(zip(self.names, self.values.clone().unbind(), strict=True))
