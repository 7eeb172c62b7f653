"""One run, whole."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from lockstep.config.schema.algorithms import DEFAULT, SECTIONS, AnyAlgorithm
from lockstep.config.schema.checkpoint import CheckpointConfig
from lockstep.config.schema.collection import CollectionConfig
from lockstep.config.schema.env import EnvConfig
from lockstep.config.schema.evaluation import EvaluationConfig
from lockstep.config.schema.exploration import ExplorationConfig
from lockstep.config.schema.fresh import FreshConfig
from lockstep.config.schema.logging import LoggingConfig
from lockstep.config.schema.network import NetworkConfig
from lockstep.config.schema.optimizer import OptimizerConfig
from lockstep.config.schema.q_learning import PQNConfig, QMIXConfig
from lockstep.config.schema.replay import ReplayConfig
from lockstep.config.schema.section import ConfigSection
from lockstep.config.schema.training import TrainingConfig

MOVED = {
    f"network.{name}": f"algorithm.{name}" for name in ("mixing_embed_dim", "hypernet_layers", "hypernet_embed_dim")
}
"""Where settings stood in files that are older than sections by algorithm; those of every run held all of them."""


def modern(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values of a configuration with everything where it stands today.

    A section's name may stand for it (`algorithm = "vdn"`). What moved into another section is dropped where the
    algorithm has no such setting: old files hold the mixer's sizes whether there is a mixer or not.
    """
    result = dict(values)
    if isinstance(result.get("algorithm"), str):
        result["algorithm"] = {"name": result["algorithm"]}
    network, algorithm = result.get("network"), result.get("algorithm", {})
    if not isinstance(network, Mapping) or not isinstance(algorithm, Mapping):
        return result
    name = algorithm.get("name", DEFAULT)
    if not isinstance(name, str) or name not in SECTIONS:
        return result
    for new in MOVED.values():
        section, setting = new.split(".")
        if setting in network and setting in SECTIONS[name].model_fields:
            result[section] = {setting: network[setting], **result.get(section, {})}
    result["network"] = {setting: value for setting, value in network.items() if f"network.{setting}" not in MOVED}
    return result


class RunConfig(ConfigSection):
    """What `config.toml` in a run directory holds."""

    seed: Annotated[int, Field(ge=0)] = 1
    """Everything random in the run follows from it."""
    env: EnvConfig = EnvConfig()
    collection: CollectionConfig = CollectionConfig()
    exploration: ExplorationConfig = ExplorationConfig()
    network: NetworkConfig = NetworkConfig()
    algorithm: AnyAlgorithm = QMIXConfig()
    replay: ReplayConfig = ReplayConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    logging: LoggingConfig = LoggingConfig()

    @model_validator(mode="before")
    @classmethod
    def _as_it_stands_today(cls, values: Any) -> Any:
        return modern(values) if isinstance(values, Mapping) else values

    @model_validator(mode="after")
    def _without_target_networks_layer_norm_keeps_values_in_check(self) -> Self:
        if isinstance(self.algorithm, PQNConfig) and not self.network.layer_norm:
            object.__setattr__(self, "network", self.network.model_copy(update={"layer_norm": True}))
        return self

    @model_validator(mode="after")
    def _what_is_forgotten_is_studied_first(self) -> Self:
        if self.training.learn_while_playing and isinstance(self.algorithm, FreshConfig):
            raise ValueError(
                f"learn_while_playing=true would change the policy in the middle of what algorithm.name="
                f"{self.algorithm.name!r} learns from; leave it false"
            )
        return self

    @model_validator(mode="after")
    def _pieces_know_their_first_action(self) -> Self:
        if self.replay.segment_steps and self.network.last_action:
            raise ValueError(
                f"segment_steps={self.replay.segment_steps} cuts off the action before each piece, which "
                "last_action=true needs; set one of them to 0 or false"
            )
        return self
