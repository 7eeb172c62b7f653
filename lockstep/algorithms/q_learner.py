"""Q-learning put together: the networks, the page, and what is faster than the page."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lockstep.algorithms import q_insight
from lockstep.algorithms.fast.compiled_gradient import CompiledGradient, supports
from lockstep.algorithms.gradient_learner import Copies, GradientLearner
from lockstep.algorithms.learner import Gradient, Metrics, Suspect, Thoughts, autograd
from lockstep.algorithms.q_learning import Settings, loss
from lockstep.config.schema import RunConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.spec import EnvSpec

Loss = Callable[[nn.ModuleDict, nn.ModuleDict, EpisodeBatch, Settings], tuple[Tensor, Metrics]]


@dataclass(frozen=True)
class QPage:
    """See `Page`: the functions of `lockstep.algorithms.q_learning` and `q_insight`, with their settings."""

    settings: Settings
    compiled: CompiledGradient | None = None
    """What works the gradient out instead, where it can."""
    loss: Loss = loss
    """The page's, or the same after torch's compiler joined small operations into few kernels."""

    def gradient(self, online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch) -> Gradient:
        """See `Page.gradient`."""
        found = None if self.compiled is None else self.compiled(online, target, batch)
        if found is not None:
            return found
        return autograd(lambda: self.loss(online, target, batch, self.settings), online)

    def health(self, online: nn.ModuleDict, batch: EpisodeBatch) -> dict[str, float]:
        """See `Page.health`."""
        return q_insight.health(online, batch, self.settings)

    def thoughts(self, online: nn.ModuleDict, episode: EpisodeBatch) -> Thoughts:
        """See `Page.thoughts`."""
        return q_insight.thoughts(online, episode, self.settings)

    def suspects(self, online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch) -> dict[str, Suspect]:
        """See `Page.suspects`."""
        return q_insight.suspects(online, target, batch, self.settings)


def build_q_learner(spec: EnvSpec, config: RunConfig, networks: nn.ModuleDict) -> GradientLearner:
    """The configured learner around freshly initialized networks."""
    settings, algorithm = Settings(spec, config.network, config.algorithm), config.algorithm
    page = QPage(settings)
    if config.training.device == "cuda":
        page = QPage(settings, loss=torch.compile(loss, dynamic=False))
    elif supports(config):
        page = QPage(settings, CompiledGradient(settings))
    copies = Copies(algorithm.target_tau, algorithm.target_sync_updates, algorithm.actor_tau)
    return GradientLearner(spec, config, networks, page, copies)
