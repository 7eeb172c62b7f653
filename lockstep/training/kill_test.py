"""Kill a training, or what works for it, at random moments, resume it, and look for a single difference.

`lockstep selftest resume` does it.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from lockstep.compute.child_process import ChildProcess
from lockstep.config.load import load_config
from lockstep.errors import UserError
from lockstep.formats import counted
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.metrics import DEPENDS_ON_THE_MACHINE
from lockstep.shell import command_line
from lockstep.training.checkpoints.checkpoint import load_replay, numbered_checkpoints
from lockstep.training.session import Session

MAX_ENV_STEPS = 200_000
WORDS = [
    f"training.max_env_steps={MAX_ENV_STEPS}",
    "evaluation.every_env_steps=20000",
    "checkpoint.every_env_steps=6400",
    "logging.every_env_steps=6400",
    "training.num_threads=2",
]
WORLD_WORDS = [
    *("env.key=CartPole-v1", "env.time_limit=20", "env.arguments={}", "env.remember_onset=[]", "env.workers=2"),
    *("collection.num_envs=8", "collection.warmup_env_steps=0", "replay.segment_steps=0", "updates_per_collection=1"),
    *("training.max_env_steps=12000", "evaluation.every_env_steps=4000", "evaluation.episodes=10"),
    *("checkpoint.every_env_steps=2000", "logging.every_env_steps=160", "training.num_threads=1"),
]
"""A world that other processes play: every installation has it."""
KILLS_PER_RUN = 5
Progress = Callable[[str, int], None]
"""Called with what is done now, and the kills that are done."""
Victim = Literal["training", "helper", "parent", "world"]
VICTIMS: tuple[Victim, ...] = ("training", "helper", "parent", "training", "world")
"""Who is killed, run by run."""
PIECES = {"helper": "share_worker", "world": "foreign.worker"}
HELPER_DIED = 2
"""The exit code of a training that lost a process which helps the learner: it says so."""
GONE_WITHIN = 10.0
"""Seconds after which a process that should have ended with another one counts as left behind."""
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
    helpers: int
    """Of them, of processes that work on a gradient."""
    parents: int
    """Of them, of processes that had started the training."""
    worlds: int
    """Of them, of processes that play a world: these cost episodes, and no run."""
    dropped_episodes: int
    """That they cost."""
    runs: int
    leaves: int
    """Values compared in each run: tensors, numbers and rows."""
    difference: str | None
    """The first leaf that differs from the run that was never stopped."""
    seconds: float

    def text(self) -> str:
        """As sentences."""
        said = (
            f"{counted(self.kills, 'kill')} in {counted(self.runs, 'run')}, {self.during_a_checkpoint} of them while a "
            f"checkpoint was written, {self.before_the_first} before the first one ({self.seconds:.0f} s). "
            f"{self.helpers} of a process that helps the learner, {self.parents} of one that had started the training, "
            f"{self.worlds} of one that plays a world ({counted(self.dropped_episodes, 'episode')} dropped, no run "
            "lost). None left another process behind."
        )
        if self.difference is None:
            return f"{said}\nEvery run ended as the one that was never stopped: {self.leaves:,} leaves, no difference."
        return f"{said}\nFirst difference: {self.difference}"

    def row(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def selftest_resume(
    kills: int = 30, seed: int = 1, preset: str = "smoke", progress: Progress = lambda _, __: None
) -> ResumeReport:
    """SIGKILL trainings of `preset` at `kills` random moments, resume them, compare with one that was never stopped.

    In turn it is the training that is killed (every third time while it writes a checkpoint), a process that helps the
    learner, the process that started it, or, in another world, one that plays: its episodes are dropped and counted, so
    such a run is only asked to come to its end. Raises UserError where a training fails by itself, or where a process
    is left behind.
    """
    if not hasattr(signal, "SIGSTOP"):
        raise UserError("`lockstep selftest resume` stops processes in the middle of a write; this system cannot.")
    if kills < 1:
        raise UserError(f"--kills {kills} tests nothing; it must be at least 1.")
    rng, start = random.Random(seed), time.monotonic()
    done = Counter[str]()
    early = writing = dropped = runs = leaves = tries = 0
    difference = None
    with tempfile.TemporaryDirectory(prefix="lockstep-selftest-") as folder:
        train = ["train", preset, f"seed={seed}", *WORDS, "--quiet", "--no-doctor", "--out"]
        reference = RunDirectory(Path(folder) / "never-stopped")
        progress("training without a stop", 0)
        _finish([*train, str(reference.path)])
        while done.total() < kills and difference is None:
            run, victim = RunDirectory(Path(folder) / f"killed-{runs}"), VICTIMS[runs % len(VICTIMS)]
            runs += 1
            if victim == "world":
                progress("killing processes that play", done.total())
                number, lost = _kill_worlds(run, [*train[:-1], *WORLD_WORDS, train[-1]], rng, kills - done.total())
                done[victim] += number
                dropped += lost
                run.remove()
                continue
            for _ in range(min(KILLS_PER_RUN, kills - done.total())):
                progress(f"run {runs}", done.total())
                tries += victim == "training"
                in_a_write = victim == "training" and tries % 3 == 0
                killed = _kill(_next_command(run, train), run, rng, victim, in_a_write=in_a_write)
                if killed is None:
                    break
                done[killed[0]] += 1
                writing += killed[1]
                early += not numbered_checkpoints(run)
            progress(f"finishing run {runs}", done.total())
            _finish(_next_command(run, train))
            difference, leaves = first_difference(ending(reference), ending(run))
            run.remove()
    return ResumeReport(
        kills=done.total(),
        during_a_checkpoint=writing,
        before_the_first=early,
        helpers=done["helper"],
        parents=done["parent"],
        worlds=done["world"],
        dropped_episodes=dropped,
        runs=runs,
        leaves=leaves,
        difference=difference,
        seconds=time.monotonic() - start,
    )


def ending(run: RunDirectory) -> dict[str, Any]:
    """How a run ended: its newest checkpoint, whole, the replay in it, and its rows."""
    folder = numbered_checkpoints(run)[-1]
    session = Session(load_config(str(run.config), ["training.num_threads=1"]))
    load_replay(session.feed, folder)
    return {
        **{path.name: torch.load(path, weights_only=True) for path in sorted(folder.glob("*.pt"))},
        "replay": session.feed.state_dict(),
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
        return ["resume", str(run.path), "--quiet"]
    if run.path.exists():
        run.remove()
    return [*train, str(run.path)]


def _kill(
    words: Sequence[str], run: RunDirectory, rng: random.Random, victim: Victim, *, in_a_write: bool
) -> tuple[Victim, bool] | None:
    """Start, wait, SIGKILL. Returns who was killed, and whether a checkpoint was being written; None where the training
    ended first.

    The moment is a number of env steps, since machines differ; one in five comes while it is still starting. A write
    takes milliseconds. To be killed in one, the process is stopped every few of them and looked at.
    """
    process = started(words, "lockstep.training.kill_test" if victim == "parent" else "lockstep")
    began, done = time.monotonic(), _progress(run)
    early = not in_a_write and rng.random() < EARLY
    goal = rng.uniform(done, 0.9 * MAX_ENV_STEPS)
    while process.poll() is None and time.monotonic() < began + LONGEST_WAIT and not early and _progress(run) < goal:
        time.sleep(0.01)
    if not in_a_write:
        time.sleep(rng.uniform(0.0, 4.0 if early else 0.3))
    while in_a_write and process.poll() is None and time.monotonic() < began + LONGEST_WAIT:
        process.process.send_signal(signal.SIGSTOP)
        if _is_writing(run):
            break
        process.process.send_signal(signal.SIGCONT)
        time.sleep(0.001)
    relatives = family(process.pid)
    pieces = [pid for pid, said in relatives.items() if victim == "helper" and PIECES["helper"] in said]
    if pieces:
        with suppress(ProcessLookupError):
            os.kill(rng.choice(pieces), signal.SIGKILL)
    else:
        process.process.kill()
        victim = "training" if victim == "helper" else victim
    code, said = ended(process)
    all_gone(relatives)
    if code == 0:
        return None
    if code != (HELPER_DIED if pieces else -signal.SIGKILL):
        raise UserError(f"The training failed before it was killed: {said}")
    return victim, _is_writing(run)


def started(words: Sequence[str], module: str = "lockstep") -> ChildProcess:
    """A command of ours, of which only the last words are kept."""
    return ChildProcess(module, words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _kill_worlds(run: RunDirectory, train: Sequence[str], rng: random.Random, most: int) -> tuple[int, int]:
    """Kill processes that play while a training goes on, at most KILLS_PER_RUN, never one twice without an episode in
    between. Returns how many, and the episodes that were dropped.

    Raises UserError where the training does not come to its end.
    """
    process = started([*train, str(run.path)])
    kills, relatives, before = 0, dict[int, str](), 0
    while process.poll() is None:
        now = len(read_rows(run.metrics))
        relatives = family(process.pid) or relatives
        players = [pid for pid, said in relatives.items() if PIECES["world"] in said]
        if players and now > before + 3 and kills < min(KILLS_PER_RUN, most):
            with suppress(ProcessLookupError):
                os.kill(rng.choice(players), signal.SIGKILL)
                kills, before = kills + 1, now
        time.sleep(rng.uniform(0.0, 0.1))
    code, said = ended(process)
    all_gone(relatives)
    rows = read_rows(run.metrics)
    if code != 0 or not rows or not run.has_ended:
        raise UserError(f"A training whose players were killed failed: {said}")
    return kills, int(rows[-1].get("dropped_episodes", 0))


def ended(process: ChildProcess) -> tuple[int, str]:
    """Wait for it. Returns the exit code, and the last of what it said."""
    assert process.process.stderr is not None
    said = process.process.stderr.read()
    return process.process.wait(), said.decode(errors="replace").strip()[-500:]


def family(pid: int) -> dict[int, str]:
    """The processes that a process has started, and those that they have, with what they were started as.

    Empty where the system does not tell.
    """
    found = {}
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found[int(child)] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            found |= family(int(child))
    return found


def all_gone(pids: Mapping[int, str]) -> None:
    """Raise UserError where one of them lives on."""
    until = time.monotonic() + GONE_WITHIN
    for pid, said in pids.items():
        while _lives(pid, said):
            if time.monotonic() > until:
                raise UserError(f"The process {pid} was left behind: {said}")
            time.sleep(0.01)


def _lives(pid: int, said: str) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") == said != ""
    except OSError:
        return False


def _progress(run: RunDirectory) -> float:
    rows = read_rows(run.metrics)
    return float(rows[-1]["env_steps"]) if rows else 0.0


def _is_writing(run: RunDirectory) -> bool:
    return any(run.checkpoints.rglob(".*.writing"))


def _finish(words: Sequence[str]) -> None:
    code, said = ended(started(words))
    if code != 0:
        raise UserError(f"`{command_line(*words)}` failed: {said}")


if __name__ == "__main__":  # a process that does nothing but start a training, as a reproduction does
    sys.exit(ChildProcess("lockstep", sys.argv[1:]).wait())
