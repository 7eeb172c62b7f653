"""Rows of a JSONL file as columns of numbers: read once, then followed as the file grows."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from lockstep.files import ROWS_BYTES, open_regular
from lockstep.runs.cleaning import LARGEST, number, one_line

Column = NDArray[np.float64]
_ROW: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_ROWS: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])
_NUMERIC = {int, float, type(None)}
_REMEMBERED_BYTES = 256
_LINES_AT_ONCE = 1000


class Rows:
    """The numbers in a JSONL file, one column a name. Empty until `refresh` is called.

    Words, lists and numbers out of range are passed over, and so are lines that are not whole rows, as a crash leaves
    them. A last line is not read before it is whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rewrites = 0
        """How often the file turned out to be another one than was read before, as after `lockstep resume`."""
        self.problem = ""
        """Why the file could not be read when it was last looked at; empty where it could, or where there is none."""
        self.lines: int
        """Whole lines seen, those that were passed over as well."""
        self._parts: dict[str, list[Column]]
        self._count: int
        self._offset: int
        self._remembered: bytes
        self._begin()

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def __getitem__(self, name: str) -> Column:
        """(rows,) float64, read-only: the values called `name`, NaN in rows that have none."""
        parts = self._parts.setdefault(name, [])
        missing = self._count - sum(map(len, parts))
        if missing or len(parts) != 1:
            parts[:] = [np.concatenate([*parts, np.full(missing, np.nan)])]
        parts[0].flags.writeable = False
        return parts[0]

    def names(self) -> list[str]:
        """Names with at least one number, in the order in which they appeared."""
        return [name for name in self._parts if not np.isnan(self[name]).all()]

    def last(self, name: str) -> float | None:
        """The newest number called `name`, or None where there is none."""
        known = self[name][~np.isnan(self[name])]
        return float(known[-1]) if len(known) else None

    def refresh(self) -> bool:
        """Read what was written since. Returns whether there is anything new; a file that is gone has no rows."""
        self.problem = ""
        try:
            new, restarted = self._read_on()
        except FileNotFoundError:
            new, restarted = b"", self._offset > 0
        except OSError as error:
            self.problem = error.strerror or str(error)
            new, restarted = b"", self._offset > 0
        if restarted:
            self.rewrites += 1
            self._begin()
        end = new.rfind(b"\n") + 1
        if end == 0:
            return restarted
        self._offset += end
        self._remembered = (self._remembered + new[:end])[-_REMEMBERED_BYTES:]
        lines = [line for line in new[:end].split(b"\n") if line.strip()]
        self.lines += len(lines)
        for start in range(0, len(lines), _LINES_AT_ONCE):
            self._append(_parsed(lines[start : start + _LINES_AT_ONCE]))
        return True

    def _begin(self) -> None:
        self._parts = {}
        self.lines = self._count = 0
        self._offset = 0
        self._remembered = b""

    def _read_on(self) -> tuple[bytes, bool]:
        """The bytes after those read already, or all of them and True where these are no longer there."""
        with open_regular(self.path, ROWS_BYTES) as file:
            file.seek(self._offset - len(self._remembered))
            new = file.read()
            if new.startswith(self._remembered):
                return new[len(self._remembered) :], False
            file.seek(0)
            return file.read(), True

    def _append(self, rows: list[dict[str, Any]]) -> None:
        for name in dict.fromkeys(name for names in dict.fromkeys(map(tuple, rows)) for name in names):
            numbers, name = _numbers([row.get(name) for row in rows]), one_line(name)
            if name in self._parts or not np.isnan(numbers).all():
                parts = self._parts.setdefault(name, [])
                missing = self._count - sum(map(len, parts))
                if missing < 0:
                    continue  # another name that looks the same
                parts += [np.full(missing, np.nan), numbers] if missing else [numbers]
        self._count += len(rows)


def _parsed(lines: list[bytes]) -> list[dict[str, Any]]:
    """Whole rows among the lines. All at once is several times as fast as one by one, which is for torn files."""
    try:
        rows = _ROWS.validate_json(b"[" + b",".join(lines) + b"]")
    except ValidationError:
        rows = []
    return rows if len(rows) == len(lines) else [row for line in lines for row in _row(line)]


def _row(line: bytes) -> list[dict[str, Any]]:
    try:
        return [_ROW.validate_json(line)]
    except ValidationError:
        return []


def _numbers(values: list[Any]) -> Column:
    """(values,) float64, NaN for what is no number that a run could have written."""
    if set(map(type, values)) <= _NUMERIC:
        try:
            numbers = np.array(values, dtype=np.float64)
            numbers[~(np.abs(numbers) <= LARGEST)] = np.nan
            return numbers
        except OverflowError:
            pass
    return np.array([np.nan if (known := number(value)) is None else known for value in values])
