"""Q-learning put together: the networks, the pages, and what is faster than they are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from lockstep.algorithms import pqn, q_insight, q_learning, qtran, weighted_qmix
from lockstep.algorithms.fast.compiled_gradient import CompiledGradient, supports
from lockstep.algorithms.gradient_learner import Copies, GradientLearner
from lockstep.algorithms.learner import Gradient, Metrics, Suspect, Thoughts, autograd
from lockstep.algorithms.q_learning import Settings
from lockstep.config.schema import (
    MixingConfig,
    PQNConfig,
    QLearningConfig,
    QPLEXConfig,
    QTRANConfig,
    RunConfig,
    VDNConfig,
    WeightedQMIXConfig,
)
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.agents import build_agent
from lockstep.networks.mixers import (
    CentralMixer,
    JointValue,
    NoMixer,
    QMIXMixer,
    QPLEXMixer,
    SumAndStateValue,
    VDNMixer,
)
from lockstep.spec import EnvSpec

Loss = Callable[[nn.ModuleDict, nn.ModuleDict, EpisodeBatch, Settings], tuple[Tensor, Metrics]]


@dataclass(frozen=True)
class QPage:
    """See `Page`: an algorithm's loss and the functions of `lockstep.algorithms.q_insight`, with their settings."""

    settings: Settings
    loss: Loss
    """The page's, or the same after torch's compiler joined small operations into few kernels."""
    compiled: CompiledGradient | None = None
    """What works the gradient out instead, where it can."""

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
    """Agents, mixer and what stands beside them, freshly initialized from torch's global generator.

    mixer: a class of one's own.
    """
    algorithm = config.algorithm
    mixing: nn.Module = NoMixer()
    match algorithm:
        case _ if mixer is not None:
            mixing = mixer(spec, algorithm)
        case MixingConfig():
            mixing = QMIXMixer(spec.num_agents, spec.state_dim, algorithm)
        case QPLEXConfig():
            mixing = QPLEXMixer(spec, algorithm)
        case QTRANConfig():
            mixing = SumAndStateValue(spec.state_dim, algorithm.joint_embed_dim)
        case VDNConfig() | PQNConfig():
            mixing = VDNMixer()
    networks = nn.ModuleDict({"agent": build_agent(spec, config.network), "mixer": mixing})  # the mixer is drawn first
    if isinstance(algorithm, WeightedQMIXConfig):
        networks["central_agent"] = build_agent(spec, config.network)
        networks["central_mixer"] = CentralMixer(spec.num_agents, spec.state_dim, algorithm.central_embed_dim)
    elif isinstance(algorithm, QTRANConfig):
        networks["joint"] = JointValue(spec, algorithm.joint_embed_dim)
    return networks


def q_page(spec: EnvSpec, config: RunConfig) -> QPage:
    """The page alone."""
    algorithm = config.algorithm
    assert isinstance(algorithm, QLearningConfig | PQNConfig)
    pages: dict[type[Any], Loss] = {
        WeightedQMIXConfig: weighted_qmix.loss,
        QTRANConfig: qtran.loss,
        PQNConfig: pqn.loss,
        QLearningConfig: q_learning.loss,
    }
    loss = next(loss for section, loss in pages.items() if isinstance(algorithm, section))
    return QPage(Settings(spec, config.network, algorithm), loss)


def q_learner(spec: EnvSpec, config: RunConfig, networks: nn.ModuleDict) -> GradientLearner:
    """The configured learner around freshly initialized networks, with what is fastest here."""
    algorithm, page = config.algorithm, q_page(spec, config)
    if config.training.on_gpu:
        page = replace(page, loss=torch.compile(page.loss, dynamic=False))
    elif supports(config):
        page = replace(page, compiled=CompiledGradient(page.settings))
    assert isinstance(algorithm, QLearningConfig | PQNConfig)
    copies = Copies(actor_tau=algorithm.actor_tau)
    if isinstance(algorithm, QLearningConfig):
        copies = Copies(algorithm.target_tau, algorithm.target_sync_updates, algorithm.actor_tau)
    return GradientLearner(spec, config, networks, page, copies)
