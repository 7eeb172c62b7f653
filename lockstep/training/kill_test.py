"""Kill a training at random moments, resume it, and look for a single difference: `lockstep selftest resume`."""

import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from lockstep.compute import child_process
from lockstep.config.load import load_config
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.metrics import DEPENDS_ON_THE_MACHINE
from lockstep.training.checkpoints.checkpoint import load_replay, numbered_checkpoints
from lockstep.training.session import Session

LOCKSTEP = child_process.command("lockstep")
MAX_ENV_STEPS = 200_000
WORDS = [
    f"training.max_env_steps={MAX_ENV_STEPS}",
    "evaluation.every_env_steps=20000",
    "checkpoint.every_env_steps=6400",
    "logging.every_env_steps=6400",
]
KILLS_PER_RUN = 5
EARLY = 0.2
"""Share of the kills that come while a training is starting."""
LONGEST_WAIT = 300.0
"""Seconds after which a training that neither ends nor writes is given up."""


@dataclass(frozen=True)
class ResumeReport:
    """What the kills did."""

    kills: int
    during_a_checkpoint: int
    """Of them, while a checkpoint was being written."""
    before_the_first: int
    """Of them, before there was any checkpoint: such a run begins again."""
    runs: int
    leaves: int
    """Values compared in each run: tensors, numbers and rows."""
    difference: str | None
    """The first leaf that differs from the run that was never stopped."""
    seconds: float

    def text(self) -> str:
        """As sentences."""
        said = (
            f"{self.kills} kills in {self.runs} runs, {self.during_a_checkpoint} of them while a checkpoint was "
            f"written, {self.before_the_first} before the first one ({self.seconds:.0f} s)."
        )
        if self.difference is None:
            return f"{said}\nEvery run ended as the one that was never stopped: {self.leaves:,} leaves, no difference."
        return f"{said}\nFirst difference: {self.difference}"

    def row(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def selftest_resume(
    kills: int = 30, seed: int = 1, preset: str = "smoke", progress: Callable[[str], None] = lambda _: None
) -> ResumeReport:
    """SIGKILL trainings of `preset` at `kills` random moments, resume them, compare with one that was never stopped.

    Every third kill waits for a checkpoint that is being written. Raises UserError where a training fails by itself.
    """
    if kills < 1:
        raise UserError(f"--kills {kills} tests nothing; it must be at least 1.")
    rng, start = random.Random(seed), time.monotonic()
    done = writing = early = runs = leaves = tries = 0
    difference = None
    with tempfile.TemporaryDirectory(prefix="lockstep-selftest-") as folder:
        train = [*LOCKSTEP, "train", preset, f"seed={seed}", *WORDS, "--quiet", "--no-doctor", "--out"]
        reference = RunDirectory(Path(folder) / "never-stopped")
        progress("training without a stop")
        _finish([*train, str(reference.path)])
        while done < kills and difference is None:
            run = RunDirectory(Path(folder) / f"killed-{runs}")
            for _ in range(min(KILLS_PER_RUN, kills - done)):
                progress(f"kill {done + 1} of {kills}")
                tries += 1
                killed = _kill(_next_command(run, train), run, rng, in_a_write=tries % 3 == 0)
                if killed is None:
                    break
                done += 1
                writing += killed
                early += not numbered_checkpoints(run)
            progress(f"finishing run {runs + 1}")
            _finish(_next_command(run, train))
            difference, leaves = first_difference(ending(reference), ending(run))
            run.remove()
            runs += 1
    return ResumeReport(done, writing, early, runs, leaves, difference, time.monotonic() - start)


def ending(run: RunDirectory) -> dict[str, Any]:
    """How a run ended: its newest checkpoint, whole, the replay in it, and its rows."""
    folder = numbered_checkpoints(run)[-1]
    session = Session(load_config(str(run.config), ["training.num_threads=1"]))
    load_replay(session.replay, folder)
    return {
        **{path.name: torch.load(path, weights_only=True) for path in sorted(folder.glob("*.pt"))},
        "replay": session.replay.state_dict(),
        **{path.name: read_rows(path) for path in (run.metrics, run.evaluations, run.recordings)},
    }


def first_difference(expected: Any, found: Any) -> tuple[str | None, int]:
    """The first leaf of two nested values that differs, in words (None where none does), and how many were compared.

    What `metrics.DEPENDS_ON_THE_MACHINE` names is left out.
    """
    ours, theirs = dict(_leaves(expected, "")), dict(_leaves(found, ""))
    for count, (path, value) in enumerate(ours.items(), 1):
        if path not in theirs:
            return f"{path} is missing", count
        other = theirs[path]
        if isinstance(value, torch.Tensor) and isinstance(other, torch.Tensor):
            same = value.dtype == other.dtype and value.shape == other.shape and torch.equal(value, other)
        else:
            same = type(value) is type(other) and (value == other or value != value)
        if not same:
            return f"{path} is {_short(other)} instead of {_short(value)}", count
    extra = next((path for path in theirs if path not in ours), None)
    return (None if extra is None else f"{extra} is one too many"), len(ours)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name in DEPENDS_ON_THE_MACHINE:
                continue
            yield from _leaves(part, f"{path}/{name}")
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _leaves(part, f"{path}/{index}")
    else:
        yield path, value


def _short(value: Any) -> str:
    return f"a tensor {tuple(value.shape)}" if isinstance(value, torch.Tensor) else repr(value)


def _next_command(run: RunDirectory, train: Sequence[str]) -> list[str]:
    """Resume; train where it was killed before there was a run at all."""
    if run.config.is_file():
        return [*LOCKSTEP, "resume", str(run.path), "--quiet"]
    if run.path.exists():
        run.remove()
    return [*train, str(run.path)]


def _kill(command: Sequence[str], run: RunDirectory, rng: random.Random, *, in_a_write: bool) -> bool | None:
    """Start, wait, SIGKILL. Returns whether a checkpoint was being written, None where the training ended first.

    The moment is a number of env steps, since machines differ; one in five comes while it is still starting. A write
    takes milliseconds. To be killed in one, the process is stopped every few of them and looked at.
    """
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=child_process.environment(),
        start_new_session=True,
    )
    began, done = time.monotonic(), _progress(run)
    early = not in_a_write and rng.random() < EARLY
    goal = rng.uniform(done, 0.9 * MAX_ENV_STEPS)
    while process.poll() is None and time.monotonic() < began + LONGEST_WAIT and not early and _progress(run) < goal:
        time.sleep(0.01)
    if not in_a_write:
        time.sleep(rng.uniform(0.0, 4.0 if early else 0.3))
    while in_a_write and process.poll() is None and time.monotonic() < began + LONGEST_WAIT:
        process.send_signal(signal.SIGSTOP)
        if _is_writing(run):
            break
        process.send_signal(signal.SIGCONT)
        time.sleep(0.001)
    process.kill()
    _, said = process.communicate()
    if process.returncode == 0:
        return None
    if process.returncode != -signal.SIGKILL:
        raise UserError(f"The training failed before it was killed: {said.decode().strip()[-500:]}")
    return _is_writing(run)


def _progress(run: RunDirectory) -> float:
    rows = read_rows(run.metrics)
    return float(rows[-1]["env_steps"]) if rows else 0.0


def _is_writing(run: RunDirectory) -> bool:
    return any(run.checkpoints.rglob(".*.writing"))


def _finish(command: Sequence[str]) -> None:
    ended = subprocess.run(command, env=child_process.environment(), capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise UserError(f"`{' '.join(command[3:])}` failed: {ended.stderr.strip()[-500:]}")
