"""From run directories to a report: a document, then its HTML, its Markdown twin and its pictures."""

import math
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from lockstep.analysis.groups import Group, group_runs
from lockstep.analysis.published import published_for
from lockstep.analysis.report.about import glossary_section, learner_section, lessons_section, task_section
from lockstep.analysis.report.diagnostics import diagnostics_section
from lockstep.analysis.report.document import Document, EmbeddedPage, Section, literal
from lockstep.analysis.report.findings import Examine, findings_section
from lockstep.analysis.report.html import alone, to_html
from lockstep.analysis.report.markdown import to_markdown
from lockstep.analysis.report.media import Replay, media_sections
from lockstep.analysis.report.outcome import curves_section, results_section, summary_section
from lockstep.analysis.report.results import GroupResult, group_result
from lockstep.analysis.report.settings import replicate_section, settings_section
from lockstep.analysis.report.task import task_of
from lockstep.envs.registry import task_name
from lockstep.errors import UserError
from lockstep.runs.delivery import Content, deliver
from lockstep.runs.reader import RunReader

Extra = Callable[[Sequence[GroupResult]], Sequence[Section]]
"""Makes further sections from the results; they come after the curves."""
MOST_GAMES = 6
"""Games in one report: with more it would be too large to send to anybody."""


def build_report(
    records: Sequence[RunReader],
    title: str | None = None,
    extra: Extra | None = None,
    examine: Examine | None = None,
    replay: Replay | None = None,
) -> Document:
    """The report of one run or of several, as far as they have come. examine: the doctor, where findings are wanted.
    replay: plays the team that is shown; without it, a recorded episode is.

    Raises UserError where a run's configuration cannot be read.
    """
    groups = group_runs(records)
    tasks = [task_of(group.config) for group in groups]
    results = [group_result(group) for group in groups]
    first = groups[0].config
    time_limit = tasks[0].spec.time_limit if tasks[0] else first.env.time_limit
    published = published_for(first, time_limit)
    sections = [
        summary_section(results, tasks),
        task_section(first, tasks[0]),
        learner_section(groups, tasks),
        settings_section(groups),
        results_section(results, published),
        curves_section(results),
        *(extra(results) if extra else ()),
        diagnostics_section(groups, tasks),
        *([findings_section(groups, examine)] if examine else []),
        *media_sections(_worth_watching(results), replay),
        replicate_section(groups),
        glossary_section(groups),
        lessons_section(),
    ]
    return Document(title or _title(groups), _subtitle(records), [section for section in sections if section.blocks])


def write_report(document: Document, out: Path) -> list[Path]:
    """Write `out` (HTML), its Markdown twin, and a folder with every plot as PNG and SVG. Returns what was written.

    Raises UserError where `out` is not named .html or cannot be written.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--out {out} must end in .html; its Markdown twin is written beside it.")
    folder = out.with_name(f"{out.stem}_files")
    files: dict[Path, Content] = {}
    for block in document.files():
        parts = {"html": alone(block)} if isinstance(block, EmbeddedPage) else block.files()
        files |= {folder / f"{block.name}.{ending}": content for ending, content in parts.items()}
    files |= {out: to_html(document), out.with_suffix(".md"): to_markdown(document, folder.name)}
    deliver(files)
    return [out, out.with_suffix(".md"), folder]


def default_out(records: Sequence[RunReader], name: str = "report.html") -> Path:
    """Inside a single run, else beside the runs, in the folder that holds all of them.

    Raises UserError where a single run is a stranger's trap.
    """
    folders = [record.directory.path for record in records]
    if len(folders) > 1:
        return Path(os.path.commonpath([folder.resolve().parent for folder in folders])) / name
    records[0].directory.refuse_links()
    return folders[0] / name


def _worth_watching(results: Sequence[GroupResult]) -> list[Group]:
    """The configurations whose games are shown, in the report's order: the best, where there are many."""
    scores = [-math.inf if result.iqm is None else result.iqm for result in results]
    best = sorted(range(len(results)), key=lambda index: -scores[index])[:MOST_GAMES]
    return [results[index].group for index in sorted(best)]


def _title(groups: Sequence[Group]) -> str:
    names = [group.name for group in groups]
    return names[0] if len(names) == 1 else f"{', '.join(names[:3])}{' and others' if len(names) > 3 else ''}"


def _subtitle(records: Sequence[RunReader]) -> str:
    keys = ", ".join(dict.fromkeys(literal(task_name(record.config.env)) for record in records))
    runs = "one run" if len(records) == 1 else f"{len(records)} runs"
    return f"{runs} on {keys} · written by Lockstep on {datetime.now():%-d %B %Y}"
