"""The engine of one machine: every cell in a process of its own, as many at a time as there are cores for.

    interrupted_by = run_sweep(sweep, jobs_of(sweep), at_once=2)

It holds nothing that is not in the sweep's folder. The next call, after whatever happened, does what is left.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lockstep.compute.child_process import ChildProcess
from lockstep.compute.machine import available_bytes
from lockstep.files import ROWS_BYTES, open_regular, open_to_append
from lockstep.runs.cleaning import one_line
from lockstep.runs.directory import RunDirectory
from lockstep.runs.reader import RunReader
from lockstep.sweeps.folder import Cell, CellHistory, SweepFolder
from lockstep.training.interruption import Interruption

POLL_SECONDS = 0.5
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
    bytes: float = 0.0
    """Memory that it will take, estimated."""
    process: ChildProcess | None = None
    started: float = 0.0
    failed: str = ""
    """Why it ended badly and is not tried again by this call, in a sentence."""

    @property
    def done(self) -> bool:
        return self.history.standing == "finished"

    @property
    def is_open(self) -> bool:
        """Whether something is left to do, which this engine may do."""
        return self.history.standing in ("waiting", "unfinished") and not self.failed

    @property
    def share(self) -> float:
        """How much of the env steps is done; 1 when nothing is left to do."""
        if self.done:
            return 1.0
        return min(self.record.env_steps / self.cell.config.training.max_env_steps, 0.999)

    @property
    def seconds_left(self) -> float:
        return self.seconds * (1.0 - self.share)


def jobs_of(sweep: SweepFolder) -> list[Job]:
    """Every cell of a sweep as it stands now."""
    return [Job(cell, sweep.history(cell), _read(cell.run)) for cell in sweep.cells]


def run_sweep(
    sweep: SweepFolder,
    jobs: Sequence[Job],
    at_once: int = 1,
    threads: int = 1,
    show: Callable[[Sequence[Job]], None] = lambda _: None,
    *,
    trust: bool = False,
) -> int | None:
    """Do what is left of a sweep, `at_once` cells at a time, the most expensive first. Returns the signal that
    interrupted it, if one did.

    threads: of each cell, where its configuration leaves that open. show: is called with all jobs after every look. The
    first Ctrl-C or SIGTERM lets every cell save and stop, and so does whatever else ends this. A cell that dies is
    tried again, after the others, until it is done or set aside. Raises UserError while another process does this in
    the same folder, and where the disk is full.
    """
    waiting = sorted((job for job in jobs if job.is_open), key=lambda job: job.seconds_left, reverse=True)
    running: list[Job] = []
    with ExitStack() as stack:
        if not all(job.done for job in jobs):
            stack.enter_context(RunDirectory(sweep.path).locked())
            sweep.refuse_links()
        interruption = stack.enter_context(Interruption())
        stack.enter_context(_stopped_at_the_end(running))
        free = available_bytes()
        while (waiting or running) and not interruption.requested:
            while waiting and len(running) < at_once and _fits(waiting[0], running, free):
                job = waiting.pop(0)
                sweep.check_room()
                _start(sweep, job, threads, trust=trust)
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


def _fits(job: Job, running: Sequence[Job], free: float | None) -> bool:
    """Whether there is memory for it beside the others. One alone always may try: it says itself what it lacks."""
    return not running or free is None or job.bytes + sum(other.bytes for other in running) <= free


def _start(sweep: SweepFolder, job: Job, threads: int, *, trust: bool) -> None:
    words = ["sweep", str(sweep.path), "--only", str(job.cell.number), "--threads", str(threads), "--quiet"]
    sweep.logs.mkdir(exist_ok=True)
    job.started = time.monotonic()
    with open_to_append(sweep.log(job.cell)) as file:
        words += ["--trust"] if trust else []
        job.process = ChildProcess("lockstep", words, stdout=file, stderr=subprocess.STDOUT)


def _has_ended(sweep: SweepFolder, job: Job) -> bool:
    assert job.process is not None, "started"
    code = job.process.poll()
    if code is None:
        return False
    job.process.end()
    job.process = None
    before, job.history = job.history, sweep.history(job.cell)
    if job.history.standing == "set aside":
        job.failed = job.history.reason
    elif not job.done and job.history.attempts == before.attempts:  # it never came to an attempt
        job.failed = _last_words(sweep.log(job.cell)) or f"exit code {code}"
    return True


def _last_words(log: Path) -> str:
    """Why a cell failed: the last line that it printed."""
    try:
        with open_regular(log, ROWS_BYTES) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return one_line(next((line.removeprefix("lockstep: ") for line in reversed(lines) if line.strip()), ""))


def _read(run: RunDirectory) -> RunReader:
    record = RunReader(run)
    record.refresh()
    return record


@contextmanager
def _stopped_at_the_end(running: list[Job]) -> Iterator[None]:
    """Whatever happens, no cell is left behind: each is asked to save and stop, and has time for it."""
    try:
        yield
    finally:
        processes = [job.process for job in running if job.process is not None]
        for process in processes:
            process.interrupt()
        for process in processes:
            process.end(PATIENCE_SECONDS)
        for job in running:
            job.process = None
