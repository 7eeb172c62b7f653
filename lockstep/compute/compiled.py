"""How simulators and learners are compiled, and where the machine code is kept between runs."""

import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import njit
from numpy import generic

Function = TypeVar("Function", bound=Callable[..., Any])
_ROOT = __name__.partition(".")[0] + "."
_PACKAGE = Path(__file__).parent.parent
_settings: Any = numba.config
_announced: set[str] = set()
_quiet = False


def compiled(function: Function) -> Function:
    """Compile, with the machine code kept on disk, without the interpreter's lock, divisions as in C."""
    return _compiled(function)


def vectorized(function: Function) -> Function:
    """As `compiled`; besides, products are added without rounding them first, and sums in any order.

    What is infinite or not a number stays so.
    """
    return _compiled(function, fastmath={"contract", "reassoc"})


def in_order(function: Function) -> Function:
    """As `vectorized`, but sums keep the order in which they are written: the same numbers in whatever company."""
    return _compiled(function, fastmath={"contract"})


def inlined(function: Function) -> Function:
    """A piece of a compiled function that is read better by itself; it costs no call, which many arrays make dear."""
    return cast(Function, njit(inline="always", error_model="numpy")(function))


@cache
def code_home() -> Path:
    """Return the directory that holds the machine code of all modules.

    It lies beside the package where that can be written, else in the user's cache, else in a temporary place. The
    environment variable NUMBA_CACHE_DIR goes before all of them. Code that checks every index (NUMBA_BOUNDSCHECK=1) is
    kept apart.
    """
    name = "lockstep-kernels-checked" if _settings.BOUNDSCHECK else "lockstep-kernels"
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "lockstep"
    candidates = [_PACKAGE / "__pycache__", user_cache]
    if os.environ.get("NUMBA_CACHE_DIR"):
        candidates.insert(0, Path(os.environ["NUMBA_CACHE_DIR"]))
    for candidate in candidates:
        if _writable(candidate / name):
            return candidate / name
    return Path(tempfile.mkdtemp(prefix=f"{name}-"))


@cache
def code_directory(module: str) -> Path:
    """Return the directory for the machine code of exactly this module's sources, and of what they are built from.

    numba would not notice that a function which a kept one calls, or a constant that it uses, has changed in another
    file. So the directory's name is a digest of the module's file, of its constants, and of the modules from which its
    functions and classes come, theirs included.
    """
    return code_home() / f"{module.rpartition('.')[2]}-{_digest(module)}"


@cache
def _digest(module: str) -> str:
    """Return a digest of all that a module's machine code follows from. All its imports must have been made by now."""
    content = sys.modules[module]
    found, neighbors = [], set()
    for name, value in sorted(vars(content).items()):
        home = getattr(value, "__module__", None) or getattr(getattr(value, "py_func", None), "__module__", "")
        if isinstance(home, str) and home.startswith(_ROOT) and home != module:
            neighbors.add(home)
        elif not name.startswith("__") and isinstance(value, bool | int | float | str | tuple | generic):
            found.append(f"{name}={value!r}")
    parts = [Path(str(content.__file__)).read_bytes(), *map(str.encode, found)]
    parts += [_digest(neighbor).encode() for neighbor in sorted(neighbors)]
    return sha256(b"\0".join(parts)).hexdigest()[:12]


def announce_compilation(what: str, *functions: Any) -> None:
    """Say on stderr, once, that the wait is for the compiler; nothing where the machine code is there already."""
    if _quiet or what in _announced or _settings.DISABLE_JIT:
        return
    _announced.add(what)
    if all(map(_has_code, functions)):
        return
    print(f"Compiling the {what}, once; this takes some seconds.", file=sys.stderr, flush=True)


def leave_announcements() -> None:
    """Leave them to whoever this process helps, or to nobody."""
    global _quiet
    _quiet = True


def _compiled(function: Function, **options: Any) -> Function:
    before = _settings.CACHE_DIR
    _settings.CACHE_DIR = str(code_directory(function.__module__))
    try:
        return cast(Function, njit(cache=True, nogil=True, error_model="numpy", **options)(function))
    finally:
        _settings.CACHE_DIR = before


def _has_code(function: Any) -> bool:
    name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}-*.nbi"
    return next(code_directory(function.__module__).rglob(name), None) is not None


def _writable(directory: Path) -> bool:
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return True
    return False
