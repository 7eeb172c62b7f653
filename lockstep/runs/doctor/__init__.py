"""Why it does not learn: findings with evidence, before a run, during it and afterwards.

`findings(record)` looks at what a run wrote; `diagnosis.diagnose(config)` at a configuration that has not run yet.
"""

from lockstep.runs.doctor.after import CHECKS
from lockstep.runs.doctor.finding import Finding, Plot, Remedy, Severity, sorted_findings
from lockstep.runs.doctor.history import History
from lockstep.runs.record import RunRecord

__all__ = ["Finding", "History", "Plot", "Remedy", "Severity", "examine", "findings"]


def findings(record: RunRecord) -> list[Finding]:
    """Everything worth saying about a run, half-finished ones included, the worst first."""
    reason = str(record.info.get("reason", ""))
    return examine(History(record.config, record.metrics, record.evaluations, record.standing, reason))


def examine(history: History) -> list[Finding]:
    """Every finding in a run's history, the worst first."""
    return sorted_findings([finding for check in CHECKS if (finding := check(history)) is not None])
