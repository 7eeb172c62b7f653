"""Kill a sweep's coordinator and its cells at random moments, let it go on, and look for a single difference.

`lockstep selftest sweep` does it.
"""

import os
import random
import signal
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from lockstep.errors import UserError
from lockstep.formats import counted
from lockstep.runs.reader import RunReader
from lockstep.shell import command_line
from lockstep.sweeps.folder import SweepFolder
from lockstep.training.kill_test import (
    Progress,
    all_gone,
    ended,
    ending,
    family,
    first_difference,
    started,
)

WORDS = [
    "seed=1..2",
    "gamma=0.95,0.97",
    "training.max_env_steps=100000",
    "collection.warmup_env_steps=40000",
    "evaluation.every_env_steps=20000",
    "evaluation.episodes=20",
    "checkpoint.every_env_steps=6400",
    "logging.every_env_steps=3200",
]
"""Four cells of some seconds each."""
AT_ONCE = 2
KILLS_PER_SWEEP = 8
OURS = " -m lockstep"
"""In the command of whatever may not be left behind. Ray's own processes end by themselves, in their time."""
EARLY = 0.2
"""Share of the kills that come while cells are starting."""
LONGEST_WAIT = 600.0
"""Seconds after which a sweep that neither ends nor goes on is given up."""
Engine = Literal["local", "ray"]
Victim = Literal["coordinator", "cell", "node"]
VICTIMS: dict[Engine, tuple[Victim, ...]] = {"local": ("coordinator", "cell"), "ray": ("coordinator", "cell", "node")}
"""Who may be killed. A node is Ray's process that looks after this machine: with it goes whoever is connected to it."""


@dataclass(frozen=True)
class SweepKillReport:
    """What the kills did."""

    kills: int
    coordinators: int
    """Of them, of processes that hand out cells."""
    cells: int
    """Of them, of processes that train one."""
    nodes: int
    """Of them, of nodes of a Ray cluster."""
    sweeps: int
    revived: int
    """Cells that were set aside, as they were killed three times before a newer checkpoint, and taken back."""
    leaves: int
    """Values compared in all runs of a sweep: tensors, numbers and rows."""
    difference: str | None
    """The first leaf that differs from the sweep that was never disturbed."""
    seconds: float

    def text(self) -> str:
        """As sentences."""
        said = (
            f"{counted(self.kills, 'kill')} in {counted(self.sweeps, 'sweep')} of four cells ({self.seconds:.0f} s): "
            f"{self.coordinators} of the coordinator, {self.cells} of a cell"
            f"{f', {self.nodes} of a Ray node' if self.nodes else ''}. "
            f"{counted(self.revived, 'cell was', 'cells were')} set aside after three deaths without a newer "
            "checkpoint, and revived. None left another process behind."
        )
        if self.difference is None:
            return f"{said}\nEvery run ended as in an undisturbed sweep: {self.leaves:,} leaves, no difference."
        return f"{said}\nFirst difference: {self.difference}"

    def row(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def selftest_sweep(
    kills: int = 30,
    seed: int = 1,
    preset: str = "smoke",
    progress: Progress = lambda _, __: None,
    engine: Engine = "local",
) -> SweepKillReport:
    """SIGKILL sweeps of `preset` at `kills` random moments, let them go on, compare with one that was left alone.

    By turns of chance it is the process that hands out cells, one that trains a cell, or, with Ray, the node. Raises
    UserError where a sweep fails by itself, or where a process is left behind.
    """
    if not hasattr(signal, "SIGKILL"):
        raise UserError("`lockstep selftest sweep` kills processes without a word; this system cannot.")
    if kills < 1:
        raise UserError(f"--kills {kills} tests nothing; it must be at least 1.")
    rng, start = random.Random(seed), time.monotonic()
    done = Counter[Victim]()
    sweeps = revived = leaves = 0
    difference = None
    with tempfile.TemporaryDirectory(prefix="lockstep-selftest-") as folder:
        progress("a sweep that nobody disturbs", 0)
        undisturbed = _planned(preset, Path(folder) / "quiet" / "sweep")
        _finish(undisturbed)
        while done.total() < kills and difference is None:
            sweep = _planned(preset, Path(folder) / f"killed-{sweeps}" / "sweep")
            sweeps += 1
            most = min(KILLS_PER_SWEEP, kills - done.total())
            progress(f"disturbing sweep {sweeps}", done.total())
            killed, taken_back = _disturb(sweep, rng, most, engine)
            done.update(killed)
            revived += taken_back
            leaves = 0
            for cell, other in zip(undisturbed.cells, sweep.cells, strict=True):
                found, compared = first_difference(ending(cell.run), ending(other.run))
                leaves += compared
                difference = difference or (None if found is None else f"cell {cell.number}: {found}")
    return SweepKillReport(
        kills=done.total(),
        coordinators=done["coordinator"],
        cells=done["cell"],
        nodes=done["node"],
        sweeps=sweeps,
        revived=revived,
        leaves=leaves,
        difference=difference,
        seconds=time.monotonic() - start,
    )


def _planned(preset: str, path: Path) -> SweepFolder:
    code, said = ended(started(["sweep", preset, *WORDS, "--out", str(path), "--estimate", "--quiet"]))
    if code != 0:
        raise UserError(f"The sweep could not be planned: {said}")
    return SweepFolder.open(path)


def _words(sweep: SweepFolder) -> list[str]:
    return ["sweep", str(sweep.path), "--at-once", str(AT_ONCE), "--quiet"]


def _finish(sweep: SweepFolder) -> None:
    code, said = ended(started(_words(sweep)))
    if code != 0:
        raise UserError(f"`{command_line(*_words(sweep))}` failed: {said or f'exit code {code}'}")


def _disturb(sweep: SweepFolder, rng: random.Random, most: int, engine: Engine) -> tuple[Counter[Victim], int]:
    """Kill and let go on until the sweep is finished. Returns who was killed how often, and how many cells were
    revived."""
    killed, revived = Counter[Victim](), 0
    total = sum(cell.config.training.max_env_steps for cell in sweep.cells)
    while True:
        coordinator = started([*_words(sweep), "--on", engine])
        relatives: dict[int, str] = {}
        lost_node = False
        while killed.total() < most:
            victim = rng.choice(VICTIMS[engine])
            early, goal = rng.random() < EARLY, rng.uniform(_env_steps(sweep), total)
            until = time.monotonic() + (rng.uniform(0.0, 4.0) if early else LONGEST_WAIT)
            while coordinator.poll() is None and time.monotonic() < until and (early or _env_steps(sweep) < goal):
                time.sleep(0.1)
            relatives = family(coordinator.pid) or relatives
            if coordinator.poll() is not None:
                break
            sign = " --only " if victim == "cell" else "raylet/raylet "
            targets = [pid for pid, said in relatives.items() if sign in said]
            if victim != "coordinator" and targets:
                with suppress(ProcessLookupError):
                    os.kill(rng.choice(targets), signal.SIGKILL)
                    killed[victim] += 1
                    lost_node = lost_node or victim == "node"
                if lost_node:
                    break
                continue
            coordinator.process.kill()
            killed["coordinator"] += 1
            break
        code, said = ended(coordinator)
        all_gone({pid: said for pid, said in relatives.items() if OURS in said})
        aside = [cell for cell in sweep.cells if sweep.history(cell).standing == "set aside"]
        for cell in aside:
            sweep.revive(cell)
        revived += len(aside)
        if code == 0:
            return killed, revived
        if not lost_node and (code not in (1, -signal.SIGKILL) or (code == 1 and not aside)):
            raise UserError(f"A sweep failed that was not killed: {said or f'exit code {code}'}")


def _env_steps(sweep: SweepFolder) -> int:
    """How far all cells are, together."""
    total = 0
    for cell in sweep.cells:
        record = RunReader(cell.run)
        record.metrics.refresh()
        total += record.env_steps
    return total
