"""Many trainings, each in a process of its own, some at a time. What is on disk already counts: nothing is done twice.

    trainings = [Training("solve", config, RunDirectory(out / f"solve-s{seed}"), seed) for seed in (1, 2, 3)]
    interrupted_by = train_all(trainings, out, at_once=2)

A run that was interrupted goes on, one that was stopped before its first checkpoint begins anew, one that is done stays
as it is, and one in which another process works is left alone.
"""

import os
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lockstep.compute.child_process import ChildProcess
from lockstep.config.load import dump_toml
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.runs.cleaning import one_line
from lockstep.runs.directory import RunDirectory, read_rows, write_atomically
from lockstep.runs.reader import RunReader
from lockstep.training.interruption import Interruption

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
"""Seconds that an interrupted training may take to write its checkpoint before it is stopped for good."""


@dataclass
class Training:
    """One training, and how far it has come."""

    name: str
    """Of its configuration; several seeds share it."""
    config: RunConfig
    run: RunDirectory
    seed: int
    episodes: int = 0
    """Greedy episodes on the official package at its end; 0: it is not judged."""
    record: RunReader = field(init=False, repr=False, compare=False)
    process: ChildProcess | None = field(default=None, init=False, compare=False)
    started: float = field(default=0.0, init=False, compare=False)
    seconds: float = field(default=0.0, init=False, compare=False)
    """Of work in this session."""
    failed: str = field(default="", init=False, compare=False)
    """Why it ended badly, in a sentence."""

    def __post_init__(self) -> None:
        self.record = RunReader(self.run)

    @property
    def done(self) -> bool:
        """Whether it is over and, where that is wanted, its best policy has been judged on the official package."""
        judged = not self.episodes or any(row.get("engine") == "official" for row in read_rows(self.run.judgements))
        return judged and self.run.has_ended

    @property
    def share(self) -> float:
        """How much of the env steps is done; 1 when nothing is left to do."""
        if self.done:
            return 1.0
        return min(self.record.env_steps / self.config.training.max_env_steps, 0.999)


def refreshed(trainings: Sequence[Training]) -> Sequence[Training]:
    """The trainings as they are on disk now."""
    for training in trainings:
        training.record.refresh()
    return trainings


def train_all(
    trainings: Sequence[Training],
    out: Path,
    at_once: int = 1,
    threads: int | None = None,
    show: Callable[[Sequence[Training]], None] = lambda _: None,
) -> int | None:
    """Train what is not done yet, `at_once` at a time. Returns the signal that interrupted it, if one did.

    out: where configurations and what trainings print are kept. threads: of each; None: as it is configured. show: is
    called with all of them after every look. The first Ctrl-C or SIGTERM lets every training save and stop, and so does
    whatever else ends this; the same call continues exactly there. Raises UserError while another process does this in
    `out`.
    """
    waiting = deque(training for training in trainings if not training.done)
    running: list[Training] = []
    with ExitStack() as stack:
        if waiting:
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(RunDirectory(out).locked())
        interruption = stack.enter_context(Interruption())
        stack.enter_context(_stopped_at_the_end(running))
        while (waiting or running) and not interruption.requested:
            while waiting and len(running) < at_once:
                training = waiting.popleft()
                if _start(training, out, threads):
                    running.append(training)
            time.sleep(POLL_SECONDS)
            for training in list(running):
                if _ended(training, out):
                    running.remove(training)
            show(refreshed(trainings))
    refreshed(trainings)
    return interruption.signal


def command(training: Training, config_file: Path, threads: int | None) -> list[str]:
    """What continues it from what is on disk: train, resume, or judge. A run without a checkpoint begins anew."""
    path = str(training.run.path)
    if training.run.has_ended:
        return ["evaluate", path, "--engine", "official", "--episodes", str(training.episodes)]
    if any(training.run.checkpoints.glob("[0-9]*/manifest.json")):
        return ["resume", path, "--quiet"]
    words = [f"seed={training.seed}", *([] if threads is None else [f"training.num_threads={threads}"])]
    return ["train", str(config_file), *words, "--quiet", "--out", path]


def _start(training: Training, out: Path, threads: int | None) -> bool:
    """Whether it could be started; if not, it says why."""
    config_file = out / "configs" / f"{training.name}.toml"
    config_file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(config_file, dump_toml(training.config.model_copy(update={"seed": 1})))
    words = command(training, config_file, threads)
    training.started, training.failed = time.monotonic(), ""
    try:
        if "train" in words and training.run.path.exists():
            training.run.remove()  # it was stopped before its first checkpoint: nothing to go on from
    except UserError as error:
        training.failed = str(error)
        return False
    log = _log(training, out)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        training.process = ChildProcess("lockstep", words, stdout=file, stderr=subprocess.STDOUT)
    return True


def _ended(training: Training, out: Path) -> bool:
    assert training.process is not None, "started"
    code = training.process.poll()
    if code is None:
        return False
    training.seconds += time.monotonic() - training.started
    training.process.end()
    training.process = None
    if code != 0 or not training.done:
        training.failed = _last_words(_log(training, out)) or f"exit code {code}"
    return True


def _log(training: Training, out: Path) -> Path:
    return out / "logs" / f"{training.run.path.name}.txt"


def _last_words(log: Path) -> str:
    """Why a training failed: the last line that it printed."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return one_line(next((line.removeprefix("lockstep: ") for line in reversed(lines) if line.strip()), ""))


@contextmanager
def _stopped_at_the_end(running: list[Training]) -> Iterator[None]:
    """Whatever happens, no training is left behind: each is asked to save and stop, and has time for it."""
    try:
        yield
    finally:
        processes = [training.process for training in running if training.process is not None]
        for process in processes:
            process.interrupt()
        for process in processes:
            process.end(PATIENCE_SECONDS)
