"""Q-learning put together: the networks, the page, and what is faster than the page."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from lockstep.algorithms import q_insight
from lockstep.algorithms.fast.compiled_gradient import CompiledGradient, supports
from lockstep.algorithms.gradient_learner import Copies, GradientLearner
from lockstep.algorithms.learner import Gradient, Metrics, Suspect, Thoughts, autograd
from lockstep.algorithms.q_learning import Settings, loss
from lockstep.config.schema import QLearningConfig, QMIXConfig, RunConfig, VDNConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.agents import build_agent
from lockstep.networks.mixers import NoMixer, QMIXMixer, VDNMixer
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


def q_networks(spec: EnvSpec, config: RunConfig, mixer: type[Any] | None = None) -> nn.ModuleDict:
    """Agents and mixer, freshly initialized from torch's global generator. mixer: a class of one's own."""
    algorithm = config.algorithm
    if mixer is not None:
        mixing = mixer(spec, algorithm)
    elif isinstance(algorithm, QMIXConfig):
        mixing = QMIXMixer(spec.num_agents, spec.state_dim, algorithm)
    else:
        mixing = VDNMixer() if isinstance(algorithm, VDNConfig) else NoMixer()
    return nn.ModuleDict({"agent": build_agent(spec, config.network), "mixer": mixing})  # the mixer is drawn first


def q_page(spec: EnvSpec, config: RunConfig) -> QPage:
    """The page alone."""
    assert isinstance(config.algorithm, QLearningConfig)
    return QPage(Settings(spec, config.network, config.algorithm))


def q_learner(spec: EnvSpec, config: RunConfig, networks: nn.ModuleDict) -> GradientLearner:
    """The configured learner around freshly initialized networks, with what is fastest here."""
    algorithm, page = config.algorithm, q_page(spec, config)
    assert isinstance(algorithm, QLearningConfig)
    if config.training.on_gpu:
        page = replace(page, loss=torch.compile(loss, dynamic=False))
    elif supports(config):
        page = replace(page, compiled=CompiledGradient(page.settings))
    copies = Copies(algorithm.target_tau, algorithm.target_sync_updates, algorithm.actor_tau)
    return GradientLearner(spec, config, networks, page, copies)
