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

Function = TypeVar("Function", bound=Callable[..., Any])
_HERE = Path(__file__).parent.parent
_settings: Any = numba.config
_announced: set[str] = set()
_quiet = False


def compiled(function: Function) -> Function:
    """Compile with machine code kept in `code_directory`, without the interpreter's lock, divisions as in C."""
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
def code_directory() -> Path:
    """A directory for exactly these sources: numba would not notice that a function called by a cached one changed.

    Beside the package where that can be written, else in the user's cache, else in a temporary place. The environment
    variable NUMBA_CACHE_DIR goes before all of them. Code that checks every index (NUMBA_BOUNDSCHECK=1) is kept apart.
    """
    sources = [path.read_bytes() for path in sorted(_HERE.rglob("*.py"))]
    sources = [
        source for source in sources if b"lockstep.compute.compiled import" in source or b"def compiled" in source
    ]
    name = f"lockstep-{sha256(b''.join(sources)).hexdigest()[:12]}{'-checked' if _settings.BOUNDSCHECK else ''}"
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "lockstep"
    candidates = [_HERE / "__pycache__", user_cache]
    if os.environ.get("NUMBA_CACHE_DIR"):
        candidates.insert(0, Path(os.environ["NUMBA_CACHE_DIR"]))
    for candidate in candidates:
        if _writable(candidate / name):
            return candidate / name
    return Path(tempfile.mkdtemp(prefix=name))


def announce_compilation(what: str, *functions: Any) -> None:
    """Say on stderr, once, that the wait is for the compiler; nothing where the machine code is there already."""
    if _quiet or what in _announced or _settings.DISABLE_JIT:
        return
    _announced.add(what)
    if all(map(_has_code, functions)):
        return
    print(f"Compiling the {what}, once; this takes some seconds.", file=sys.stderr, flush=True)


def leave_announcements() -> None:
    """To the process that this one helps: it compiles the same."""
    global _quiet
    _quiet = True


def _compiled(function: Function, **options: Any) -> Function:
    before = _settings.CACHE_DIR
    _settings.CACHE_DIR = str(code_directory())
    try:
        return cast(Function, njit(cache=True, nogil=True, error_model="numpy", **options)(function))
    finally:
        _settings.CACHE_DIR = before


def _has_code(function: Any) -> bool:
    package, module = function.__module__.split(".")[-2:]
    return next(code_directory().rglob(f"{package}_*/{module}.{function.__name__}-*.nbi"), None) is not None


def _writable(directory: Path) -> bool:
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return True
    return False
