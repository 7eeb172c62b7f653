"""The verdict before a run: every check, and every remedy tried before it is offered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from lockstep.config.load import validated, with_changes
from lockstep.config.schema import RunConfig
from lockstep.config.words import parse_words
from lockstep.doctor.before import CHECKS, Check
from lockstep.doctor.finding import SEVERITIES, Finding, Remedy, sorted_findings
from lockstep.doctor.forecast import Forecast, forecast_of
from lockstep.doctor.machine import UNMEASURED, Machine
from lockstep.doctor.remedies import hinted
from lockstep.doctor.task import MeasuredTask, measure_task, with_exploration
from lockstep.errors import UserError
from lockstep.formats import rounded

Verdict = Literal["will not learn", "may not learn", "can learn"]
MOST_FIXES = 12
"""Remedies applied one after the other before `fixed` gives up."""
EPSILONS = {"epsilon_start", "epsilon_finish", "epsilon_anneal_env_steps", "epsilon_schedule"}
MORE = {
    "rewarding_episodes_in_all": "rewarding episodes",
    "rewarding_episodes_before_epsilon_floor": "rewarding episodes before epsilon's floor",
    "rewarding_episodes_per_collection": "rewarding episodes in a collection",
    "rewards_studied": "looks at a reward",
    "rewarding_in_replay_at_half": "remembered at half-time",
    "updates": "updates",
    "lr_times_updates": "lr times updates",
    "credit_reach_steps": "steps that a reward is felt back",
    "worth_one_delivery_earlier": "worth of a reward one delivery earlier",
    "standardized_reward": "size of a reward",
    "replay_bytes": "bytes of replay",
}
"""The numbers of a forecast that tell what a remedy brings."""


@dataclass(frozen=True)
class Diagnosis:
    """What is to be expected of a configuration, and what would help."""

    forecast: Forecast
    findings: tuple[Finding, ...]
    """The worst first; every remedy in them was applied, and removed the finding."""

    @property
    def verdict(self) -> Verdict:
        severities = {finding.severity for finding in self.findings}
        return (
            "will not learn" if "problem" in severities else "may not learn" if "warning" in severities else "can learn"
        )

    def row(self) -> dict[str, Any]:
        """As plain data."""
        task = self.forecast.task
        low, high = task.random.interval
        return {
            "verdict": self.verdict,
            "task": {
                "key": task.spec.key,
                "env_steps_played": task.env_steps,
                "random_episodes": task.random.episodes,
                "random_rewarding_episodes": task.random.rewarding,
                "random_rewarding_interval": [low, high],
                "random_return_mean": task.return_mean,
                "random_return_std": task.return_std,
                "explored": [vars(sample) for sample in task.explored],
            },
            "forecast": self.forecast.row(),
            "seconds": self.forecast.seconds,
            "findings": [finding.row() for finding in self.findings],
        }


def diagnose(config: RunConfig, task: MeasuredTask | None = None, machine: Machine | None = None) -> Diagnosis:
    """Measure the task (unless it is given), forecast the run, and look at it from every side.

    Raises UserError for a task that cannot be had.
    """
    forecast = forecast_of(config, measure_task(config) if task is None else task, machine or UNMEASURED)
    found = [(check, hinted(finding, config)) for check in CHECKS if (finding := check(forecast)) is not None]
    tested = [replace(finding, remedies=_working(forecast, check, finding)) for check, finding in found]
    return Diagnosis(forecast, tuple(sorted_findings(tested)))


def fixed(diagnosis: Diagnosis) -> tuple[Diagnosis, tuple[str, ...]]:
    """The diagnosis of the configuration with remedies applied until no problem and no warning is left, or none helps.

    Returns it and the overrides, in the order in which they were applied.
    """
    applied: list[str] = []
    for _ in range(MOST_FIXES):
        worst = [finding for finding in diagnosis.findings if finding.severity != "note" and finding.remedies]
        if not worst:
            break
        words = worst[0].remedies[0].overrides
        forecast = apply(diagnosis.forecast, words)
        diagnosis = diagnose(forecast.config, forecast.task, forecast.machine)
        applied += words
    return diagnosis, tuple(applied)


def apply(forecast: Forecast, words: Sequence[str]) -> Forecast:
    """The forecast of the configuration with these overrides. Raises UserError where they do not fit."""
    config = validated(with_changes(forecast.config.model_dump(), parse_words(words)))
    task = forecast.task
    if config.env != forecast.config.env:
        task = measure_task(config)
    elif config.exploration != forecast.config.exploration:
        before, after = (x.exploration.model_dump(exclude=EPSILONS) for x in (forecast.config, config))
        task = with_exploration(task, config, same_habits=before == after)
    return forecast_of(config, task, forecast.machine)


def _working(forecast: Forecast, check: Check, finding: Finding) -> tuple[Remedy, ...]:
    """The remedies that remove the finding, or make it less severe, each with what it brings."""
    working = []
    for remedy in finding.remedies:
        try:
            after = apply(forecast, remedy.overrides)
        except UserError:
            continue
        left = check(after)
        if left is None or SEVERITIES.index(left.severity) > SEVERITIES.index(finding.severity):
            working.append(replace(remedy, why=remedy.why + _gain(finding, forecast, after)))
    return tuple(working)


def _gain(finding: Finding, before: Forecast, after: Forecast) -> str:
    """`: rewarding episodes 1.7 → 170`, for the number that the finding rests on."""
    name = next((name for name in finding.numbers if name in MORE), None)
    if name is None:
        return ""
    return f": {MORE[name]} {rounded(before.row()[name])} → {rounded(after.row()[name])}"
