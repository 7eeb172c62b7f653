"""Runs side by side: those that differ in seed alone belong together."""

from collections.abc import Sequence
from dataclasses import dataclass

from lockstep.config.knobs import flat, knobs
from lockstep.config.schema import RunConfig
from lockstep.runs.cleaning import one_line
from lockstep.runs.notes import read_notes
from lockstep.runs.reader import RunReader

_SAME_EXPERIMENT = ("seed", "checkpoint", "logging")
"""Parts of the configuration that do not change what is learnt, apart from luck."""


@dataclass(frozen=True)
class Group:
    """Runs of one configuration, one per seed."""

    name: str
    config: RunConfig
    runs: tuple[RunReader, ...]


def group_runs(records: Sequence[RunReader]) -> list[Group]:
    """Runs by configuration, in the order in which they are first named.

    Two groups of one name get what tells them apart added to it.
    """
    found: dict[tuple[str, str], list[RunReader]] = {}
    for record in records:
        key = record.origin, record.config.model_dump_json(exclude=set(_SAME_EXPERIMENT))
        found.setdefault(key, []).append(record)
    groups = [
        Group(_name(members[0]), members[0].config, tuple(sorted(members, key=lambda run: run.config.seed)))
        for members in found.values()
    ]
    return [Group(_told_apart(group, groups), group.config, group.runs) for group in groups]


def differing_settings(configs: Sequence[RunConfig]) -> list[str]:
    """Dotted paths of the settings in which configurations differ, the seed apart, in the schema's order."""
    values = [flat(config) for config in configs]
    paths = {path: None for config in configs for path in knobs(config)}
    return [path for path in paths if path != "seed" and len({repr(value.get(path)) for value in values}) > 1]


def _name(record: RunReader) -> str:
    return read_notes(record.directory).name or str(record.info.get("name") or record.name)


def _told_apart(group: Group, groups: Sequence[Group]) -> str:
    rivals = [other for other in groups if other.name == group.name]
    if len(rivals) < 2:
        return group.name
    values = flat(group.config)
    paths = differing_settings([other.config for other in rivals])
    told = [one_line(f"{leaf(path)}={values[path]}") for path in paths if path in values]
    return f"{group.name} ({', '.join(told[:3])})"


def leaf(path: str) -> str:
    """The last word of a dotted path."""
    return path.rpartition(".")[2]
