"""Trials: cells that differ in their seed alone, and what they are worth together, as their runs tell it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lockstep.errors import UserError
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import Job
from lockstep.sweeps.search.goal import Goal, over_seeds
from lockstep.sweeps.search.samplers import Tried
from lockstep.sweeps.search.space import Chosen, SearchSpace

PRUNED = "pruned: "
"""How the reason begins for which a cell is set aside that is not worth finishing."""
TrialStanding = Literal["complete", "pruned", "failed", "open"]


@dataclass(frozen=True)
class SearchTrial:
    """A choice, and its cells."""

    number: int
    chosen: Chosen
    jobs: tuple[Job, ...]
    """One for each seed."""
    values: tuple[float | None, ...]
    """What each of them is worth; None: it has not ended, or nobody judged it."""

    @property
    def known(self) -> tuple[float, ...]:
        """What its ended runs are worth."""
        return tuple(value for value in self.values if value is not None)

    @property
    def value(self) -> float | None:
        """What it is worth, as far as is known."""
        return over_seeds(self.known) if self.known else None

    @property
    def standing(self) -> TrialStanding:
        """pruned: the seeds that are missing are not worth their time. failed: one of them cannot be trained."""
        if all(job.done for job in self.jobs):
            return "complete" if self.known else "failed"
        aside = [job.history.reason for job in self.jobs if job.history.standing == "set aside"]
        if aside and all(reason.startswith(PRUNED) for reason in aside):
            return "pruned"
        return "failed" if aside or any(job.failed for job in self.jobs) else "open"


def trials_of(jobs: Sequence[Job], goal: Goal) -> list[SearchTrial]:
    """The trials that jobs of a search make up, in order."""
    found: dict[int, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.cell.trial or 0, []).append(job)
    trials = []
    for number, members in sorted(found.items()):
        values = tuple(_value(job, goal) if job.done else None for job in members)
        trials.append(SearchTrial(number, members[0].cell.chosen, tuple(members), values))
    return trials


def tried(trials: Sequence[SearchTrial]) -> list[Tried]:
    """The trials as samplers see them: what failed is worth as little as the worst there is."""
    worst = min((trial.value for trial in trials if trial.value is not None), default=None)
    return [Tried(one.chosen, worst if one.standing == "failed" else one.value) for one in trials]


def best_trial(trials: Sequence[SearchTrial]) -> SearchTrial | None:
    """The trial that is worth most with all of its seeds; the first of equals."""
    complete = [trial for trial in trials if trial.standing == "complete"]
    return max(complete, key=lambda trial: trial.value or 0.0, default=None)


def check_trials(sweep: SweepFolder, space: SearchSpace) -> None:
    """Raise UserError for a plan with a choice that this search could not have made."""
    for cell in sweep.cells:
        if not space.holds(cell.chosen):
            raise UserError(f"Line {cell.number} of {sweep.plan} is no choice of this search. Search anew.")


def _value(job: Job, goal: Goal) -> float | None:
    if job.worth is None:
        job.worth = goal.value(job.record)
    return job.worth
