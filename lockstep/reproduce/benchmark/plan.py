"""What of the table is wanted, and the sweep that trains it, which only ever grows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import pydantic
from pydantic import ConfigDict, Field, TypeAdapter

from lockstep.errors import UserError
from lockstep.reproduce.benchmark.recipes import Reading, configuration, has_reading
from lockstep.reproduce.benchmark.tasks import ALGORITHMS, TASKS
from lockstep.reproduce.plan import MAX_SEEDS, SHARE_OF_STEPS, Scale
from lockstep.runs.directory import RunDirectory, why
from lockstep.sweeps.folder import Cell, SweepFolder, cell_folder

NAME = "benchmark"
"""The experiment, and the table of sweep.toml that says what of it is wanted."""


@dataclass(frozen=True)
class Place:
    """A row and a column of the table, in one reading."""

    task: str
    algorithm: str
    reading: Reading = "recipe"

    @property
    def name(self) -> str:
        """What reports call its configuration."""
        return f"{self.task} {self.algorithm}{' as published' if self.reading == 'literal' else ''}"


@pydantic.dataclasses.dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Benchmark:
    """A selection of the table."""

    tasks: tuple[str, ...] = tuple(TASKS)
    algorithms: tuple[str, ...] = ALGORITHMS
    seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS)] = 3
    literal: bool = False
    """Whether the paper's own settings are trained, too, where they are known."""
    scale: Scale = "full"

    @property
    def places(self) -> list[Place]:
        """Every row and column, the recipes first."""
        readings: tuple[Reading, ...] = ("recipe", "literal") if self.literal else ("recipe",)
        return [
            Place(task, algorithm, reading)
            for reading in readings
            for task in self.tasks
            for algorithm in self.algorithms
            if has_reading(TASKS[task], algorithm, reading)
        ]

    def cells(self, sweep: SweepFolder) -> Iterator[Cell]:
        """Every training, seed by seed, as today's recipes have it; not numbered yet."""
        share = SHARE_OF_STEPS[self.scale]
        configurations = {
            place.name: configuration(TASKS[place.task], place.algorithm, place.reading, share) for place in self.places
        }
        for seed in range(1, self.seeds + 1):
            for name, config in configurations.items():
                seeded = config.model_copy(update={"seed": seed})
                yield Cell(0, name, seeded, RunDirectory(sweep.runs / cell_folder(seeded)))

    def joined(self, asked: Mapping[str, Any]) -> "Benchmark":
        """This and what is asked for besides. Raises UserError for another scale: its numbers mean something else."""
        if asked.get("scale", self.scale) != self.scale:
            raise UserError(
                f"This benchmark was begun with --scale {self.scale}. Choose another --out for another one."
            )
        other = replace(self, **asked)
        return replace(
            self,
            tasks=tuple(name for name in TASKS if name in (*self.tasks, *other.tasks)),
            algorithms=tuple(name for name in ALGORITHMS if name in (*self.algorithms, *other.algorithms)),
            seeds=max(self.seeds, other.seeds),
            literal=self.literal or other.literal,
        )


_SELECTION = TypeAdapter(Benchmark)


def wanted(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as they were typed, checked. tasks, algorithms: words with commas between them; None: not said.

    Raises UserError for a name that the table does not have, or a number of seeds that nobody trains.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name, known in (("tasks", tuple(TASKS)), ("algorithms", ALGORITHMS)):
        if name in given:
            given[name] = _named(f"--{name}", given[name], known)
    if not 1 <= given.get("seeds", 1) <= MAX_SEEDS:
        raise UserError(f"--seeds {given['seeds']} must be from 1 to {MAX_SEEDS:,}.")
    if given.get("scale", "full") not in SHARE_OF_STEPS:
        raise UserError(f"--scale {given['scale']} is unknown; it must be one of {', '.join(SHARE_OF_STEPS)}.")
    return given


def _named(option: str, text: str, known: Sequence[str]) -> tuple[str, ...]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in known:
            raise UserError(f"{option} {word} is not in the table; it has {', '.join(known)}.")
    if not words:
        raise UserError(f"{option} names nothing; the table has {', '.join(known)}.")
    return tuple(name for name in known if name in words)


def planned(out: Path) -> Benchmark:
    """What the benchmark in a folder consists of. Raises UserError where there is none."""
    try:
        return _SELECTION.validate_python(SweepFolder(out).asked[NAME])
    except (KeyError, ValueError) as error:
        raise UserError(f"{out} holds no benchmark ({type(error).__name__}). Choose another --out.") from error


def plan(out: Path, asked: Mapping[str, Any], *, resume: bool) -> tuple[Benchmark, SweepFolder]:
    """The benchmark in `out`, a new one or the one that is there, with what is asked for added to it.

    Cells keep their numbers; those of recipes that have changed since stay where they are, and are no longer wanted.
    resume: one must be there. Raises UserError where something else is there, and where nothing can be written.
    """
    sweep, before = SweepFolder(out), list[Cell]()
    if resume or SweepFolder.is_sweep(out):
        benchmark = planned(out).joined(asked)
        sweep = SweepFolder.open(out)
        sweep.refuse_links()
        before = sweep.cells
    else:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(f"{out} is not empty, and holds no benchmark. Choose another --out.")
        benchmark = Benchmark(**asked)
    known = {cell.run.path.name for cell in before}
    new = [cell for cell in benchmark.cells(sweep) if cell.run.path.name not in known]
    numbered = [replace(cell, number=number) for number, cell in enumerate(new, len(before) + 1)]
    try:
        sweep.write([*before, *numbered], {"name": f"reproduce-{NAME}", NAME: asdict(benchmark)})
    except OSError as error:
        raise UserError(f"{out} cannot be written ({why(error)}). Choose another --out.") from error
    return benchmark, SweepFolder.open(out)


def wanted_cells(benchmark: Benchmark, sweep: SweepFolder) -> list[Cell]:
    """The cells of a sweep that today's recipes ask for, by number."""
    names = {cell.run.path.name for cell in benchmark.cells(sweep)}
    return [cell for cell in sweep.cells if cell.run.path.name in names]
