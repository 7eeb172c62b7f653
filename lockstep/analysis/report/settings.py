"""The configuration, every value with what it does in the schema's own words, and how to have the same again."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lockstep.analysis.groups import Group, differing_settings
from lockstep.analysis.report.document import Block, CodeBlock, Folded, Section, Table, Text, literal, plain
from lockstep.config.knobs import Knob, flat, knobs
from lockstep.config.load import dump_toml, load_config
from lockstep.config.presets import PRESETS
from lockstep.config.words import as_word
from lockstep.errors import UserError
from lockstep.runs.cleaning import one_line, printable
from lockstep.runs.reader import RunReader
from lockstep.shell import command_line

NO_SUCH_SETTING = object()
"""Stands where a group's algorithm does not have what another's has."""


def settings_section(groups: Sequence[Group]) -> Section:
    """What was changed first, then everything else folded away."""
    values = [flat(group.config) for group in groups]
    between = set(differing_settings([group.config for group in groups]))
    changed: list[tuple[Knob, list[Any]]] = []
    usual: list[tuple[Knob, list[Any]]] = []
    described = {path: knob for group in groups for path, knob in knobs(group.config).items()}
    for path, knob in described.items():
        if path == "seed":
            continue
        is_changed = path in between or any(value.get(path, knob.default) != knob.default for value in values)
        (changed if is_changed else usual).append((knob, [value.get(path, NO_SUCH_SETTING) for value in values]))
    names = [literal(group.name) for group in groups]
    columns = ("setting, and what it does", *names, "default")
    blocks: list[Block] = []
    if changed:
        blocks.append(Text("What differs from the default (in bold), and what it does:"))
        rows = [
            (
                f"{literal(knob.path)} {_sentence(knob)}",
                *(_bold(_value(value), value not in (knob.default, NO_SUCH_SETTING)) for value in row),
                _value(knob.default),
            )
            for knob, row in changed
        ]
        blocks.append(Table(columns, rows, frozenset(columns[1:]), wide_first=True))
    else:
        blocks.append(Text("Every setting has its default."))
    rest = [(f"{literal(knob.path)} {_sentence(knob)}", _value(row[0])) for knob, row in usual]
    everything = Table(("setting, and what it does", "value"), rest, frozenset({"value"}), wide_first=True)
    blocks.append(Folded(f"The other {len(rest)} settings, at their defaults", (everything,)))
    return Section("settings", "Configuration", blocks)


def replicate_section(groups: Sequence[Group]) -> Section:
    """Hardware, versions, commit, and the commands that make all of it again, also what was stopped and went on."""
    runs = [run for group in groups for run in group.runs]
    origins: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for run in runs:
        origins.setdefault(_origin(run), []).append(run.name)
    blocks: list[Block] = []
    for origin, names in origins.items():
        if len(origins) > 1:
            blocks.append(Text(f"{', '.join(literal(name) for name in names)}:"))
        blocks.append(Table(("", ""), [(name, literal(value)) for name, value in origin]))
    blocks.append(Text("The commands, in a checkout of that commit after `make setup`:"))
    made = [_again(run) for run in runs if run.origin == "lockstep"]
    others = [run.directory.path for run in runs if run.origin != "lockstep"]
    report = one_line(command_line("report", *(out for _, out in made), *others))
    blocks.append(CodeBlock("\n".join([*(command for command, _ in made), report])))
    blocks.append(
        Text(
            "The same seed on the same kind of machine with the same number of threads gives the same run, number for "
            "number. Another machine or thread count rounds differently, and a different, equally valid run follows.",
            quiet=True,
        )
    )
    for group in groups:
        toml = CodeBlock(printable(dump_toml(group.runs[0].config)), "toml")
        hint = Text(
            "Saved as a file, `lockstep train FILE.toml seed=N` trains it. Shown with seed "
            f"{group.runs[0].config.seed}."
        )
        blocks.append(Folded(f"The whole configuration of {literal(group.name)}", (hint, toml)))
    return Section("replicate", "Make it again", blocks)


def _value(value: Any) -> str:
    if value is NO_SUCH_SETTING:
        return ""
    if value is None or value == () or value == {}:
        return "unset"
    if isinstance(value, tuple):
        return literal(str(list(value)))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else literal(value)


def _bold(text: str, strong: bool) -> str:
    return f"**{text}**" if strong else text


def _sentence(knob: Knob) -> str:
    """The schema's documentation as one line of Markdown."""
    return plain(knob.description)


def _origin(run: RunReader) -> tuple[tuple[str, str], ...]:
    """Where a run was made, from run.json; what is not known is left out."""
    info = run.info
    host, versions = info.get("host"), info.get("versions")
    rows = [("Lockstep's commit", info.get("commit"))]
    if isinstance(host, dict):
        rows += [("System", host.get("system")), ("Processors", host.get("cpus"))]
    rows.append(("Device", run.config.training.device))
    if isinstance(versions, dict):
        known = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
        rows.append(("Versions", known or None))
    return tuple((name, str(value)) for name, value in rows if value)


def _again(run: RunReader) -> tuple[str, Path]:
    """The command that makes a run anew as it stands now, seed, end and number of shares included; and where."""
    out = run.directory.path.with_name(f"{run.directory.path.name}-again")
    name, shares = str(run.info.get("name")), run.info.get("shares")
    source: list[object] = [run.directory.config]
    if name in PRESETS:
        usual = flat(PRESETS[name]())
        changed = {path: value for path, value in flat(run.config).items() if value != usual.get(path, NO_SUCH_SETTING)}
        words = [f"{path}={as_word(value)}" for path, value in changed.items()]
        with suppress(UserError):  # as settings of an algorithm of one's own are no words for everybody
            if load_config(name, words) == run.config:
                source = [name, *words]
    if run.config.training.num_threads == 0 and isinstance(shares, int):
        source.append(f"num_threads={shares}")
    return one_line(command_line("train", *source, "--out", out)), out
