"""Working through a sweep from here: with the engine of one machine every cell in a process of its own.

    interrupted_by = run_sweep(sweep, jobs_of(sweep), LocalEngine(at_once=2))

This holds nothing that is not in the sweep's folder. The next call, after whatever happened, does what is left.
"""

import math
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lockstep.compute.child_process import ChildProcess
from lockstep.compute.machine import available_bytes
from lockstep.errors import UserError
from lockstep.files import ROWS_BYTES, open_regular, open_to_append
from lockstep.runs.cleaning import one_line
from lockstep.runs.directory import RunDirectory
from lockstep.runs.reader import RunReader
from lockstep.sweeps.folder import MOST_DEATHS, Cell, CellHistory, SweepFolder
from lockstep.training.interruption import Interruption
from lockstep.training.time_left import Pace

POLL_SECONDS = 0.5
REFUSED = 2
"""The exit code of a unit that says in a sentence why it cannot work."""
VISIBLE_CARDS = "CUDA_VISIBLE_DEVICES"
PATIENCE_SECONDS = 120.0
"""Seconds that an interrupted cell may take to write its checkpoint before it is stopped for good."""


@dataclass
class Job:
    """A cell in the hands of this engine."""

    cell: Cell
    history: CellHistory
    record: RunReader
    seconds: float = 1.0
    """Estimated, of all of it."""
    pace: Pace | None = None
    """What its phases take, estimated."""
    bytes: float = 0.0
    """Memory that it will take, estimated."""
    worker: "CellWorker | None" = None
    false_starts: int = 0
    """Number of units that ended before they came to an attempt, as when they are killed while they begin."""
    worth: float | None = None
    """What a search found the ended run to be worth."""
    failed: str = ""
    """Why it ended badly and is not tried again by this call, in a sentence."""

    @property
    def done(self) -> bool:
        return self.history.standing == "finished"

    @property
    def is_open(self) -> bool:
        """Whether something is left to do, which may be tried. Where another process seems to work, the unit sees."""
        return self.history.standing not in ("finished", "set aside") and not self.failed

    @property
    def share(self) -> float:
        """How much of the time is over, as estimated, or else of the env steps; 1 when nothing is left to do."""
        if self.done:
            return 1.0
        config, env_steps = self.cell.config, self.record.env_steps
        share = env_steps / config.training.max_env_steps if self.pace is None else self.pace.share(config, env_steps)
        limit = config.training.max_seconds
        return min(max(share, self.record.wall_seconds / limit if limit else 0.0), 0.999)

    @property
    def seconds_left(self) -> float:
        return self.seconds * (1.0 - self.share)


def jobs_of(sweep: SweepFolder) -> list[Job]:
    """Every cell of a sweep as it stands now."""
    return [new_job(sweep, cell) for cell in sweep.cells]


def new_job(sweep: SweepFolder, cell: Cell) -> Job:
    """A cell as it stands now."""
    record = RunReader(cell.run)
    record.refresh()
    return Job(cell, sweep.history(cell), record)


class CellWorker(Protocol):
    """Whatever does the unit of a cell: a process, or a task somewhere."""

    def poll(self) -> int | None:
        """Its exit code, or None while it works."""

    def interrupt(self) -> None:
        """Ask it to save and stop, as Ctrl-C would."""

    def end(self, patience: float = 0.0) -> int:
        """Stop it for good, unless it ends by itself within so many seconds. Returns its exit code."""


class Engine(Protocol):
    """Who starts units, and how many at a time."""

    @property
    def at_once(self) -> int: ...

    def has_room(self, job: Job, running: Sequence[Job]) -> bool:
        """Whether a cell can be begun beside those that are running."""

    def start(self, sweep: SweepFolder, job: Job) -> CellWorker:
        """Begin what is left of a cell."""


@dataclass(frozen=True)
class LocalEngine:
    """Processes of this machine."""

    at_once: int = 1
    threads: int = 1
    """Cores of each cell, where its configuration leaves that open."""
    trust: bool = False
    free: float | None = field(default_factory=available_bytes)
    """Memory when it began; None where nobody tells."""
    cards: tuple[str, ...] = ()
    """GPUs that cells are spread over, as CUDA names them; none: every cell sees what this process sees."""
    given: list[tuple[str, ChildProcess]] = field(default_factory=list)
    """Who was given which card."""

    def has_room(self, job: Job, running: Sequence[Job]) -> bool:
        """Whether there is memory for it beside the others. One alone always may try: it says itself what it lacks."""
        return not running or self.free is None or job.bytes + sum(other.bytes for other in running) <= self.free

    def start(self, sweep: SweepFolder, job: Job) -> CellWorker:
        """Begin its unit in a process, which ends with this one."""
        with open_to_append(sweep.log(job.cell)) as file:
            words = unit_words(sweep, job.cell.number, self.threads, trust=self.trust)
            busy = Counter(card for card, process in self.given if process.poll() is None)
            card = min(self.cards, key=busy.__getitem__, default=None)
            variables = None if card is None else {VISIBLE_CARDS: card}
            process = ChildProcess("lockstep", words, stdout=file, stderr=subprocess.STDOUT, variables=variables)
            if card is not None:
                self.given.append((card, process))
            return process


def cards_of_this_machine(number: int) -> tuple[str, ...]:
    """So many GPUs that this process may use, as CUDA names them. Raises UserError where there are fewer."""
    visible = os.environ.get(VISIBLE_CARDS)
    if visible is None:
        from torch import cuda

        found = [str(card) for card in range(cuda.device_count())]
    else:
        found = [card for card in visible.split(",") if card]
    if not 1 <= number <= len(found):
        raise UserError(
            f"--gpus {number} asks for cards to spread runs over, and this process sees {len(found)} of them. Leave it "
            "out, or ask for as many as there are."
        )
    return tuple(found[:number])


def unit_words(sweep: SweepFolder, number: int, threads: int, *, trust: bool) -> list[str]:
    """The unit of the cell of a number, as words behind `lockstep`."""
    words = ["sweep", str(sweep.path), "--only", str(number), "--threads", str(threads), "--quiet"]
    return [*words, "--trust"] if trust else words


Steer = Callable[[Sequence[Job], int], Sequence[Job]]
"""Looks at all jobs, and at the number of places that have nothing to do; returns cells that were planned just now."""

Order = Callable[[Job], tuple[float, ...]]
"""Cells for which it is less are begun earlier."""


def dearest_first(job: Job) -> tuple[float, ...]:
    """The order in which all cells together end soonest."""
    return (-job.seconds_left,)


def seed_by_seed(job: Job) -> tuple[float, ...]:
    """The order for work that may end in the middle: every configuration once, before any is trained again."""
    return (job.cell.config.seed, -job.seconds_left)


def run_sweep(
    sweep: SweepFolder,
    jobs: list[Job],
    engine: Engine,
    show: Callable[[Sequence[Job]], None] = lambda _: None,
    steer: Steer | None = None,
    order: Order = dearest_first,
    within: float = math.inf,
) -> int | None:
    """Do what is left of a sweep. Returns the signal that interrupted it, if one did.

    show: is called with all jobs after every look. steer: may plan further cells, which are added to `jobs`; cells are
    begun in their order then, else in `order`. The first Ctrl-C or SIGTERM lets every cell save and stop, and so do
    the end of so many seconds (`within`) and whatever else ends this. A cell that dies is tried again, after the
    others, until it is done or set aside. Raises UserError while another process does this in the same folder, and
    where the disk is full.
    """
    ends_at = time.monotonic() + within
    waiting = [job for job in jobs if job.is_open]
    if steer is None:
        waiting.sort(key=order)
    running: list[Job] = []
    with ExitStack() as stack:
        if steer is not None or not all(job.done for job in jobs):
            stack.enter_context(RunDirectory(sweep.path).locked())
            sweep.refuse_links()
            sweep.logs.mkdir(exist_ok=True)
        interruption = stack.enter_context(Interruption())
        stack.enter_context(_stopped_at_the_end(running))
        while not interruption.requested and time.monotonic() < ends_at:
            if steer is not None:
                planned = steer(jobs, engine.at_once - len(running) - len(waiting))
                jobs += planned
                waiting = [job for job in (*waiting, *planned) if job.is_open]
            if not (waiting or running):
                break
            while waiting and len(running) < engine.at_once and engine.has_room(waiting[0], running):
                sweep.check_room()
                job = waiting.pop(0)
                job.worker = engine.start(sweep, job)
                running.append(job)
            time.sleep(POLL_SECONDS)
            for job in list(running):
                job.record.refresh()
                if _has_ended(sweep, job):
                    running.remove(job)
                    if job.is_open:
                        waiting.append(job)
            show(jobs)
    for job in jobs:
        job.history = sweep.history(job.cell)
        job.record.refresh()
    return interruption.signal


def _has_ended(sweep: SweepFolder, job: Job) -> bool:
    assert job.worker is not None, "started"
    code = job.worker.poll()
    if code is None:
        return False
    job.worker.end()
    job.worker = None
    before, job.history = job.history, sweep.history(job.cell)
    if job.history.standing == "set aside":
        job.failed = job.history.reason
    elif not job.done and job.history.attempts == before.attempts:
        job.false_starts += 1
        if code == REFUSED or job.false_starts >= MOST_DEATHS:
            job.failed = last_words(sweep.log(job.cell)) or f"exit code {code}"
    return True


def last_words(log: Path) -> str:
    """Why a cell failed: the last line that it printed."""
    try:
        with open_regular(log, ROWS_BYTES) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return one_line(next((line.removeprefix("lockstep: ") for line in reversed(lines) if line.strip()), ""))


@contextmanager
def _stopped_at_the_end(running: list[Job]) -> Iterator[None]:
    """Whatever happens, no cell is left behind: each is asked to save and stop, and has time for it."""
    try:
        yield
    finally:
        workers = [job.worker for job in running if job.worker is not None]
        for worker in workers:
            worker.interrupt()
        for worker in workers:
            worker.end(PATIENCE_SECONDS)
        for job in running:
            job.worker = None
