"""Every setting by its dotted path: what it is called, what it does, what it is in a configuration."""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from lockstep.config.schema import RunConfig
from lockstep.config.schema.algorithms import SECTIONS


class Knob(NamedTuple):
    """One field of the configuration, as documented in the schema."""

    path: str
    default: Any
    description: str
    words: tuple[str, ...] = ()
    """What it may be, where that is one of a few words."""


def knobs(config: RunConfig | None = None) -> dict[str, Knob]:
    """Every field that a configuration has, by its dotted path, in the schema's order.

    None: every field that some algorithm that Lockstep knows has.
    """
    found = {}
    for section, field in RunConfig.model_fields.items():
        if not isinstance(field.default, BaseModel):
            found[section] = Knob(section, field.default, field.description or "")
        elif config is not None:
            found |= knobs_of(section, [type(getattr(config, section))])
        else:
            found |= knobs_of(section, SECTIONS.values() if section == "algorithm" else [type(field.default)])
    return found


def knobs_of(section: str, models: Iterable[type[BaseModel]]) -> dict[str, Knob]:
    """The fields of a section, or of all that it may be."""
    found: dict[str, Knob] = {}
    for model in models:
        for name, field in model.model_fields.items():
            path = f"{section}.{name}"
            words = (found[path].words if path in found else ()) + _words(field.annotation)
            default = field.get_default(call_default_factory=True)
            found[path] = Knob(path, default, field.description or "", tuple(dict.fromkeys(words)))
    return found


def _words(annotation: Any) -> tuple[str, ...]:
    """The words among what a field may be."""
    if annotation is bool:
        return "true", "false"
    inner = get_args(annotation)
    return tuple(map(str, inner)) if get_origin(annotation) is Literal else sum(map(_words, inner), ())


def flat(config: RunConfig) -> dict[str, Any]:
    """A configuration's values by dotted path; what its algorithm does not have is not there."""
    found: dict[str, Any] = {}
    for section, value in config.model_dump().items():
        if isinstance(value, dict):
            found |= {f"{section}.{name}": inner for name, inner in value.items()}
        else:
            found[section] = value
    return found
