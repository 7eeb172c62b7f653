"""Whether code that a file names may run. What a user types is consent; what a file says is only data.

A configuration can name code: `env.key = "my_module:parallel_env"` is imported and called. A stranger's run folder must
not be able to do that by being looked at. So every file that is read tells here what it names, and whoever is about to
import something asks here first. It is let through where no file named it (a user or a user's program did), where this
user has trained with that very code and those arguments before, or where the file is vouched for: by `--trust`, or by a
folder that is trusted for good. docs/reliability.md has the whole model.
"""

import json
import os
import site
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lockstep.errors import UserError
from lockstep.shell import command_line

MAY_NAME_CODE: Mapping[str, str] = {"env.key": "env.arguments", "algorithm.name": "", "logging.loggers": ""}
"""Settings of which a value may name code, and those that hold what it is called with, if any do."""
RUN_FILE = "config.toml"
"""How the configuration in a run's folder is called."""
STATE_VARIABLE = "LOCKSTEP_STATE_HOME"
"""Where the memory lies, if not in the user's own state directory (XDG)."""


@dataclass(frozen=True)
class Code:
    """Something that would be imported and called."""

    value: str
    """As a configuration names it: my_module:parallel_env."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    module: str | None = None
    """The module that would be imported first; None: only what Gymnasium's own registry says."""

    def place(self) -> Path | None:
        """The folder from which the module would be imported; None: it is installed, or there is none of that name.

        Nothing is imported. Outside of what is installed, an equal name is another module in every folder.
        """
        top = (self.module or "gymnasium").partition(".")[0]
        try:
            spec = find_spec(top) or PathFinder.find_spec(top, [str(Path.cwd())])
        except (ImportError, ValueError):
            spec = None
        if spec is None:
            return None
        found = spec.submodule_search_locations or [spec.origin or ""]
        places = {Path(path).parent.resolve() for path in found if path not in ("", "built-in", "frozen")}
        return next(iter(sorted(places - _installed())), None)

    def row(self) -> dict[str, Any]:
        """What is remembered of it."""
        place = self.place()
        return {
            "value": self.value,
            "arguments": dict(self.arguments),
            "place": "installed" if place is None else str(place),
        }


@dataclass(frozen=True)
class _Told:
    """A file named this value, with these arguments."""

    file: Path
    arguments: Mapping[str, Any]


_told: dict[str, list[_Told]] = {}
_allowed: set[Path] = set()


def tell(file: Path, base: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
    """A configuration was read. base: the file's nested values. typed: what the user said instead, by dotted path.

    Values and arguments that the user typed are the user's own words.
    """
    for setting, arguments_setting in MAY_NAME_CODE.items():
        value = typed.get(setting, _at(base, setting))
        arguments = _at(base, arguments_setting)
        arguments = arguments if isinstance(arguments, dict) and arguments_setting not in typed else {}
        for name in (value,) if isinstance(value, str) else value if isinstance(value, list) else ():
            if isinstance(name, str) and (setting not in typed or arguments):
                told = _Told(file.resolve(), arguments)
                if told not in _told.setdefault(name, []):
                    _told[name].append(told)


def allow(path: Path) -> None:
    """The user vouches, in this process, for the file or for the files in the folder `path`."""
    _allowed.add(path.resolve())


def check(code: Code) -> None:
    """Raise UserError where a file named this code, and neither the user nor the user's own past vouches for it."""
    for told in _told.get(code.value, ()):
        folder, place = told.file.parent, code.place()
        if told.file.name == RUN_FILE and place is not None and place.is_relative_to(folder):
            raise UserError(
                f"{told.file} names {code.value!r}, which lies in the run's own folder, and a run brings no code "
                "along. Look at it, put it beside your own modules, and go there."
            )
        if {told.file, folder} & _allowed or _is_remembered(code, told):
            continue
        raise UserError(
            f"{told.file} names {code.value!r}, and to make that is to run code that somebody else chose. If you know "
            f"what it is, add --trust to let it run this once, or `{command_line('trust', folder)}` for good."
        )


def remember(code: Code) -> str | None:
    """Let any file name this code, with these arguments, from now on. Returns a sentence where that cannot be kept."""
    if code.row() in _remembered():
        return None
    try:
        _append(code.row())
    except UserError as error:
        return f"That you use {code.value} is forgotten, and `lockstep resume` will ask for --trust. {error}"
    return None


def remember_folder(folder: Path) -> None:
    """Let files directly in this folder name whatever they want from now on. Raises UserError if it cannot be kept."""
    if not _is_trusted(folder.resolve()):
        _append({"folder": str(folder.resolve())})


def forget_folder(folder: Path) -> bool:
    """The end of `remember_folder`. Returns whether there was anything to forget."""
    known = _is_trusted(folder.resolve())
    if known:
        _append({"folder": str(folder.resolve()), "forgotten": True})
    return known


def _installed() -> set[Path]:
    """The folders into which packages are installed."""
    standard = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    return {Path(path).resolve() for path in (*standard, *site.getsitepackages(), site.getusersitepackages())}


def _at(values: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path of nested values; None where there is none."""
    place: Any = values
    for name in path.split("."):
        place = place.get(name) if isinstance(place, dict) else None
    return place


def _is_remembered(code: Code, told: _Told) -> bool:
    """Whether the file's folder is trusted, or this user has used the code before, as it is or as the file told it."""
    if _is_trusted(told.file.parent):
        return True
    known, row = _remembered(), code.row()
    return row in known or {**row, "arguments": dict(told.arguments)} in known


def _is_trusted(folder: Path) -> bool:
    """What was said last about the folder."""
    said = [row for row in _remembered() if row.get("folder") == str(folder)]
    return bool(said) and not said[-1].get("forgotten", False)


def _append(row: Mapping[str, Any]) -> None:
    """Another line of the memory, which is readable to its owner alone. Raises UserError where it cannot be written."""
    try:
        memory = _memory()
        memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(memory, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "a", encoding="utf-8") as file:  # noqa: PTH123, a descriptor
            file.write(json.dumps(dict(row), default=str) + "\n")
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        raise UserError(
            f"What you trust cannot be kept ({error}). Set {STATE_VARIABLE} to a folder that can be written."
        ) from error


def _memory() -> Path:
    """Outside of every run, since what lies in a run can be forged. Raises RuntimeError where there is no home."""
    state = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    return Path(os.environ.get(STATE_VARIABLE) or Path(state) / "lockstep") / "trusted.jsonl"


def _remembered() -> list[dict[str, Any]]:
    rows = []
    try:
        lines = _memory().read_text(encoding="utf-8").splitlines()
    except (OSError, RuntimeError, UnicodeDecodeError):
        return []
    for line in lines:
        with suppress(ValueError):  # a torn line, as a crash leaves it
            rows.append(json.loads(line))
    return [row for row in rows if isinstance(row, dict)]
