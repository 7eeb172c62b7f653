"""What the doctor has to say: one finding, with its numbers, its meaning and what to try."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lockstep.shell import command_line

Severity = Literal["problem", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("problem", "warning", "note")
"""From the worst. A problem: it will not learn, or has stopped. A warning: look at it. A note: worth knowing."""


@dataclass(frozen=True)
class Remedy:
    """Something to try, ready to be copied behind `lockstep train`."""

    overrides: tuple[str, ...]
    """`key=value` words; empty where the remedy is no setting."""
    why: str
    """What it does; after a test also what it would bring, with its number."""

    @property
    def words(self) -> str:
        """The overrides as one would type them."""
        return " ".join(self.overrides)


@dataclass(frozen=True)
class Plot:
    """A few points that say more than the sentence. Every line has as many values as `x`; nan leaves a gap."""

    x_label: str
    y_label: str
    x: tuple[float, ...]
    lines: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing."""

    name: str
    """Of the check and of its page: doctor/pages/NAME.md."""
    severity: Severity
    title: str
    """One short sentence for the list."""
    evidence: str
    """What was measured, with the numbers."""
    meaning: str
    """What it means, for somebody new to the field."""
    remedies: tuple[Remedy, ...] = ()
    """The most promising first."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """The evidence for programs."""
    plot: Plot | None = None

    @property
    def document(self) -> str:
        """The command that says more."""
        return command_line("doctor", "--explain", self.name)

    def row(self) -> dict[str, Any]:
        """As plain data."""
        remedies = [{"overrides": list(remedy.overrides), "why": remedy.why} for remedy in self.remedies]
        return {**asdict(self), "remedies": remedies, "document": self.document}


def sorted_findings(found: list[Finding]) -> list[Finding]:
    """The worst first; equals keep their order."""
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))
