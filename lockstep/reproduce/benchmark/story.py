"""What came of the benchmark, as a report: tables with what was published, profiles, curves, cost, what surprised."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from lockstep.algorithms.registry import algorithm_of
from lockstep.analysis import plots
from lockstep.analysis.curves import CLOCKS, line
from lockstep.analysis.groups import Group
from lockstep.analysis.plots import Line
from lockstep.analysis.report.build import write_report
from lockstep.analysis.report.document import Block, CodeBlock, Document, Section, Table, Text, literal, plain
from lockstep.analysis.report.outcome import figure_block, seeds_text
from lockstep.analysis.statistics import (
    Floats,
    bootstrap_interval,
    improvement_interval,
    iqm,
    performance_profile,
    probability_of_improvement,
)
from lockstep.doctor import findings
from lockstep.formats import decimal, listed, minutes_text, steps
from lockstep.reproduce.benchmark.check import write_teams
from lockstep.reproduce.benchmark.plan import Benchmark, Place, wanted_cells
from lockstep.reproduce.benchmark.recipes import EPISODES, EPSILON, LOOKS, PRESETS, STEPS, is_policy
from lockstep.reproduce.benchmark.references import REFERENCES_FILE, References, references
from lockstep.reproduce.benchmark.scores import CellScore, Finished, cell_score, csv_text
from lockstep.reproduce.benchmark.tasks import KINDS, TASKS, Kind, Task
from lockstep.runs.delivery import deliver
from lockstep.runs.reader import RunReader
from lockstep.sweeps.folder import Cell, CellHistory, SweepFolder

CSV = "cells.csv"
EPYMARL_VALUES, EPYMARL_POLICIES = 600.0, 1_250.0
"""EPyMARL's env steps a second in training on a warehouse: value methods with batches of 32 episodes on two cores, and
recurrent MAPPO as published by others on a GPU of 2018 (docs/epymarl.md)."""
SHOWN_FINDINGS = 12
EMPTY: Floats = np.zeros(0)


@dataclass(frozen=True)
class Gathered:
    """All that the sections are made from; every file is read once."""

    benchmark: Benchmark
    cells: Sequence[Cell]
    """In the table's order."""
    histories: Mapping[int, CellHistory]
    records: Mapping[int, RunReader]
    scores: Sequence[CellScore]
    """One for each cell."""
    finished: Finished
    references: Mapping[str, References]
    spoken: Mapping[str, str]
    """Algorithms as they are called in print."""

    @classmethod
    def of(cls, benchmark: Benchmark, sweep: SweepFolder, references: Mapping[str, References]) -> "Gathered":
        """What there is by now."""
        places = {place.name: (order, place) for order, place in enumerate(benchmark.places)}
        cells = sorted(wanted_cells(benchmark, sweep), key=lambda cell: (places[cell.name][0], cell.config.seed))
        histories = {cell.number: sweep.history(cell) for cell in cells}
        records = {cell.number: RunReader(cell.run) for cell in cells}
        for record in records.values():
            record.refresh()
        scores = [
            cell_score(cell, places[cell.name][1], histories[cell.number].standing, records[cell.number])
            for cell in cells
        ]
        spoken = {cell.config.algorithm.name: algorithm_of(cell.config).spoken for cell in cells}
        return cls(benchmark, cells, histories, records, scores, Finished.of(scores), references, spoken)

    def tasks(self, kind: Kind) -> list[Task]:
        """Those of one kind of world that are wanted."""
        return [TASKS[name] for name in self.benchmark.tasks if TASKS[name].kind == kind]

    def whole_tasks(self) -> list[str]:
        """Those on which every wanted algorithm has every seed."""
        return [
            task
            for task in self.benchmark.tasks
            if all(
                len(self.finished.greedy(Place(task, name))) >= self.benchmark.seeds
                for name in self.benchmark.algorithms
            )
        ]

    def scaled(self, algorithm: str, tasks: Sequence[str]) -> Floats:
        """(seeds, tasks): returns between those of the random team, 0, and of the programmed one, 1."""
        columns = [
            self.references[task].scaled(self.finished.greedy(Place(task, algorithm))[: self.benchmark.seeds])
            for task in tasks
        ]
        return np.stack(columns, axis=1)


def write_story(benchmark: Benchmark, sweep: SweepFolder, out: Path) -> list[Path]:
    """Write report.html, report.md, pictures, cells.csv and the best teams into `out`. Returns what was written."""
    told = Gathered.of(benchmark, sweep, references(benchmark.tasks, out / REFERENCES_FILE))
    deliver({out / CSV: csv_text(told.scores)})
    teams = write_teams(told.finished, sweep, out)
    return [*write_report(document(told), out / "report.html"), out / CSV, *teams]


def document(told: Gathered) -> Document:
    """The whole report."""
    sections = [
        Section("summary", "In plain words", _summary(told)),
        *(Section(kind, title, _tables(told, kind)) for kind, title in KINDS.items() if told.tasks(kind)),
        Section("together", "All tasks together", _together(told)),
        Section("curves", "Learning curves", _curves(told)),
        Section("cost", "What it costs", _cost(told)),
        Section("surprises", "What the doctor found", _findings(told)),
        Section("literal", "The paper's own settings", _literal(told)),
        Section("differences", "What differs from the paper", _differences()),
        Section("cells", "Cells", _cells(told)),
    ]
    done = sum(score.standing == "finished" for score in told.scores)
    subtitle = f"{done} of {len(told.scores)} trainings · written by Lockstep on {datetime.now():%-d %B %Y}"
    return Document("The field's table, on a laptop", subtitle, [section for section in sections if section.blocks])


def _summary(told: Gathered) -> list[Block]:
    done = [score for score in told.scores if score.standing == "finished"]
    hours = sum(score.minutes for score in done) / 60
    blocks: list[Block] = [
        Text(
            f"{len(told.benchmark.tasks)} tasks, {len(told.benchmark.algorithms)} algorithms, "
            f"{seeds_text(told.benchmark.seeds)}: {len(done)} of {len(told.scores)} trainings are finished, in "
            f"{hours:.1f} core hours. Every team was judged anew by playing {EPISODES} fresh episodes on the official "
            "package, greedily; how the paper counts stands beside it."
        )
    ]
    for kind, title in KINDS.items():
        sentence = _best_of(told, kind)
        if sentence:
            blocks.append(Text(f"**{title}.** {sentence}"))
    return blocks


def _best_of(told: Gathered, kind: Kind) -> str:
    """Who is best on each task of a kind, and on how many the paper's best is passed."""
    winners: Counter[str] = Counter()
    passed = compared = 0
    for task in told.tasks(kind):
        reached = {
            name: iqm(r) for name in told.benchmark.algorithms if (r := told.finished.greedy(Place(task.name, name)))
        }
        if not reached:
            continue
        best = max(reached, key=reached.__getitem__)
        winners[best] += 1
        if task.published:
            compared += 1
            passed += task.as_published(reached[best]) > max(task.published.values())
    if not winners:
        return ""
    parts = [f"{told.spoken[name]} on {number}" for name, number in winners.most_common()]
    sentence = f"Highest return: {listed(parts)} of {winners.total()} tasks."
    if compared:
        sentence += f" The best published mean is passed on {passed} of {compared}."
    return sentence


def _tables(told: Gathered, kind: Kind) -> list[Block]:
    names = [told.spoken[name] for name in told.benchmark.algorithms]
    rows, published_rows = [], []
    for task in told.tasks(kind):
        known = told.references[task.name]
        reached = {name: told.finished.greedy(Place(task.name, name)) for name in told.benchmark.algorithms}
        highest = max((iqm(values) for values in reached.values() if values), default=None)
        cells = [_interval(values, highest) for values in reached.values()]
        eyes = [decimal(task.sight, 1)] if kind == "warehouse" else []
        rows.append((literal(task.name), *cells, decimal(known.random), *eyes, decimal(known.programmed)))
        flattering = {name: told.finished.highest(Place(task.name, name)) for name in told.benchmark.algorithms}
        means = {name: task.as_published(float(np.mean(values))) for name, values in flattering.items() if values}
        convention = f", {task.counted_as}" if task.counted_as else ""
        top, top_theirs = max(means.values(), default=None), max(task.published.values(), default=None)
        published_rows.append(
            (f"{literal(task.name)}{convention}", *(_mean(means.get(name), top) for name in told.benchmark.algorithms))
        )
        if task.published:
            theirs = [_mean(task.published.get(name), top_theirs) for name in told.benchmark.algorithms]
            published_rows.append(("published", *theirs))
    caption = (
        f"Interquartile mean over seeds [95 % bootstrap interval] of the best policy's mean return on {EPISODES} "
        "fresh episodes of the official package, acting greedily. The programmed team sees the whole world; "
        "its eyes: one that plans with what its robots have seen. Bold: the highest."
    )
    counted = (
        f"As the paper counts: the highest of {LOOKS + 1} evaluations of {EPISODES} episodes, mean over seeds; "
        f"policies draw their actions, value methods act at random {EPSILON:.0%} of the time. Published: as "
        "commonly quoted for Papoudakis et al. 2021, not read in it."
    )
    columns = ("task", *names, "random", *(["its eyes"] if kind == "warehouse" else []), "programmed")
    return [
        Table(columns, rows, frozenset(columns[1:]), caption),
        Table(("task", *names), published_rows, frozenset(names), counted),
        Text(
            f"{steps(STEPS[kind])} env steps each, warm-up included, by the recipe {literal(PRESETS[kind])}. In the "
            "paper policies had 40M on warehouses and 20M elsewhere, value methods a tenth.",
            quiet=True,
        ),
    ]


def _interval(values: Sequence[float], highest: float | None) -> str:
    if not values:
        return "–"
    middle = iqm(values)
    text = f"**{decimal(middle)}**" if middle == highest else decimal(middle)
    interval = bootstrap_interval(values)
    return text if interval is None else f"{text} [{decimal(interval.low)}, {decimal(interval.high)}]"


def _mean(value: float | None, highest: float | None) -> str:
    return f"**{decimal(value)}**" if value is not None and value == highest else decimal(value)


def _together(told: Gathered) -> list[Block]:
    tasks = told.whole_tasks()
    if not tasks:
        return [Text("No task has every algorithm and seed yet, so there is nothing to compare over tasks.")]
    scaled = {name: told.scaled(name, tasks) for name in told.benchmark.algorithms}
    thresholds = np.linspace(0.0, 1.2, 241)
    figure = plots.profile_figure(
        [(told.spoken[name], performance_profile(table, thresholds)) for name, table in scaled.items()],
        thresholds,
        title="Performance profiles",
        subtitle="share of runs, over all tasks, whose return exceeds what the axis says",
        x_label="return: 0 is the random team, 1 the programmed one",
    )
    among = f"{len(tasks)} tasks on which every algorithm has {seeds_text(told.benchmark.seeds)}"
    rows = []
    for name, table in sorted(scaled.items(), key=lambda pair: -iqm(pair[1])):
        interval = bootstrap_interval(table)
        within = "–" if interval is None else f"{decimal(interval.low)} to {decimal(interval.high)}"
        rows.append((told.spoken[name], decimal(iqm(table)), within, decimal(float(table.mean()))))
    return [
        Table(
            ("algorithm", "IQM", "95 % interval", "mean"),
            rows,
            frozenset({"IQM", "95 % interval", "mean"}),
            f"Returns between the random team's (0) and the programmed one's (1), over {among}.",
        ),
        figure_block(
            "profiles", figure, "The further right and the higher, the better.", "Share of runs above each return"
        ),
        _improvement(told, scaled),
    ]


def _improvement(told: Gathered, scaled: Mapping[str, Floats]) -> Table:
    """How likely a run of a row beats one of a column."""
    names = [told.spoken[name] for name in scaled]
    rows = []
    for ours, table in scaled.items():
        chances = ["–" if theirs == ours else _chance(table, scaled[theirs]) for theirs in scaled]
        rows.append((told.spoken[ours], *chances))
    caption = (
        "The chance that a run of the row beats a run of the column on the same task, ties counted half, the mean over "
        "tasks (Agarwal et al. 2021). Bold: the 95 % interval leaves out one half."
    )
    return Table(("a run of", *names), rows, frozenset(names), caption)


def _chance(ours: Floats, theirs: Floats) -> str:
    chance, interval = probability_of_improvement(ours, theirs), improvement_interval(ours, theirs)
    sure = interval is not None and not interval.low <= 0.5 <= interval.high
    return f"**{chance:.0%}**" if sure else f"{chance:.0%}"


def _curves(told: Gathered) -> list[Block]:
    blocks: list[Block] = []
    for kind, title in KINDS.items():
        for over in ("env_steps", "minutes"):
            panels = [(task.name, _lines(told, task, over)) for task in told.tasks(kind)]
            panels = [(name, lines) for name, lines in panels if any(len(one.x) for one in lines)]
            if panels:
                figure = plots.panels_figure(panels, x_label=CLOCKS[over][0])
                caption = f"{title}, test return over {CLOCKS[over][0]}: interquartile mean over seeds, and each seed."
                blocks.append(figure_block(f"curves-{kind}-{over}", figure, caption, caption))
    return blocks


def _lines(told: Gathered, task: Task, over: str) -> list[Line]:
    """A curve for every algorithm, an empty one where there is none yet."""
    lines = []
    for name in told.benchmark.algorithms:
        members = [cell for cell in told.cells if cell.name == Place(task.name, name).name]
        records = [record for cell in members if (record := told.records[cell.number]).config_or_none() is not None]
        drawn = None
        if records:
            group = Group(told.spoken[name], records[0].config, tuple(records))
            drawn = line(group, "test_return_mean", over, told.spoken[name])
        lines.append(Line(told.spoken[name], EMPTY, EMPTY) if drawn is None else drawn)
    return lines


def _cost(told: Gathered) -> list[Block]:
    kinds = [kind for kind in KINDS if told.tasks(kind)]
    rows = []
    for name in told.benchmark.algorithms:
        cells = []
        for kind in kinds:
            minutes = [m for task in told.tasks(kind) for m in told.finished.minutes(Place(task.name, name))]
            cells.append(minutes_text(float(np.median(minutes))) if minutes else "–")
        rows.append((told.spoken[name], *cells))
    columns = tuple(f"{KINDS[kind]}, {steps(STEPS[kind])}" for kind in kinds)
    done = [score for score in told.scores if score.standing == "finished"]
    hours = sum(score.minutes for score in done) / 60
    theirs = (
        sum(score.env_steps / (EPYMARL_POLICIES if is_policy(score.algorithm) else EPYMARL_VALUES) for score in done)
        / 3600
    )
    return [
        Table(("algorithm", *columns), rows, frozenset(columns), "Median minutes of a training on one core."),
        Text(
            f"All {len(done)} trainings took **{hours:.1f} core hours** of training. The same env steps at EPyMARL's "
            f"speed, {EPYMARL_VALUES:,.0f} a second for value methods and "
            f"{EPYMARL_POLICIES:,.0f} for policies, would be about {theirs:,.0f} hours. That is an "
            "estimate from its speed on warehouses; its worlds of fields and particles are quicker."
        ),
    ]


def _findings(told: Gathered) -> list[Block]:
    """What the doctor says of many runs: what most of them share first."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for score in told.scores:
        if score.standing == "finished":
            for finding in findings(told.records[score.cell]):
                found.setdefault((finding.name, finding.title), Counter())[told.spoken[score.algorithm]] += 1
    rows = [
        (plain(title), f"{sum(who.values())}", listed([f"{name} {number}" for name, number in who.most_common()]))
        for (_, title), who in sorted(found.items(), key=lambda pair: -pair[1].total())[:SHOWN_FINDINGS]
    ]
    if not rows:
        return [Text("Nothing worth saying about any finished run.")]
    return [Table(("what", "runs", "of"), rows, frozenset({"runs"}), "`lockstep doctor --explain NAME` says more.")]


def _literal(told: Gathered) -> list[Block]:
    rows = []
    for place in told.benchmark.places:
        if place.reading != "literal" or not told.finished.highest(place):
            continue
        task, seeds = TASKS[place.task], told.finished.scores[place]
        rows.append(
            (
                literal(place.task),
                told.spoken[place.algorithm],
                steps(max(score.env_steps for score in seeds)),
                decimal(float(np.mean(told.finished.highest(place)))),
                decimal(task.published.get(place.algorithm)),
                _interval(told.finished.greedy(place), None),
                minutes_text(float(np.median(told.finished.minutes(place)))),
            )
        )
    if not rows:
        return []
    columns = ("task", "algorithm", "env steps", "as the paper counts", "published", "judged greedily", "training")
    return [
        Table(
            columns, rows, frozenset(columns[2:]), "Hyper-parameters of Papoudakis et al. 2021, in EPyMARL's reading."
        )
    ]


def _differences() -> list[Block]:
    return [
        Text(
            "**Packages.** Warehouses are `rware` 2.0.0, fields `lbforaging` 2.0.0, particles `mpe2`; the paper's were "
            "years older, its fields from a version whose players and food had other levels. All three are simulated "
            "exactly, and every judgement was played on the package itself."
        ),
        Text(
            "**Reward.** Ours is what the whole team earns, undiscounted, a sum over agents. The paper's particles are "
            "counted with self-collisions and without halves: 2 S − 75 for spread, S / 2 for speaker-listener, turned "
            "into which ours stand in the tables that count as the paper does."
        ),
        Text(
            "**Steps.** Ours count the steps of one environment, summed over all that play at once, warm-up included. "
            "The same number for every algorithm of a world; the paper gave policies ten times more than value methods."
        ),
        Text(
            "**Choice of settings.** The paper searched for each algorithm and world; here one recipe serves a family "
            "of algorithms on a kind of world. Those of warehouses were tuned on rware-tiny-2ag-v2 in episodes of 100 "
            "and 500 steps with other seeds, those of fields on worlds that are not in the table. Hidden layers, "
            "learning rates and lengths of returns differ from the paper's; `lockstep config` prints every one."
        ),
    ]


def _cells(told: Gathered) -> list[Block]:
    number = Counter(score.standing for score in told.scores)
    again = sum(max(history.attempts - 1, 0) for history in told.histories.values())
    others = [f"{number[name]} {name}" for name in ("running", "unfinished", "waiting", "set aside") if number[name]]
    text = f"{number['finished']} of {len(told.scores)} trainings are finished{'; ' if others else ''}{listed(others)}."
    text += f" Work at them was interrupted and taken up again {again} times." if again else ""
    reasons = [
        (literal(cell.run.path.name), plain(told.histories[cell.number].reason))
        for cell in told.cells
        if told.histories[cell.number].standing == "set aside"
    ]
    lacking: dict[str, list[str]] = {}
    for place in told.benchmark.places:
        missing = told.benchmark.seeds - len(told.finished.greedy(place))
        if missing > 0:
            lacking.setdefault(place.task, []).append(f"{told.spoken[place.algorithm]} ({missing})")
    blocks: list[Block] = [Text(f"{text} Every number of every cell stands in `{CSV}`.")]
    if reasons:
        blocks.append(Table(("set aside", "why"), reasons))
    if lacking:
        rows = [(literal(task), listed(names)) for task, names in lacking.items()]
        blocks.append(Table(("task", "seeds that are missing"), rows))
    return [*blocks, CodeBlock(_command(told.benchmark))]


def _command(benchmark: Benchmark) -> str:
    """What makes it again, with what is not the usual."""
    usual = Benchmark()
    words = ["lockstep reproduce benchmark", f"--seeds {benchmark.seeds}"]
    if benchmark.tasks != usual.tasks:
        words.append(f"--tasks {','.join(benchmark.tasks)}")
    if benchmark.algorithms != usual.algorithms:
        words.append(f"--algorithms {','.join(benchmark.algorithms)}")
    if benchmark.literal:
        words.append("--literal")
    if benchmark.scale != usual.scale:
        words.append(f"--scale {benchmark.scale}")
    return " ".join(words)
