"""What the doctor has to say about the runs, one entry for what several seeds share."""

from collections.abc import Callable, Sequence
from typing import Protocol

from lockstep.analysis.groups import Group
from lockstep.analysis.report.document import Block, FindingBlock, Section, Text, literal, plain
from lockstep.formats import listed
from lockstep.runs.reader import RunReader


class ToldRemedy(Protocol):
    """Something to try."""

    @property
    def words(self) -> str:
        """Overrides as one would type them; empty where it is no setting."""

    @property
    def why(self) -> str: ...


class Diagnosed(Protocol):
    """One finding about one run."""

    @property
    def name(self) -> str:
        """The name of the check: equal names are the same finding."""

    @property
    def severity(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def evidence(self) -> str: ...

    @property
    def meaning(self) -> str: ...

    @property
    def remedies(self) -> Sequence[ToldRemedy]: ...


Examine = Callable[[RunReader], Sequence[Diagnosed]]
"""Looks at a run and tells what is wrong or worth knowing, the worst first."""


def findings_section(groups: Sequence[Group], examine: Examine) -> Section:
    """Every finding of every configuration, and a sentence for those without one."""
    blocks: list[Block] = []
    healthy = []
    for group in groups:
        found: dict[str, list[tuple[RunReader, Diagnosed]]] = {}
        for run in group.runs:
            for finding in examine(run):
                found.setdefault(finding.name, []).append((run, finding))
        if not found:
            healthy.append(literal(group.name))
        blocks += [_finding(group, seen) for seen in found.values()]
    if healthy:
        blocks.append(Text(f"Nothing was found to be wrong with {listed(healthy)}."))
    return Section("findings", "Findings", blocks)


def _finding(group: Group, seen: Sequence[tuple[RunReader, Diagnosed]]) -> FindingBlock:
    run, first = seen[0]
    who = literal(group.name)
    if len(group.runs) > 1:
        seeds = listed([str(run.config.seed) for run, _ in seen])
        who += f", seed{'s' if len(seen) > 1 else ''} {seeds}"
    evidence = plain(first.evidence) if len(seen) == 1 else f"Seed {run.config.seed}: {plain(first.evidence)}"
    paragraphs = [evidence, plain(first.meaning)]
    for remedy in first.remedies:
        tried = f"{literal(remedy.words)}: " if remedy.words else ""
        paragraphs.append(f"**Try** {tried}{plain(remedy.why)}")
    return FindingBlock(first.severity, f"{plain(first.title)} ({who})", paragraphs)
