"""Checks during and after a run: each a function of its history, one file per family. A new check is one function here
and one document in docs/findings."""

from collections.abc import Callable

from lockstep.doctor.after import behavior, exploration, machine, networks, progress, rewards, values
from lockstep.doctor.finding import Finding
from lockstep.doctor.history import History

Check = Callable[[History], Finding | None]
CHECKS: tuple[Check, ...] = (
    *rewards.CHECKS,
    *exploration.CHECKS,
    *networks.CHECKS,
    *values.CHECKS,
    *behavior.CHECKS,
    *progress.CHECKS,
    *machine.CHECKS,
)
