"""Before holds the checks before a run: each is a function of a forecast.

A file holds checks that belong together. A new check is a function here and a page in doctor/pages.
"""

from collections.abc import Callable

from lockstep.doctor.before import exploration, learning, memory, practice, rounds
from lockstep.doctor.finding import Finding
from lockstep.doctor.forecast import Forecast

Check = Callable[[Forecast], Finding | None]
CHECKS: tuple[Check, ...] = (
    *memory.CHECKS,
    *exploration.CHECKS,
    *rounds.CHECKS,
    *learning.CHECKS,
    *practice.CHECKS,
)
