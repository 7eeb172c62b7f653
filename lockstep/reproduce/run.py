"""Train every job of a plan in processes of their own. Whatever is on disk already counts; nothing is done twice."""

import os
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lockstep import child
from lockstep.config.load import dump_toml
from lockstep.reproduce.plan import Job
from lockstep.run_directory import RunDirectory, read_rows, write_atomically
from lockstep.runs.record import RunRecord
from lockstep.training.interruption import Interruption

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
"""How long an interrupted training may take to write its checkpoint before it is stopped for good."""
EPISODES = 100
"""Greedy episodes on the official package at the end of every run, as published."""


@dataclass
class Work:
    """One job and how far it has come."""

    job: Job
    record: RunRecord
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    seconds: float = 0.0
    """Of work in this session."""
    failed: str = ""
    """The last line of a process that ended badly."""

    @property
    def done(self) -> bool:
        return is_done(self.job)

    @property
    def share(self) -> float:
        """Of the env steps; 1 when nothing is left to do."""
        if self.done:
            return 1.0
        return min(self.record.env_steps / self.job.config.training.max_env_steps, 0.999)


@dataclass
class Progress:
    """All jobs, for whoever shows them."""

    works: Sequence[Work]
    begun: float = field(default_factory=time.monotonic)


def is_done(job: Job) -> bool:
    """Whether a run has ended and its best policy has been judged on the official package."""
    ended = job.run.read_info().get("status") in ("finished", "solved")
    return ended and any(row.get("engine") == "official" for row in read_rows(job.run.judgements))


def standing(jobs: Sequence[Job]) -> list[Work]:
    """Every job as it is on disk."""
    works = [Work(job, RunRecord(job.run)) for job in jobs]
    for work in works:
        work.record.refresh()
    return works


def run_all(
    works: Sequence[Work], out: Path, parallel: int, threads: int, show: Callable[[Progress], None]
) -> tuple[Progress, int | None]:
    """Train what is not done yet, `parallel` at a time. Returns how it stands, and the signal that interrupted it.

    The first Ctrl-C or SIGTERM lets every training save and stop; going on later continues exactly there.
    """
    progress = Progress(works)
    waiting = deque(work for work in works if not work.done)
    running: list[Work] = []
    with Interruption() as interruption, _stopped_at_the_end(running):
        while (waiting or running) and not interruption.requested:
            while waiting and len(running) < parallel:
                work = waiting.popleft()
                _start(work, out, threads)
                running.append(work)
            time.sleep(POLL_SECONDS)
            for work in list(running):
                if _ended(work):
                    running.remove(work)
            for work in works:
                work.record.refresh()
            show(progress)
    for work in works:
        work.record.refresh()
    return progress, interruption.signal


def command(job: Job, config_file: Path, threads: int) -> list[str]:
    """What continues `job` from what is on disk: train, resume, or judge. A run without a checkpoint begins anew."""
    lockstep = child.command("lockstep")
    path = str(job.run.path)
    if job.run.read_info().get("status") in ("finished", "solved"):
        return [*lockstep, "evaluate", path, "--engine", "official", "--episodes", str(EPISODES)]
    if any(job.run.checkpoints.glob("[0-9]*/manifest.json")):
        return [*lockstep, "resume", path, "--quiet"]
    words = [f"seed={job.seed}", f"training.num_threads={threads}"]
    return [*lockstep, "train", str(config_file), *words, "--quiet", "--out", path]


def _start(work: Work, out: Path, threads: int) -> None:
    job = work.job
    config_file = out / "configs" / f"{job.name}.toml"
    config_file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(config_file, dump_toml(job.config.model_copy(update={"seed": 1})))
    words = command(job, config_file, threads)
    if "train" in words and job.run.path.exists():
        shutil.rmtree(job.run.path)  # it was stopped before its first checkpoint: nothing to go on from
    log = out / "logs" / f"{job.run.path.name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        # A session of its own, so that Ctrl-C reaches it once, from here, and not twice.
        environment = {**child.environment(), "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE")}
        work.process = subprocess.Popen(
            words, stdout=file, stderr=subprocess.STDOUT, start_new_session=True, env=environment
        )
    work.started, work.failed = time.monotonic(), ""


def _ended(work: Work) -> bool:
    assert work.process is not None, "started"
    code = work.process.poll()
    if code is None:
        return False
    work.seconds += time.monotonic() - work.started
    work.process = None
    if code != 0 or not work.done:
        work.failed = _last_words(work.job.run) or f"exit code {code}"
    return True


def _last_words(run: RunDirectory) -> str:
    """Why a run failed, from run.json or from the last line of its log."""
    reason = run.read_info().get("reason")
    if reason:
        return str(reason)
    try:
        lines = (run.path.parent.parent / "logs" / f"{run.path.name}.txt").read_text(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line for line in reversed(lines) if line.strip()), "")


@contextmanager
def _stopped_at_the_end(running: list[Work]) -> Iterator[None]:
    """Whatever happens, no training is left behind: each is asked to save and stop, and has time for it."""
    try:
        yield
    finally:
        for work in running:
            if work.process is not None:
                work.process.send_signal(signal.SIGINT)
        for work in running:
            if work.process is None:
                continue
            try:
                work.process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                work.process.kill()
                work.process.wait()
