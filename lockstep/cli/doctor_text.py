"""What the doctor says on a terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lockstep.doctor.diagnosis import Diagnosis, Verdict
from lockstep.doctor.early import Outlook
from lockstep.doctor.finding import Finding, Plot, Severity
from lockstep.doctor.forecast import Forecast, FreshForecast
from lockstep.doctor.world import Promise
from lockstep.envs.registry import task_name
from lockstep.formats import counted, duration, memory, rounded
from lockstep.runs.cleaning import one_line
from lockstep.runs.headline import headline
from lockstep.runs.reader import RunReader
from lockstep.shell import command_line, quoted
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.report import SharedFinding
from lockstep.training.learning_check import ProbeResult
from lockstep.training.time_left import SEEN, UNSEEN, Span, around

WIDTH = 100
BARS = "▁▂▃▄▅▆▇█"
STYLES: dict[Severity, tuple[str, str]] = {
    "problem": ("✗ problem", "bold red"),
    "warning": ("! warning", "bold yellow"),
    "note": ("· note", "cyan"),
}
SENTENCES: dict[Verdict, tuple[str, str]] = {
    "will not learn": ("This will almost surely not learn.", "bold red"),
    "may not learn": ("This may learn, but something stands against it.", "bold yellow"),
    "can learn": ("Nothing stands against learning.", "bold green"),
}


def console(stderr: bool = False) -> Console:
    """As wide as the terminal, but never too wide to read."""
    made = Console(stderr=stderr, highlight=False)
    made.width = min(made.width, WIDTH)
    return made


def print_diagnosis(diagnosis: Diagnosis, words: Sequence[str]) -> None:
    """Verdict, what was measured, what is to be expected, and every finding. words: what was asked about."""
    forecast = diagnosis.forecast
    sentence, style = SENTENCES[diagnosis.verdict]
    parts: list[RenderableType] = [
        _title(" ".join(map(quoted, words)), task_name(forecast.config.env)),
        Text(),
        Text(f"  {sentence}", style=style),
        Text(),
        _paragraph(_measured(forecast), 2),
        Text(),
        Padding(_expected(forecast), (0, 0, 0, 2)),
    ]
    parts += [Text()] * bool(diagnosis.findings) + findings_text(diagnosis.findings, command_line("train", *words))
    _show(*parts)


def print_findings(findings: Sequence[Finding], record: RunReader, ahead: Outlook | None) -> None:
    """All findings of a run, or that there is none; `ahead`: what is to be expected of the rest."""
    most, found = record.config.training.max_env_steps, headline(record)
    state = f"{record.standing}, {rounded(record.env_steps)} of {rounded(most)} env steps"
    state += "" if found is None else f", {found.name} {found.score.text}"
    parts: list[RenderableType] = [
        _title(quoted(record.name), task_name(record.config.env)),
        Padding(Text(state, style="dim"), (0, 0, 0, 2)),
    ]
    if ahead is not None and ahead.problems:
        parts.append(Text(f"  If it goes on like this it will not learn: {', '.join(ahead.problems)}.", "bold red"))
    elif ahead is not None:
        parts.append(Text("  It can still learn.", "green"))
    parts.append(Text())
    if findings:
        parts += findings_text(findings, one_line(command_line("train", record.directory.config)))
    else:
        parts.append(Text("  No finding. What the run wrote looks healthy.", style="bold green"))
    _show(*parts)


def print_shared(shared: Sequence[SharedFinding], reasons: Mapping[int, str], sweep: SweepFolder) -> None:
    """What the runs of a sweep share, and why cells were set aside. reasons: by their numbers."""
    runs = sum(cell.run.config.is_file() for cell in sweep.cells)
    parts: list[RenderableType] = [
        _title(quoted(sweep.path), f"{runs} of {counted(len(sweep.cells), 'cell has', 'cells have')} begun"),
        Text(),
    ]
    table = _quiet_table("", "what", "runs", "cells")
    for finding in shared:
        numbers = ", ".join(map(str, finding.cells[:8])) + (", …" if len(finding.cells) > 8 else "")
        sign, style = STYLES[finding.severity]
        table.add_row(Text(sign, style=style), Text(finding.title), f"{len(finding.cells)} of {runs}", Text(numbers))
    parts.append(table if shared else Text("  Nothing stands out in any run.", style="bold green"))
    parts += [Text(f"  cell {number} was set aside: {one_line(reason)}") for number, reason in reasons.items()]
    if shared:
        first = sweep.cell(shared[0].cells[0]).run.path
        parts += [Text(), to_copy(f"  {command_line('doctor', first)}     says more about one of them")]
    _show(*parts)


def findings_text(findings: Sequence[Finding], command: str) -> list[RenderableType]:
    """Every finding in full: what, evidence, meaning, remedies, where to read on."""
    parts: list[RenderableType] = []
    for index, finding in enumerate(findings):
        label, style = STYLES[finding.severity]
        heading = Text.assemble((f"  {label}  ", style), (finding.title, "bold"))
        heading.overflow = "fold"
        parts += [Text()] * (index > 0) + [heading, _paragraph(finding.evidence, 4)]
        if finding.plot is not None:
            parts.append(Padding(_sparklines(finding.plot), (0, 0, 0, 4)))
        parts.append(_paragraph(finding.meaning, 4, "dim"))
        if finding.remedies:
            parts.append(Padding(_remedies(finding), (0, 0, 0, 4)))
        parts.append(to_copy(f"    {finding.document}"))
    if any(finding.remedies for finding in findings):
        parts += [Text(), to_copy(f"  Put what you choose behind `{command}`.")]
    return parts


def short_lines(diagnosis: Diagnosis, command: str, usual: tuple[int, int] | None = None) -> list[Text]:
    """The verdict in a few lines, for the beginning of a training. usual: env steps between which it mostly stops."""
    sentence, style = SENTENCES[diagnosis.verdict]
    seconds, config = diagnosis.forecast.seconds, diagnosis.forecast.config
    most = "" if config.training.stop_at_test_return is None else "at most "
    lasting = "" if seconds is None else f"  {most}{around(seconds, UNSEEN).text}"
    lines = [Text.assemble(("doctor ", "dim"), (sentence, style), (lasting, "dim"))]
    pace = diagnosis.forecast.pace
    if usual is not None and pace is not None:
        first, last = (pace.until(config, env_steps) + pace.end for env_steps in usual)
        lines.append(
            Text(
                f"       Such runs stop at {usual[0] / 1e6:.0f} to {usual[1] / 1e6:.0f} million env steps: "
                f"{Span(first / SEEN, last * SEEN).text} here.",
                style="dim",
            )
        )
    for finding in diagnosis.findings:
        if finding.severity == "note":
            continue
        label, style = STYLES[finding.severity]
        lines.append(Text.assemble((f"  {label}  ", style), finding.title))
        if finding.remedies:
            lines.append(Text.assemble(("    try  ", "dim"), (finding.remedies[0].words, "cyan")))
    if len(lines) > 1:
        lines.append(to_copy(f"  `{command}` explains it; --no-doctor skips this."))
    return lines


def print_probes(results: Sequence[ProbeResult], sound: bool) -> None:
    """What was reached in every tiny world."""
    table = _quiet_table("world", "learner", "question", "expected", "reached", "")
    for result in results:
        mark = Text("sound", "green") if result.sound else Text("not sound", "bold red")
        cells = (result.probe, result.algorithm, result.question, f"{result.expected:g}", f"{result.reached:g}", mark)
        table.add_row(*cells)
    verdict = (
        Text("  The installation learns what is known to be learnable. If a task does not, look at the task.", "green")
        if sound
        else Text("  Something is wrong with this installation: these worlds are learnt everywhere else.", "bold red")
    )
    console().print(
        Group(Text("lockstep doctor --probe", "bold cyan"), Text(), Padding(table, (0, 2)), Text(), verdict)
    )


def print_promises(promises: Sequence[Promise], key: str, kept: bool) -> None:
    """Every promise of the protocol and what was seen of it."""
    marks = {"kept": ("✓", "green"), "broken": ("✗", "bold red"), "note": ("·", "cyan")}
    table = Table.grid(padding=(0, 2))
    for promise in promises:
        mark, style = marks[promise.outcome]
        table.add_row(
            Text(mark, style), promise.name, Text(promise.detail, "dim" if promise.outcome == "kept" else style)
        )
    verdict = Text("  This world keeps its promises.", "green") if kept else Text("  It breaks promises.", "bold red")
    _show(_title(f"env {quoted(key)}"), Text(), Padding(table, (0, 2)), Text(), verdict)


def _quiet_table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name)
    return table


def to_copy(text: str, style: str = "dim") -> Text:
    """A line with a command in it, which is not broken at the edge of a terminal: broken, it could not be copied."""
    return Text(text, style=style, no_wrap=True, overflow="ignore")


def _show(*parts: RenderableType) -> None:
    console().print(Group(*parts), crop=False)


def _title(words: str, about: str = "") -> Text:
    return Text.assemble(("lockstep doctor ", "bold cyan"), (words, "bold"), ("  ", ""), (about, "dim"))


def _paragraph(text: str, indent: int, style: str = "") -> Padding:
    return Padding(Text(text, style=style), (0, 0, 0, indent))


def _measured(forecast: Forecast) -> str:
    task = forecast.task
    low, high = task.random.interval
    played = f"{rounded(task.env_steps)} steps played in {duration(task.seconds)}."
    if not task.is_sparse:
        return f"{played} A random episode of {rounded(task.mean_length)} steps returns {task.return_mean:.3g}."
    if task.random.rewarding == 0:
        return f"{played} {rounded(task.random.episodes)} random episodes earned nothing at all."
    return (
        f"{played} {rounded(task.random.rewarding)} of {rounded(task.random.episodes)} random episodes earned "
        f"something: one reward in {rounded(task.steps_per_reward)} env steps "
        f"({rounded(task.mean_length / high)} to {rounded(task.mean_length / max(low, 1e-9))})."
    )


def _expected(forecast: Forecast) -> Table:
    """The forecast as two columns and a remark."""
    config, task, machine = forecast.config, forecast.task, forecast.machine
    table = Table(box=None, pad_edge=False, show_header=False)
    for style, justify in (("dim", "left"), ("bold", "right"), ("dim", "left")):
        table.add_column(style=style, justify=justify)  # type: ignore[arg-type]
    if task.is_sparse:
        table.add_row("rewarding episodes found", "", "if nothing is learnt on the way")
    if task.is_sparse and isinstance(forecast, FreshForecast):
        table.add_row("  in the whole run", rounded(forecast.rewarding_in_all), "")
        each = f"of {rounded(forecast.episodes_per_collection)} episodes"
        table.add_row("  in one collection", rounded(forecast.rewarding_per_collection), each)
    elif task.is_sparse:
        if forecast.warmup_episodes:
            table.add_row("  in the warm-up", rounded(forecast.rewarding_in_warmup), "")
        if forecast.annealed < forecast.collections:
            table.add_row(
                f"  before epsilon is {config.exploration.epsilon_finish:g}",
                rounded(forecast.rewarding_before_floor),
                f"{rounded(forecast.rewarding_before_floor_at_random)} if every action were random",
            )
        table.add_row("  in the whole run", rounded(forecast.rewarding_in_all), "")
        table.add_row(
            "  remembered half-way",
            rounded(forecast.at_share(0.5, forecast.remembered)),
            f"of {rounded(config.replay.buffer_size)} episodes",
        )
        table.add_row(
            "  in one batch half-way",
            rounded(forecast.at_share(0.5, forecast.rewarding_per_batch)),
            f"of {config.replay.batch_size}; looked at {counted(rounded(forecast.studied), 'time')} in all",
        )
    table.add_row(
        "updates",
        rounded(forecast.updates),
        f"every step is studied {counted(rounded(forecast.replays_per_step), 'time')}",
    )
    table.add_row(
        "returns are made anew every" if forecast.draws else "targets follow every",
        rounded(forecast.sync_updates),
        f"updates, {rounded(forecast.sync_env_steps)} env steps",
    )
    about = f"steps; {forecast.way} {rounded(task.delivery_steps)}" if task.delivery_steps > 1 else "steps"
    table.add_row("gamma sees", rounded(forecast.horizon), about)
    if config.algorithm.standardize_rewards:
        table.add_row("a reward of 1 becomes", rounded(forecast.standardized_reward), "when rewards are standardized")
    free = "" if machine.free_bytes is None else f"of {memory(machine.free_bytes)} free"
    held = "one collection" if isinstance(forecast, FreshForecast) else "replay"
    table.add_row(held, memory(forecast.replay_bytes), free)
    if forecast.seconds is not None:
        most = "" if config.training.stop_at_test_return is None else "at most, "
        table.add_row("time", around(forecast.seconds, UNSEEN).text, f"{most}from a measured second of the loop")
    return table


def _remedies(finding: Finding) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for index, remedy in enumerate(finding.remedies):
        table.add_row(
            "" if index else "try", Text.assemble((remedy.words, "cyan"), "  " if remedy.overrides else "", remedy.why)
        )
    return table


def _sparklines(plot: Plot) -> Table:
    table = Table.grid(padding=(0, 1))
    for name, values in plot.lines.items():
        finite = [value for value in values if value == value]
        if not finite:
            continue
        low, high = min(finite), max(finite)
        scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
        bars = "".join(" " if value != value else BARS[round((value - low) * scale)] for value in _thinned(values, 48))
        table.add_row(Text(name, style="dim"), Text(bars, style="cyan"), Text(f"{low:.3g} to {high:.3g}", style="dim"))
    return table


def _thinned(values: Sequence[float], width: int) -> list[float]:
    """At most `width` of the values, evenly chosen, the last included."""
    if len(values) <= width:
        return list(values)
    return [values[round(index * (len(values) - 1) / (width - 1))] for index in range(width)]
