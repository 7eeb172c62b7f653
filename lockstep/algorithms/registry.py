"""The table of algorithms: whatever depends on which one it is asks here. It needs no torch until it builds."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lockstep.algorithms.about_actor_critic import IA2C, IPPO, MAA2C, MAPPO
from lockstep.algorithms.about_pqn import PQN_QMIX, PQN_VDN
from lockstep.algorithms.about_q_learning import IQL, QMIX, VDN, with_mixer
from lockstep.algorithms.about_unrestricted import CW_QMIX, OW_QMIX, QPLEX, QTRAN, QTRAN_ALT
from lockstep.algorithms.algorithm import Algorithm
from lockstep.algorithms.architecture import Architecture
from lockstep.config.schema import RunConfig
from lockstep.config.schema.algorithms import own
from lockstep.config.schema.fresh import dealt
from lockstep.errors import UserError
from lockstep.runs.metrics import METRICS, Metric
from lockstep.seeding import derive_seed
from lockstep.spec import EnvSpec

if TYPE_CHECKING:
    from lockstep.algorithms.learner import Learner

ALGORITHMS: Mapping[str, Algorithm] = {
    entry.name: entry
    for entry in (
        *(IQL, VDN, QMIX, QPLEX, OW_QMIX, CW_QMIX, QTRAN, QTRAN_ALT, PQN_VDN, PQN_QMIX),
        *(IPPO, MAPPO, IA2C, MAA2C),
    )
}


def algorithm_of(config: RunConfig) -> Algorithm:
    """The entry that a configuration names, or what it names of one's own: an `Algorithm`, or a mixer for Q-learning.

    Raises UserError where that is neither.
    """
    name = config.algorithm.name
    if name in ALGORITHMS:
        return ALGORITHMS[name]
    found = own(name)
    if isinstance(found, Algorithm):
        return found
    if not isinstance(found, type):
        raise UserError(
            f"algorithm.name={name!r} is neither a lockstep.algorithms.algorithm.Algorithm nor the class of a mixer."
        )
    return with_mixer(name, found)


def build(spec: EnvSpec, config: RunConfig) -> "Learner":
    """The configured learner; its initial parameters depend on `config.seed` alone."""
    import torch

    algorithm = algorithm_of(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(config.seed, "init"))
        return algorithm.learner(spec, config, algorithm.networks(spec, config))


def recorded(spec: EnvSpec, config: RunConfig) -> EnvSpec:
    """The same world with as many of its rewards recorded as the algorithm asks for: the team's sum, or every agent's
    own."""
    reward = algorithm_of(config).reward
    asked = reward if isinstance(reward, str) else reward(config)
    return replace(spec, num_rewards=spec.num_agents if asked == "own" else 1)


def batch_shape(config: RunConfig, time_limit: int) -> tuple[int, int]:
    """Most episodes, or pieces of them, in one update, and how many steps each of them has at most."""
    if algorithm_of(config).feed == "fresh":
        lanes = config.collection.num_envs
        return lanes // min(dealt(config.algorithm)[1], lanes), time_limit
    return config.replay.batch_size, min(config.replay.segment_steps or time_limit, time_limit)


def architecture(spec: EnvSpec, config: RunConfig) -> Architecture:
    """The networks' layers and sizes. Raises RuntimeError for networks beyond all measure."""
    import torch

    algorithm = algorithm_of(config)
    with torch.device("meta"):  # nothing is allocated
        networks = algorithm.networks(spec, config)
    shapes = tuple((name, tuple(parameter.shape)) for name, parameter in networks.named_parameters())
    return Architecture(algorithm.spoken, spec, config.network, shapes)


def metrics(*configs: RunConfig) -> dict[str, Metric]:
    """Every number that runs with these configurations write, by name; without one, those of all that are known."""
    entries = [algorithm_of(config) for config in configs] or ALGORITHMS.values()
    return METRICS | {metric.name: metric for entry in entries for metric in entry.metrics}
