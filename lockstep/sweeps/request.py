"""What somebody asks for: a preset and words, or a TOML file, and the configurations that follow from it.

    base = "master"                 # a preset or a file; [[rows]] may have one each
    words = ["t_max=1e6"]           # for every cell
    [grid]                          # every combination
    seed = "1..5"
    env.key = ["rware-tiny-2ag-v2", "rware-tiny-4ag-v2"]
    [zip]                           # columns, read row by row
    lr = [1e-3, 5e-4]
    batch_size = [64, 128]
    [[rows]]                        # rows of settings, with a base of their own if they name one
    base = "solve"
    gamma = 0.99
    [[exclude]]                     # cells that have all of these are left out
    algorithm = "vdn"
    env.key = "rware-tiny-4ag-v2"

There is a cell for every row with every line of the columns with every combination of the grid.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from lockstep import trust
from lockstep.config.knobs import flat
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.config.words import parse_words
from lockstep.errors import UserError
from lockstep.files import NotPlainError, read_regular
from lockstep.sweeps.choices import Choice, as_text, check_number, listed_choice, num_combinations, typed_choices

TABLES = ("grid", "zip", "rows", "exclude")
PLANNED = "planned"
"""The table in which a sweep's own file says what was made of the request."""
KNOWN = ("base", "name", "words", *TABLES, PLANNED)


@dataclass(frozen=True)
class RequestRow:
    """A configuration to start from, and overrides of it."""

    base: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class SweepRequest:
    """Everything that was asked for. The same request makes the same cells, in the same order."""

    name: str
    rows: tuple[RequestRow, ...]
    grid: tuple[Choice, ...] = ()
    columns: tuple[Choice, ...] = ()
    exclude: tuple[tuple[Choice, ...], ...] = ()
    file: Path | None = None
    """The TOML file that says it; None: somebody typed it."""
    replaced: frozenset[str] = frozenset()
    """Settings of the file for which somebody typed other values: exclusions of the former ones may match nothing."""

    def configurations(self) -> list[tuple[str, RunConfig]]:
        """One for each cell, none twice, with the name of what it was made from.

        Raises UserError for what does not fit, and where nothing is left.
        """
        lines = len(self.columns[0].values) if self.columns else 1
        check_number(len(self.rows) * lines * num_combinations(self.grid))
        found: dict[str, tuple[str, RunConfig]] = {}
        unused = {
            index for index, choices in enumerate(self.exclude) if not self.replaced & {one.key for one in choices}
        }
        for row in self.rows:
            for words in self._overrides(lines):
                config = load_config(row.base, [*row.words, *words])
                if self.file is not None:
                    trust.tell(self.file, config.model_dump(), {})
                matching = {index for index, choices in enumerate(self.exclude) if _has_all(config, choices)}
                unused -= matching
                if not matching:
                    found.setdefault(config.model_dump_json(), (Path(row.base).stem, config))
        if unused:
            said = ", ".join(word for choice in self.exclude[min(unused)] for word in choice.words)
            raise UserError(f"[[exclude]] {said} leaves out nothing, as no cell has all of it. Mend it or remove it.")
        if not found:
            raise UserError("Every cell of this sweep is excluded. Remove an [[exclude]].")
        return list(found.values())

    def toml(self) -> dict[str, Any]:
        """What `read_request` makes an equal request from."""
        tables: dict[str, Any] = {"name": self.name}
        if len(self.rows) == 1:
            tables |= {"base": self.rows[0].base, "words": list(self.rows[0].words)}
        else:
            tables["rows"] = [{"base": row.base, "words": list(row.words)} for row in self.rows]
        tables |= {name: _table(choices) for name, choices in (("grid", self.grid), ("zip", self.columns)) if choices}
        if self.exclude:
            tables["exclude"] = [_table(choices) for choices in self.exclude]
        return tables

    def _overrides(self, lines: int) -> Iterator[list[str]]:
        """The words of every line of the columns with every combination of the grid."""
        for line in range(lines):
            for combination in product(*(choice.words for choice in self.grid)):
                yield [*(choice.words[line] for choice in self.columns), *combination]


def read_request(source: str, words: Sequence[str] = ()) -> SweepRequest:
    """What `lockstep sweep SOURCE WORDS` asks for: a preset, a configuration's file, or the file of a sweep.

    Raises UserError with one sentence for the first thing that is wrong.
    """
    typed = typed_choices(words)
    path = Path(source)
    values = _sweep_file(path) if path.suffix == ".toml" and path.is_file() else None
    if values is None:
        fixed = tuple(choice.words[0] for choice in typed if len(choice.values) == 1)
        grid = tuple(choice for choice in typed if len(choice.values) > 1)
        return SweepRequest(path.stem, (RequestRow(source, fixed),), grid)
    request = _from_file(path, values)
    keys = frozenset(choice.key for choice in typed)
    grid = tuple(choice for choice in request.grid if choice.key not in keys)
    return replace(request, grid=(*grid, *typed), replaced=keys)


def _sweep_file(path: Path) -> dict[str, Any] | None:
    """The values of a sweep's file; None where it is a configuration, which `load_config` reads and judges."""
    try:
        values = tomllib.loads(read_regular(path, follow=True).decode("utf-8-sig"))
    except (NotPlainError, OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return None
    return values if values.keys() & {"base", *TABLES} else None


def _from_file(path: Path, values: Mapping[str, Any]) -> SweepRequest:
    for name in values:
        if name not in KNOWN:
            raise UserError(
                f"{path} is the file of a sweep, and {name!r} is no part of one: it has {', '.join(KNOWN[:-1])}. "
                "Settings stand in [grid], [zip] or [[rows]]."
            )
    base, words = values.get("base"), _list_of_texts(path, "words", values.get("words", []))
    rows = []
    for row in _tables(path, "rows", values.get("rows", [{}])):
        settings = {name: value for name, value in row.items() if name not in ("base", "words")}
        its_base = row.get("base", base)
        if not isinstance(its_base, str):
            raise UserError(f"{path} does not say what to start from: write base = 'solve', or a base in each row.")
        overrides = [f"{key}={as_text(value)}" for key, value in _settings(settings)]
        own = _list_of_texts(path, "words", row.get("words", []))
        rows.append(RequestRow(_beside(path, its_base), (*words, *own, *overrides)))
    grid = tuple(listed_choice(key, value) for key, value in _settings(_one_table(path, "grid", values)))
    columns = tuple(listed_choice(key, value) for key, value in _settings(_one_table(path, "zip", values)))
    if len({len(column.values) for column in columns}) > 1:
        lengths = ", ".join(f"{column.key} has {len(column.values)}" for column in columns)
        raise UserError(f"The columns in [zip] of {path} are read row by row, so they are equally long; {lengths}.")
    exclude = tuple(
        tuple(listed_choice(key, value) for key, value in _settings(table))
        for table in _tables(path, "exclude", values.get("exclude", []))
    )
    name = values.get("name", path.stem)
    return SweepRequest(str(name), tuple(rows), grid, columns, exclude, path)


def _beside(path: Path, base: str) -> str:
    """A base that is a file is looked for beside the sweep's file first."""
    return str(path.parent / base) if base.endswith(".toml") and (path.parent / base).is_file() else base


def _settings(table: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by dotted path; `env.key = ...` in TOML is a table in a table."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _settings(value, f"{inside}{name}.")
        else:
            yield f"{inside}{name}", value


def _has_all(config: RunConfig, choices: Sequence[Choice]) -> bool:
    """Whether a configuration has, of every choice, one of its values."""
    values = flat(config)
    return all(
        any(
            all(path in values and _equal(values[path], value) for path, value in parse_words([word]).items())
            for word in choice.words
        )
        for choice in choices
    )


def _equal(ours: Any, said: Any) -> bool:
    return list(ours) == said if isinstance(ours, tuple) else bool(ours == said)


def _table(choices: Sequence[Choice]) -> dict[str, list[str]]:
    return {choice.key: list(choice.values) for choice in choices}


def _one_table(path: Path, name: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    (table,) = _tables(path, name, [values.get(name, {})])
    return table


def _tables(path: Path, name: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or (not value and name == "rows") or not all(isinstance(row, dict) for row in value):
        brackets = f"[{name}]" if name in ("grid", "zip") else f"[[{name}]]"
        raise UserError(f"{path}: {name} is a table of settings, written below {brackets}.")
    return value


def _list_of_texts(path: Path, name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise UserError(f"{path}: {name} is a list of overrides, as in {name} = ['t_max=1e6'].")
    return value
