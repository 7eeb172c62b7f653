"""From an algorithm's name to its parts: the only place where a string becomes a class."""

import torch
from torch import nn

from lockstep.algorithms.fused import FusedQLearner, supports
from lockstep.algorithms.q_learning import QLearner
from lockstep.config.schema import RunConfig
from lockstep.networks.mixers import NoMixer, QMIXMixer, VDNMixer
from lockstep.seeding import derive_seed
from lockstep.spec import EnvSpec


def build(spec: EnvSpec, config: RunConfig) -> QLearner:
    """The configured learner; its initial parameters depend on `config.seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(config.seed, "init"))
        learner = FusedQLearner if supports(config) else QLearner
        return learner(spec, config, _mixer(spec, config))


def _mixer(spec: EnvSpec, config: RunConfig) -> nn.Module:
    match config.algorithm.name:
        case "iql":
            return NoMixer()
        case "vdn":
            return VDNMixer()
        case "qmix":
            return QMIXMixer(spec.num_agents, spec.state_dim, config.network)
