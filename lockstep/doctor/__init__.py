"""The doctor says why something does not learn: findings with evidence, before a run, during it and afterwards.

`findings(record)` looks at what a run wrote; `diagnosis.diagnose(config)` at a configuration that has not run yet.
"""

from lockstep.doctor.after import CHECKS
from lockstep.doctor.finding import Finding, Plot, Remedy, Severity, sorted_findings
from lockstep.doctor.history import History
from lockstep.doctor.remedies import suited
from lockstep.runs.reader import RunReader

__all__ = ["Finding", "History", "Plot", "Remedy", "Severity", "examine", "findings", "unreadable"]


def findings(record: RunReader) -> list[Finding]:
    """Everything worth saying about a run, half-finished ones included, the worst first.

    Where its configuration cannot be read, that is all there is to say.
    """
    unread, config = unreadable(record), record.config_or_none()
    found = [] if unread is None else [unread]
    if config is not None:
        reason, agents = str(record.info.get("reason", "")), record.num_agents
        found += examine(History(config, record.metrics, record.evaluations, record.standing, reason, agents))
    return sorted_findings(found)


def unreadable(record: RunReader) -> Finding | None:
    """What could not be read, or has not been written, so that nobody takes silence for health."""
    told = record.unreadable()
    severity: Severity
    if not told and not record.is_empty:
        return None
    if not record.is_empty:
        severity, title = "warning", "only a part of the run can be read"
    elif told:
        severity, title = "problem", "nothing that the run wrote can be read"
    else:
        severity, title = "note", "no numbers have been written yet"
    return Finding(
        "unreadable",
        severity,
        title,
        " ".join(told) or "There is no row in metrics.jsonl and none in eval.jsonl.",
        "What is not there cannot be judged: that no finding speaks of it does not mean that it is healthy.",
    )


def examine(history: History) -> list[Finding]:
    """Every finding in a run's history, the worst first."""
    found = [finding for check in CHECKS if (finding := check(history)) is not None]
    return sorted_findings([suited(finding, history.config) for finding in found])
