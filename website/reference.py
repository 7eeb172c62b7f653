"""Reference is what the code tells of itself: settings, metrics, commands, Python, and the files of a run.

A page is written anew whenever the site is made, so none can be older than the code.
"""

import inspect
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import lockstep
from lockstep.algorithms.registry import ALGORITHMS
from lockstep.cli import app
from lockstep.config.presets import PRESETS
from lockstep.config.schema import AlgorithmConfig, RunConfig
from lockstep.config.schema.algorithms import SECTIONS
from lockstep.runs import directory
from lockstep.runs.metrics import METRICS, Metric
from lockstep.sweeps import folder
from lockstep.training.checkpoints import checkpoint
from website.pages import FINDINGS

BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
NO_LIMIT = 10**15
"""The largest number that the schema lets anything count; nobody has to be told."""
PUBLIC = (
    "train", "Run", "evaluate", "load_team", "Team", "sweep", "Sweep", "search", "Search",
    "make_vec", "parallel_env", "feature_names", "load_config", "RunConfig", "load_policy",
    "Logger", "SilentLogger", "UserError",
)  # fmt: skip
"""What `lockstep` itself offers, in the order in which it is met."""
CALLED = ("Run", "Sweep", "Search")
"""Classes that users make themselves."""
SHORT_RUN = ("t_max=8_000", "warmup_env_steps=2_000", "test_interval=4_000", "log_interval=2_000")
"""What makes a run of `smoke` that writes every file within a second."""

SETTINGS = """# Settings

A setting is typed behind a command as `section.name=value`, or `name=value` where the name is clear, or written into a
TOML file (`lockstep config solve > mine.toml`). [EPyMARL's names](../epymarl.md#every-word) work too. Defaults are the
schema's; [presets](presets.md) choose others. Whatever does not fit is refused before anything runs.
"""

PRESETS_TABLE = """# Presets

Configurations with a name. `lockstep config NAME --explain` prints one whole, every setting with its meaning.

| preset | what it is |
|---|---|
"""

METRICS_OF_ALL = """# Metrics

Every number in a run's `metrics.jsonl` and `eval.jsonl`, where most names begin with `test_`, with its formula and what
it looks like in a healthy run. `lockstep plot RUN --metric NAME` draws one, `run.metrics["NAME"]` is one as an array,
and TensorBoard shows them by the same names.

## Of every algorithm
"""

COMMANDS = """# Commands

`lockstep COMMAND --help` prints the same. What is typed wrongly is answered by one sentence and exit code 2; an
interrupted training saves itself, says how to go on, and leaves with 130. `--json` prints one object for scripts, `-q`
nothing but errors.
"""

PYTHON = """# Python

Everything here is imported from `lockstep` itself. [From Python](../learn/from-python.md) shows it at work; whatever
else the package has is ours to change.
"""

RUN_FOLDER = """# The files of a run

A run is a folder, and the folder is all there is of it: copied to another machine it goes on, is judged, shown and
reported on. Whatever a training does is done by appending to these files or by replacing one whole, so they can be read
at any moment. `config.toml` holds every [setting](settings.md); `lockstep train RUN/config.toml` makes the same run
again. Names in rows are [metrics](metrics.md).
"""

FINDINGS_TABLE = """# All findings

What [the doctor](../doctor.md) can notice, before a run (`lockstep doctor PRESET`), while it trains, and afterwards
(`lockstep doctor RUN`). Each page says why, what to try, and when it is no worry.

| finding | seen |
|---|---|
"""


def pages() -> dict[str, str]:
    """The Markdown of every page of the reference, by its file's name."""
    return {
        "commands.md": commands(),
        "findings.md": findings(),
        "metrics.md": metrics(),
        "presets.md": presets(),
        "python.md": python(),
        "run-folder.md": run_folder(),
        "settings.md": settings(),
    }


def settings() -> str:
    """Every setting with its default, its range and its meaning, by sections."""
    fields = RunConfig.model_fields.items()
    own = [("", name, field) for name, field in fields if not isinstance(field.default, BaseModel)]
    parts = [SETTINGS, "## A run", _definitions(own)]
    for section, field in fields:
        if isinstance(field.default, BaseModel):
            model = AlgorithmConfig if section == "algorithm" else type(field.default)
            parts += [f"## {section}", _definitions((f"{section}.", *item) for item in model.model_fields.items())]
            parts += _settings_of_algorithms() if section == "algorithm" else []
    return "\n\n".join(parts) + "\n"


def _settings_of_algorithms() -> Iterator[str]:
    """The settings that only some algorithms have, under the names of those that do."""
    owners: dict[tuple[str, str], list[str]] = {}
    fields: dict[tuple[str, str], FieldInfo] = {}
    for name, section in SECTIONS.items():
        for setting, field in section.model_fields.items():
            if setting not in AlgorithmConfig.model_fields:
                owners.setdefault((setting, str(field.description)), []).append(name)
                fields.setdefault((setting, str(field.description)), field)
    groups: dict[tuple[str, ...], list[tuple[str, str, FieldInfo]]] = {}
    for key, names in owners.items():
        groups.setdefault(tuple(names), []).append(("algorithm.", key[0], fields[key]))
    for having, items in groups.items():
        yield f"### {', '.join(having)}"
        yield _definitions(items, having[0])


def _definitions(items: Iterable[tuple[str, str, FieldInfo]], owner: str = "") -> str:
    """A heading for each setting, so that a search finds it, and what it means.

    owner: an algorithm that has them; several have some of the same name.
    """
    told = []
    for section, name, field in items:
        anchor = f"{section}{name}" + (f"-{owner}" if owner else "")
        default = "" if field.is_required() else f" = {_plain(field.get_default(call_default_factory=True))}"
        must = " · ".join(_range(field))
        meaning = _one_line(field.description) + (f" *({must})*" if must else "")
        told.append(f"#### `{section}{name}{default}` {{ #{anchor} }}\n\n{meaning}")
    return "\n\n".join(told)


def _range(field: FieldInfo) -> Iterator[str]:
    """What a value must be, in words."""
    if get_origin(field.annotation) is Literal:
        yield "one of " + ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    for bound in field.metadata:
        for name, words in BOUNDS.items():
            limit = getattr(bound, name, None)
            if isinstance(limit, int | float) and limit < NO_LIMIT:
                yield f"{words} {limit:g}"


def _plain(value: Any) -> str:
    """A default as it would be typed."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:_}" if isinstance(value, int) else "unset" if value is None else str(value)


def presets() -> str:
    """Every configuration with a name, and what it is."""
    rows = [f"| `{name}` | {_one_line(make.__doc__)} |" for name, make in PRESETS.items()]
    return PRESETS_TABLE + "\n".join(rows) + "\n"


def metrics() -> str:
    """Every number that a run writes, with its formula and what is healthy."""
    owners: dict[Metric, list[str]] = {}
    for name, entry in ALGORITHMS.items():
        for metric in entry.metrics:
            owners.setdefault(metric, []).append(name)
    parts = [METRICS_OF_ALL, *map(_metric, METRICS.values())]
    for names in dict.fromkeys(map(tuple, owners.values())):
        parts.append(f"## Of {', '.join(f'`{name}`' for name in names)}")
        parts += [_metric(metric, names[0]) for metric, theirs in owners.items() if tuple(theirs) == names]
    return "\n\n".join(parts) + "\n"


def _metric(metric: Metric, owner: str = "") -> str:
    """One number. owner: an algorithm that writes it, where not all do."""
    anchor = metric.name + (f"-{owner}" if owner else "")
    unit = f" in {_escaped(metric.unit)}" if metric.unit else ""
    formula = metric.formula[:1].upper() + metric.formula[1:]
    meaning = f"{_escaped(formula)}. *Healthy: {_escaped(metric.healthy)}.*"
    return f"#### `{metric.name}`{unit} {{ #{anchor} }}\n\n{meaning}"


def commands() -> str:
    """Every command with its arguments and options."""
    parts = [COMMANDS]
    known: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
    for name, command in known.items():
        shown = [one for one in command.params if "--help" not in one.opts and not getattr(one, "hidden", False)]
        arguments = [one for one in shown if one.param_type_name == "argument"]
        usage = " ".join(["lockstep", name, *map(_argument, arguments), "[OPTIONS]"])
        rows = [f"| {_code(_argument(one))} | {_escaped(one.help or '')} |" for one in arguments]
        rows += [f"| {_option(one)} | {_explained(one)} |" for one in shown if one not in arguments]
        parts += [f"## lockstep {name}", _prose(command.help), f"```text\n{usage}\n```"]
        parts += ["\n".join(["| | |", "|---|---|", *rows])] if rows else []
    return "\n\n".join(parts) + "\n"


def _argument(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _option(option: Any) -> str:
    value = "" if option.is_flag else " " + (option.metavar or option.opts[0].lstrip("-").upper())
    return ", ".join(_code(word + value) for word in (*option.opts, *option.secondary_opts))


def _explained(option: Any) -> str:
    """What an option does, and what it is where nothing is typed, unless its own words say so."""
    words, default = option.help or "", option.default
    told = isinstance(default, bool) or not isinstance(default, int | float | str) or str(default) in words
    return _escaped(words) + ("" if told else f" Default: `{default}`.")


def python() -> str:
    """The public names of the package, with their signatures and their docstrings."""
    parts = [PYTHON]
    for name in PUBLIC:
        item = getattr(lockstep, name)
        if inspect.isclass(item):
            parts += _class(name, item)
        else:
            parts += [f"## {name}", _signature(name, item), _prose(inspect.getdoc(item))]
    return "\n\n".join(parts) + "\n"


def _class(name: str, item: type) -> Iterator[str]:
    yield f"## {name}"
    if name in CALLED:
        yield _signature(name, item)
    yield _prose(inspect.getdoc(item))
    if issubclass(item, BaseModel):
        yield "Its sections and fields are the [settings](settings.md)."
        return
    for member, value in vars(item).items():
        told = value.__doc__ and (inspect.isfunction(value) or isinstance(value, property))
        if told and not member.startswith("_"):
            whole = f"{name}.{member}"
            yield f"### {whole}"
            yield f"```python\n{whole}\n```" if isinstance(value, property) else _signature(whole, value)
            yield _prose(inspect.getdoc(value))


def _signature(name: str, item: Any) -> str:
    """A call as it is written, over several lines where it is long; names of modules and quotes left out."""
    signature = inspect.signature(item)
    parameters = [one for one in signature.parameters.values() if one.name != "self"]
    whole = _without_modules(str(signature.replace(parameters=parameters)))
    if len(name + whole) > 90:
        inner = [_without_modules(str(one)) for one in parameters]
        keyword = [one.kind is inspect.Parameter.KEYWORD_ONLY for one in parameters]
        if any(keyword) and all(one.kind is not inspect.Parameter.VAR_POSITIONAL for one in parameters):
            inner.insert(keyword.index(True), "*")
        whole = "(\n" + "".join(f"    {one},\n" for one in inner) + ")" + whole.rpartition(")")[2]
    return f"```python\n{name}{whole}\n```"


def _without_modules(annotation: str) -> str:
    plain = re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z]\w)", "", annotation)
    return re.sub(r"-> '(\w+)'", r"-> \1", plain)


def run_folder() -> str:
    """The files of a run and of a sweep, with the beginnings of those that a short run wrote just now."""
    with tempfile.TemporaryDirectory() as place:
        run = directory.RunDirectory(lockstep.train("smoke", *SHORT_RUN, out=Path(place) / "run").path)
        info = json.loads(run.info.read_text())
        rows = (run.metrics, run.evaluations, run.judgements)
        shown = {"run.json": {name: info[name] for name in info if name not in ("host", "command", "user", "pid")}}
        shown |= {file.name: json.loads(file.read_text().splitlines()[0]) for file in rows}
    parts = [RUN_FOLDER, _listing(directory.__doc__)]
    for name, content in shown.items():
        parts += [f"## {name}", "Of a short run of `smoke`:", f"```json\n{_json(content)}\n```"]
    parts += ["## checkpoints/", _listing(checkpoint.__doc__), "## The files of a sweep", _listing(folder.__doc__)]
    return "\n\n".join(parts) + "\n"


def _json(content: dict[str, Any]) -> str:
    """JSON over several lines, with long lists cut."""
    cut = {
        name: [*value[:4], "…"] if isinstance(value, list) and len(value) > 5 else value
        for name, value in content.items()
    }
    return json.dumps(cut, indent=1, ensure_ascii=False)


def _listing(docstring: str | None) -> str:
    """A module's introduction without its title."""
    return _prose((docstring or "").partition("\n")[2])


def findings() -> str:
    """What the doctor can notice, each in one sentence."""
    rows = []
    for page in sorted(FINDINGS.glob("*.md")):
        title, _, rest = page.read_text().partition("\n")
        seen = rest.partition("**Seen.**")[2].partition("\n\n")[0]
        rows.append(f"| [{title.removeprefix('# ')}](../findings/{page.name}) | {_one_line(seen)} |")
    return FINDINGS_TABLE + "\n".join(rows) + "\n"


def _prose(docstring: str | None) -> str:
    """A docstring as Markdown: indented lines are code, a line that explains an argument begins one."""
    text = re.sub(r"\[/?bold\]", "", inspect.cleandoc(docstring or ""))
    return re.sub(r"(?m)^(\w+(?:, \w+)*): (?=\S)", r"\n`\1`: ", text)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _escaped(text: str) -> str:
    """Text whose signs mean nothing to Markdown."""
    return re.sub(r"([*_<|\[\]])", r"\\\1", text)


def _code(words: str) -> str:
    """Words as code inside a table, where a bar would end the cell."""
    return f"<code>{escape(words).replace('|', '&#124;')}</code>"
