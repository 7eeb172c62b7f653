"""`[algorithm]` by its name: which settings there are depends on who is asked."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationError
from pydantic_core import InitErrorDetails

from lockstep.config.schema.actor_critic import IA2CConfig, IPPOConfig, MAA2CConfig, MAPPOConfig
from lockstep.config.schema.algorithm import AlgorithmConfig
from lockstep.config.schema.q_learning import (
    IQLConfig,
    PQNConfig,
    PQNQMIXConfig,
    QLearningConfig,
    QMIXConfig,
    QPLEXConfig,
    QTRANConfig,
    VDNConfig,
    WeightedQMIXConfig,
)
from lockstep.named import load_named

SECTIONS: Mapping[str, type[AlgorithmConfig]] = {
    "iql": IQLConfig,
    "vdn": VDNConfig,
    "qmix": QMIXConfig,
    "qplex": QPLEXConfig,
    "owqmix": WeightedQMIXConfig,
    "cwqmix": WeightedQMIXConfig,
    "qtran": QTRANConfig,
    "qtran_alt": QTRANConfig,
    "pqn_vdn": PQNConfig,
    "pqn_qmix": PQNQMIXConfig,
    "ippo": IPPOConfig,
    "mappo": MAPPOConfig,
    "ia2c": IA2CConfig,
    "maa2c": MAA2CConfig,
}
"""The section of every algorithm that Lockstep knows, by its name."""
DEFAULT = "qmix"


def section_of(name: str) -> type[AlgorithmConfig]:
    """The settings of an algorithm, or of a mixer of one's own, which Q-learning learns with.

    Raises UserError where code cannot be had, or is named by a file that nobody vouches for; KeyError for no name.
    """
    if ":" not in name:
        return SECTIONS[name]
    section: type[AlgorithmConfig] = getattr(own(name), "section", QLearningConfig)
    return section


def own(name: str) -> Any:
    """The object behind `my_module:MyAlgorithm`. Raises UserError; see `section_of`."""
    return load_named("algorithm.name", name)


def by_name(value: Any) -> Any:
    """A section of the model that its name asks for. An algorithm's name may stand for the whole section."""
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping):
        return value
    name = value.get("name", DEFAULT)
    known = [repr(key) for key in SECTIONS]
    if not isinstance(name, str) or (":" not in name and name not in SECTIONS):
        expected = f"{', '.join(known)}, or one of your own, as 'my_module:MyAlgorithm'"
        raise _invalid(InitErrorDetails(type="literal_error", loc=("name",), input=name, ctx={"expected": expected}))
    section = section_of(name)
    for setting in value:
        owners = [other for other, model in SECTIONS.items() if setting in model.model_fields]
        if setting not in section.model_fields and owners:
            *others, last = owners
            whose = f"{', '.join(others)} and {last}" if others else last
            said = f"{setting} is a setting of {whose}, and algorithm.name={name!r} has no such setting"
            error = {"error": ValueError(f"{said}: leave it out")}
            raise _invalid(InitErrorDetails(type="value_error", loc=(setting,), input=value[setting], ctx=error))
    return section.model_validate({**value, "name": name})


def _invalid(error: InitErrorDetails) -> ValidationError:
    return ValidationError.from_exception_data("algorithm", [error])


AnyAlgorithm = Annotated[SerializeAsAny[AlgorithmConfig], BeforeValidator(by_name)]
