"""From an algorithm's name to its parts: the only place where a string becomes a class."""

from dataclasses import replace

import torch
from torch import nn

from lockstep.algorithms.fast.compiled_learner import FusedQLearner, supports
from lockstep.algorithms.fast.graph_learner import GraphQLearner
from lockstep.algorithms.q_learning import QLearner
from lockstep.config.schema import AlgorithmName, NetworkConfig, RunConfig
from lockstep.networks.mixers import NoMixer, QMIXMixer, VDNMixer
from lockstep.seeding import derive_seed
from lockstep.spec import EnvSpec

OWN_REWARDS: frozenset[str] = frozenset()
"""Algorithms that study what each agent earns by itself."""


def build(spec: EnvSpec, config: RunConfig) -> QLearner:
    """The configured learner; its initial parameters depend on `config.seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(config.seed, "init"))
        mixer = build_mixer(config.algorithm.name, spec, config.network)
        if config.training.device == "cuda":
            return GraphQLearner(spec, config, mixer)
        return (FusedQLearner if supports(config) else QLearner)(spec, config, mixer)


def recorded(spec: EnvSpec, config: RunConfig) -> EnvSpec:
    """The same world with as many of its rewards recorded as the configured algorithm asks for: the team's sum or, for
    one of OWN_REWARDS, every agent's own."""
    return replace(spec, num_rewards=spec.num_agents if config.algorithm.name in OWN_REWARDS else 1)


def build_mixer(algorithm: AlgorithmName, spec: EnvSpec, config: NetworkConfig) -> nn.Module:
    """An algorithm's mixer, freshly initialized from torch's global generator."""
    match algorithm:
        case "iql":
            return NoMixer()
        case "vdn":
            return VDNMixer()
        case "qmix":
            return QMIXMixer(spec.num_agents, spec.state_dim, config)
