"""House rules for other people's code: what it prints, where it goes and what it draws from stays its own affair."""

import os
import random
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.random import MT19937
from numpy.random.mtrand import get_bit_generator, set_bit_generator

from lockstep.errors import AbandonedError, UserError

OWN_FOLDER = str(Path(__file__).parents[2])
WATCHED = 64
"""Visits in which it is looked at whether global generators were used; later ones only keep them apart."""


class WorldError(UserError):
    """Somebody else's world raised something, or asked the process to exit."""


class Visit:
    """While it lasts, what is printed goes to standard error; afterwards the working folder is what it was.

    Standard output belongs to the command that was typed, which may print JSON for a script. Whatever the world raises
    becomes a WorldError, also what asks the process to exit.
    """

    def __init__(self, key: str, moment: Callable[[], str] = str) -> None:
        """moment: says when it happened, in words to go behind the key."""
        self.key, self.moment = key, moment

    def __enter__(self) -> None:
        self._folder, self._stdout = os.getcwd(), sys.stdout  # noqa: PTH109, a path object each step would take longer
        sys.stdout = sys.stderr

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stdout = self._stdout
        with suppress(OSError):
            if os.getcwd() != self._folder:  # noqa: PTH109
                os.chdir(self._folder)
        if error is not None and not isinstance(error, UserError | AbandonedError | KeyboardInterrupt):
            raise WorldError(self._sentence(error)) from error

    def _sentence(self, error: BaseException) -> str:
        moment = self.moment()
        about = f"{self.key}, {moment}" if moment else self.key
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if OWN_FOLDER not in frame.filename]
        where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
        if isinstance(error, SystemExit):
            return f"{about}: the world asked this process to exit ({error.code!r}), which it must not{where}."
        said = f"{type(error).__name__}: {error}".strip().partition("\n")[0].rstrip(".: ")
        return f"{about}: the world raised {said}{where}."


class GlobalGenerators:
    """Python's, NumPy's and torch's global random generators, as one lane's world finds and leaves them.

    A world that draws from them would otherwise draw from whatever all the others, and we, left there.
    """

    def __init__(self, seed: int) -> None:
        self.drawn: str | None = None
        """The first of them that was seen to be drawn from."""
        self._seed, self._visits = seed % 2**32, 0
        self._theirs: _Generators | None = None

    def __enter__(self) -> None:
        self._ours = _generators()
        if self._theirs is None:
            set_bit_generator(MT19937())
            random.seed(self._seed)
            np.random.seed(self._seed)
        else:
            _set_generators(self._theirs)
        if (torch := _torch()) is not None and (self._theirs is None or self._theirs.torch is None):
            torch.default_generator.manual_seed(self._seed)
        self._before = _positions() if self._visits < WATCHED else {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._before:
            self._visits += 1
            after = _positions()
            moved = (name for name, was in self._before.items() if was is not None and after[name] != was)
            self.drawn = next(moved, self.drawn)
        self._theirs = _generators()
        _set_generators(self._ours)


class _Generators(NamedTuple):
    """The global generators' states at one moment."""

    python: Any
    numpy: Any
    """The generator itself: exchanging it is much cheaper than writing its state down."""
    torch: Any
    """None where torch is not imported."""


def _generators() -> _Generators:
    torch = _torch()
    return _Generators(random.getstate(), get_bit_generator(), None if torch is None else torch.get_rng_state())


def _set_generators(states: _Generators) -> None:
    random.setstate(states.python)
    set_bit_generator(states.numpy)
    if states.torch is not None:
        sys.modules["torch"].set_rng_state(states.torch)


def _positions() -> dict[str, Any]:
    """What changes with every draw, by whose it is."""
    torch, numpy = _torch(), get_bit_generator().state["state"]
    return {
        "Python's": random.getstate(),
        "NumPy's": (numpy["pos"], numpy["key"].tobytes()),
        "torch's": None if torch is None else torch.get_rng_state().numpy().tobytes(),
    }


def _torch() -> Any:
    """torch, if anybody has imported all of it."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "default_generator") and hasattr(torch, "get_rng_state") else None
