"""What came out of a sweep: its runs for whoever reads runs, tasks beside algorithms, and what is not finished."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lockstep.analysis.report.document import Block, CodeBlock, Section, Table, Text, literal, plain
from lockstep.analysis.report.outcome import seeds_text
from lockstep.analysis.report.results import GroupResult
from lockstep.doctor.finding import Severity
from lockstep.errors import UserError
from lockstep.formats import counted, decimal, listed, steps
from lockstep.runs.reader import RunReader
from lockstep.shell import command_line
from lockstep.sweeps.folder import Cell, SweepFolder
from lockstep.sweeps.search.report import best_records, search_section


def sweep_records(sweep: SweepFolder) -> list[RunReader]:
    """The runs of a sweep that have written something, in the order of its cells.

    Raises UserError where there is none yet.
    """
    begun = [RunReader.open(cell.run.path) for cell in sweep.cells if cell.run.config.is_file()]
    records = [record for record in begun if not record.is_empty and record.config_or_none() is not None]
    if not records:
        raise UserError(
            f"No run of {sweep.path} has written a number yet. `{command_line('sweep', sweep.path, '--status')}` shows "
            "how its cells stand."
        )
    return records


def reported_records(sweep: SweepFolder, records: list[RunReader]) -> list[RunReader]:
    """The runs of which a report of a sweep tells all it can: all of them; of a search, the best trials'."""
    return best_records(sweep) if sweep.grows else records


def sweep_sections(sweep: SweepFolder) -> Callable[[Sequence[GroupResult]], list[Section]]:
    """The sections that a report of a sweep has besides those of any report."""
    return lambda results: [
        *([search_section(sweep)] if sweep.grows else []),
        Section("tasks", "Tasks and algorithms", _tasks(results)),
        Section("cells", "Cells", _cells(sweep)),
    ]


@dataclass(frozen=True)
class SharedFinding:
    """Something that the doctor noticed in several runs of a sweep."""

    name: str
    severity: Severity
    title: str
    cells: tuple[int, ...]


def shared_findings(
    sweep: SweepFolder, examine: Callable[[RunReader], Iterable[tuple[str, Severity, str]]]
) -> list[SharedFinding]:
    """What is wrong with the runs of a sweep, what most of them share first.

    examine: name, severity and title of everything that is to be said about a run.
    """
    found: dict[str, tuple[Severity, str, list[int]]] = {}
    for cell in sweep.cells:
        if cell.run.config.is_file():
            for name, severity, title in examine(RunReader.open(cell.run.path)):
                found.setdefault(name, (severity, title, []))[2].append(cell.number)
    shared = [SharedFinding(name, severity, title, tuple(cells)) for name, (severity, title, cells) in found.items()]
    return sorted(shared, key=lambda finding: (-len(finding.cells), finding.name))


def _tasks(results: Sequence[GroupResult]) -> list[Block]:
    """The interquartile mean of the best configuration of every algorithm, task by task."""
    best: dict[tuple[str, str], GroupResult] = {}
    configurations = Counter(_place(result) for result in results)
    for result in results:
        before = best.get(_place(result))
        if result.iqm is not None and (before is None or before.iqm is None or result.iqm > before.iqm):
            best[_place(result)] = result
    tasks, algorithms = (list(dict.fromkeys(place[index] for place in configurations)) for index in (0, 1))
    rows = []
    for task in tasks:
        highest = max((result.iqm or 0.0 for (its_task, _), result in best.items() if its_task == task), default=None)
        rows.append((literal(task), *(_score(best.get((task, name)), highest) for name in algorithms)))
    several = max(configurations.values()) > 1
    chosen = " Where an algorithm ran with several settings, those with the highest mean stand here, so they flatter."
    kinds = listed(list(dict.fromkeys(result.score_kind for result in best.values())))
    caption = f"Interquartile mean over seeds [95 % bootstrap interval]; {kinds}.{chosen if several else ''}"
    return [Table(("task", *algorithms), rows, frozenset(algorithms), caption)]


def _place(result: GroupResult) -> tuple[str, str]:
    config = result.group.config
    length = f", {config.env.time_limit} steps" if config.env.time_limit else ""
    return f"{config.env.key}{length}", config.algorithm.name


def _score(result: GroupResult | None, highest: float | None) -> str:
    if result is None or result.iqm is None:
        return "–"
    mean = f"**{decimal(result.iqm)}**" if result.iqm == highest else decimal(result.iqm)
    interval = result.interval
    within = f" [{decimal(interval.low)}, {decimal(interval.high)}]" if interval else ""
    return f"{mean}{within}, {seeds_text(len(result.scores))}"


def _cells(sweep: SweepFolder) -> list[Block]:
    """How many are finished, and what became of the others."""
    histories = [(cell, sweep.history(cell)) for cell in sweep.cells]
    number = Counter(history.standing for _, history in histories)
    others = [f"{number[name]} {name}" for name in ("running", "unfinished", "waiting", "set aside") if number[name]]
    again = sum(max(history.attempts - 1, 0) for _, history in histories)
    text = f"{number['finished']} of {counted(len(histories), 'cell is', 'cells are')} finished"
    text += f"; {listed(others)}." if others else "."
    if again:
        text += f" Work at them was taken up again {counted(again, 'time')}."
    rows = [
        (f"{cell.number}", literal(cell.run.path.name), history.standing, _steps(cell), plain(history.reason or "–"))
        for cell, history in histories
        if history.standing != "finished"
    ]
    blocks: list[Block] = [Text(text)]
    if rows:
        columns = ("cell", "run", "how it stands", "env steps", "why")
        blocks.append(Table(columns, rows, frozenset({"cell", "env steps"})))
    return [*blocks, CodeBlock(command_line("search" if sweep.grows else "sweep", sweep.path))]


def _steps(cell: Cell) -> str:
    return steps(cell.checkpoint) if cell.checkpoint else "–"
