"""Schema documents every setting of a run, once, with its unit and its effect: a file for each section.

The models are frozen: a run never changes its configuration. `env_steps` counts the steps of one environment, summed
over the parallel environments, not times agents. Defaults are EPyMARL's for QMIX where EPyMARL has the knob. The
section `[algorithm]` is another one for every algorithm; `algorithm.name` picks it.
"""

from lockstep.config.schema.algorithm import AlgorithmConfig
from lockstep.config.schema.checkpoint import CheckpointConfig
from lockstep.config.schema.collection import CollectionConfig
from lockstep.config.schema.env import EnvConfig
from lockstep.config.schema.evaluation import EvaluationConfig
from lockstep.config.schema.exploration import ExplorationConfig
from lockstep.config.schema.logging import LoggingConfig
from lockstep.config.schema.network import NetworkConfig
from lockstep.config.schema.optimizer import OptimizerConfig
from lockstep.config.schema.q_learning import (
    IQLConfig,
    MixingConfig,
    PQNConfig,
    PQNQMIXConfig,
    QLearningConfig,
    QMIXConfig,
    QPLEXConfig,
    QTRANConfig,
    ValueConfig,
    VDNConfig,
    WeightedQMIXConfig,
)
from lockstep.config.schema.replay import ReplayConfig
from lockstep.config.schema.run import RunConfig
from lockstep.config.schema.section import ConfigSection
from lockstep.config.schema.training import TrainingConfig

__all__ = [
    "AlgorithmConfig",
    "CheckpointConfig",
    "CollectionConfig",
    "ConfigSection",
    "EnvConfig",
    "EvaluationConfig",
    "ExplorationConfig",
    "IQLConfig",
    "LoggingConfig",
    "MixingConfig",
    "NetworkConfig",
    "OptimizerConfig",
    "PQNConfig",
    "PQNQMIXConfig",
    "QLearningConfig",
    "QMIXConfig",
    "QPLEXConfig",
    "QTRANConfig",
    "ReplayConfig",
    "RunConfig",
    "TrainingConfig",
    "VDNConfig",
    "ValueConfig",
    "WeightedQMIXConfig",
]
