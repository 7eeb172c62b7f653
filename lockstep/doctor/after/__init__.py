"""After holds the checks during and after a run: each is a function of the run's history.

A file holds checks that belong together. A new check is a function here and a page in doctor/pages.
"""

from collections.abc import Callable

from lockstep.doctor.after import behavior, exploration, machine, networks, policies, progress, rewards, values
from lockstep.doctor.finding import Finding
from lockstep.doctor.history import History

Check = Callable[[History], Finding | None]
CHECKS: tuple[Check, ...] = (
    *rewards.CHECKS,
    *exploration.CHECKS,
    *networks.CHECKS,
    *values.CHECKS,
    *policies.CHECKS,
    *behavior.CHECKS,
    *progress.CHECKS,
    *machine.CHECKS,
)
