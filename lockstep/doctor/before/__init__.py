"""Checks before a run: each a function of a forecast, one file per family. A new check is one function here and one
document in docs/findings."""

from collections.abc import Callable

from lockstep.doctor.before import exploration, learning, memory, practice
from lockstep.doctor.finding import Finding
from lockstep.doctor.forecast import Forecast

Check = Callable[[Forecast], Finding | None]
CHECKS: tuple[Check, ...] = (*memory.CHECKS, *exploration.CHECKS, *learning.CHECKS, *practice.CHECKS)
