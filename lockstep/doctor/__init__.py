"""Why it does not learn: findings with evidence, before a run, during it and afterwards.

`findings(record)` looks at what a run wrote; `diagnosis.diagnose(config)` at a configuration that has not run yet.
"""

from lockstep.doctor.after import CHECKS
from lockstep.doctor.finding import Finding, Plot, Remedy, Severity, sorted_findings
from lockstep.doctor.history import History
from lockstep.runs.reader import RunReader

__all__ = ["Finding", "History", "Plot", "Remedy", "Severity", "examine", "findings"]


def findings(record: RunReader) -> list[Finding]:
    """Everything worth saying about a run, half-finished ones included, the worst first."""
    reason, agents = str(record.info.get("reason", "")), record.num_agents
    return examine(History(record.config, record.metrics, record.evaluations, record.standing, reason, agents))


def examine(history: History) -> list[Finding]:
    """Every finding in a run's history, the worst first."""
    return sorted_findings([finding for check in CHECKS if (finding := check(history)) is not None])
