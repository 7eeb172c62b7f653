"""Settings name code of one's own as `my_module:MyLogger`: an algorithm, a mixer, a logger, a family of worlds.

This is the one place where a setting's word becomes an import.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from lockstep import trust
from lockstep.errors import UserError


def code_named(name: str) -> trust.Code:
    """Return what MODULE:OBJECT names, as consent is asked for it."""
    return trust.Code(name, {}, name.partition(":")[0])


def load_named(setting: str, name: str) -> Any:
    """Return what `name`, MODULE:OBJECT, stands for; the module is installed or lies in the working folder.

    Raises UserError, naming the setting, where only a file names it and nobody vouches for that file (see
    `lockstep.trust`), where there is no such module or object, or where importing it fails.
    """
    trust.check(code_named(name))
    module_name, _, path = name.partition(":")
    if not {"", str(Path.cwd())} & set(sys.path):
        sys.path.append(str(Path.cwd()))
    try:
        found: Any = import_module(module_name)
    except Exception as error:  # whatever a module of the user's raises
        said = f"{type(error).__name__}: {error}".partition("\n")[0].rstrip(".: ")
        raise UserError(
            f"{setting} names {name!r}, and {module_name} cannot be imported ({said}). Modules are looked for among "
            "what is installed and in the working folder."
        ) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise UserError(f"{setting} names {name!r}, and {module_name} has no {path}.")
        found = getattr(found, part)
    return found
