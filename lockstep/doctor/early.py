"""The verdict after the first part of a run: the forecast, corrected by what was found, and the first findings."""

from dataclasses import dataclass

import numpy as np

from lockstep.doctor.after import CHECKS
from lockstep.doctor.before import CHECKS as BEFORE
from lockstep.doctor.diagnosis import Verdict
from lockstep.doctor.forecast import Forecast
from lockstep.doctor.history import Columns, Floats, History
from lockstep.doctor.limits import MIN_REWARDING
from lockstep.runs.reader import RunReader

DEADLY = ("dead-units", "values-diverge", "no-reward-ever", "epsilon-fell-too-soon")
"""Findings that, this early, nobody recovered from."""


@dataclass(frozen=True)
class Outlook:
    """Whether it can still learn, and what stands against it."""

    verdict: Verdict
    problems: tuple[str, ...]
    """Names of findings."""


@dataclass(frozen=True)
class _Until:
    """The rows of a file up to some env step."""

    columns: Columns
    env_steps: float

    def __getitem__(self, name: str) -> Floats:
        return self.columns[name][self.columns["env_steps"] <= self.env_steps]


def outlook(record: RunReader, forecast: Forecast, share: float = 1.0) -> Outlook:
    """The verdict from what was written until this share of the steps after the warm-up was over."""
    config = record.config
    warmup, most = config.collection.warmup_env_steps, config.training.max_env_steps
    until = warmup + share * (most - warmup)
    history = History(
        config, _Until(record.metrics, until), _Until(record.evaluations, until), num_agents=record.num_agents
    )
    problems = [
        finding.name
        for check in BEFORE
        if (finding := check(forecast)) is not None
        and finding.severity == "problem"
        and not (finding.name == "too-few-rewards" and history.found >= MIN_REWARDING)
    ]
    seen = [finding.name for check in CHECKS if (finding := check(history)) is not None]
    problems += [name for name in seen if name in DEADLY]
    if forecast.task.is_sparse and np.isfinite(history.found):
        expected = forecast.at_share(history.done, forecast.rewarding)
        if expected >= 2 * MIN_REWARDING and history.found < 0.1 * expected:
            problems.append("fewer-rewards-than-foreseen")
    return Outlook("will not learn" if problems else "can learn", tuple(problems))
