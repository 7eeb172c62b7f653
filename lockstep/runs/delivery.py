"""Files that a user asked for, all of them whole or none: what was there before stays until the last one is ready."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from lockstep.errors import UserError
from lockstep.runs.directory import why

Content = str | bytes | Callable[[Path], object]
"""Text, bytes, or what writes a file of the name that it is given."""


def deliver(files: Mapping[Path, Content], choose: str = "Choose another --out.") -> list[Path]:
    """Write every file beside its place, and put them there when all are written. Returns the paths.

    Folders are made. Raises UserError where one cannot be written, and then everything is as it was before. choose: the
    next step.
    """
    temporaries: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        for path, content in files.items():
            for folder in reversed([folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]):
                folder.mkdir()
                made.append(folder)
            if path.is_dir():
                raise IsADirectoryError(0, "it is a folder", str(path))
            temporaries[path] = path.with_name(f".{path.stem}.writing{path.suffix}")
            _write(temporaries[path], content)
        for path, temporary in temporaries.items():
            temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({why(error)}). {choose}") from error
    finally:
        for temporary in temporaries.values():
            with suppress(OSError):
                temporary.unlink()
        for folder in reversed(made):
            with suppress(OSError):  # it is not empty: all is well
                folder.rmdir()
    return list(files)


def _write(path: Path, content: Content) -> None:
    if callable(content):
        content(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with path.open("rb+") as file:
        os.fsync(file.fileno())
