"""From an algorithm's name to its parts: the only place where a string becomes a class."""

import torch
from torch import nn

from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.algorithms.learner import Page
from lockstep.algorithms.q_learner import QPage, build_q_learner
from lockstep.algorithms.q_learning import Settings
from lockstep.config.schema import AlgorithmName, NetworkConfig, RunConfig
from lockstep.networks.agents import build_agent
from lockstep.networks.mixers import NoMixer, QMIXMixer, VDNMixer
from lockstep.seeding import derive_seed
from lockstep.spec import EnvSpec


def build(spec: EnvSpec, config: RunConfig) -> GradientLearner:
    """The configured learner; its initial parameters depend on `config.seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(config.seed, "init"))
        return build_q_learner(spec, config, build_networks(spec, config))


def build_page(spec: EnvSpec, config: RunConfig) -> Page:
    """The algorithm as functions of networks that somebody else keeps."""
    return QPage(Settings(spec, config.network, config.algorithm))


def build_networks(spec: EnvSpec, config: RunConfig) -> nn.ModuleDict:
    """What is learnt, `agent` first, freshly initialized from torch's global generator."""
    mixer = build_mixer(config.algorithm.name, spec, config.network)  # drawn first, as it always was
    return nn.ModuleDict({"agent": build_agent(spec, config.network), "mixer": mixer})


def build_mixer(algorithm: AlgorithmName, spec: EnvSpec, config: NetworkConfig) -> nn.Module:
    """An algorithm's mixer, freshly initialized from torch's global generator."""
    match algorithm:
        case "iql":
            return NoMixer()
        case "vdn":
            return VDNMixer()
        case "qmix":
            return QMIXMixer(spec.num_agents, spec.state_dim, config)
