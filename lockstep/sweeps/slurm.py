"""The engine of a cluster: an array job that does one cell in each task, written as a script that people can read.

Whatever is not finished, nor waiting or running in the queue, is sent. So to send a sweep again after a time limit, a
node that died, or anything else, is the same command, and no task needs to be requeued: each goes on from its run's
newest checkpoint. What was sent is remembered in slurm/jobs.jsonl; what is still there SLURM itself is asked.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lockstep.compute import child_process
from lockstep.errors import UserError
from lockstep.files import open_to_append
from lockstep.runs.cleaning import one_line
from lockstep.runs.directory import read_rows, write_atomically
from lockstep.sweeps.folder import SweepFolder

MOST_TASKS = 1_000
"""Tasks of one array: SLURM's MaxArraySize is 1001 where nobody has changed it."""
GRACE_SECONDS = 60
"""Seconds before the time limit at which a task is told to save and stop."""
_TASK = re.compile(r"([0-9]+)_([0-9]+)")


@dataclass(frozen=True)
class Resources:
    """What every task asks for."""

    cpus: int = 1
    hours: float = 24.0
    memory: str = "4G"
    at_once: int | None = None
    gpus: int = 0
    partition: str | None = None
    account: str | None = None

    def check(self) -> None:
        """Raise UserError for what no cluster could give."""
        for name, value in (("cpus", self.cpus), ("at-once", self.at_once or 1)):
            if value < 1:
                raise UserError(f"--{name} {value} must be at least 1.")
        if not 0.05 <= self.hours <= 10_000:
            raise UserError(f"--hours {self.hours:g} must be from 0.05 to 10,000.")
        if re.fullmatch(r"[0-9]+[KMGT]?", self.memory) is None:
            raise UserError(f"--memory {self.memory} is no amount; write it as SLURM does, for example 4G.")
        for name, text in (("partition", self.partition), ("account", self.account)):
            if text is not None and re.fullmatch(r"[\w.,-]+", text) is None:
                raise UserError(f"--{name} {text!r} is no name of one.")


@dataclass(frozen=True)
class Submission:
    """An array that was sent, or would be."""

    script: Path
    cells: tuple[int, ...]
    job: str
    """SLURM's number; empty where it was only written."""


def submit(
    sweep: SweepFolder, resources: Resources, *, trust: bool = False, only_write: bool = False
) -> list[Submission]:
    """Send what is not finished and not in the queue already; one array for each thousand cells.

    only_write: write the scripts and send nothing. Raises UserError where SLURM cannot be asked, or refuses.
    """
    resources.check()
    sweep.refuse_links()
    queued = set() if only_write else queued_cells(sweep)
    left = [
        cell.number
        for cell in sweep.cells
        if sweep.history(cell).standing in ("waiting", "unfinished") and cell.number not in queued
    ]
    folder = _folder(sweep)
    folder.mkdir(exist_ok=True)
    sweep.logs.mkdir(exist_ok=True)
    sent = []
    first = len(list(folder.glob("array-*.sh"))) + 1
    for index, start in enumerate(range(0, len(left), MOST_TASKS), first):
        cells = tuple(left[start : start + MOST_TASKS])
        script = folder / f"array-{index:03d}.sh"
        write_atomically(script, script_text(sweep, cells, resources, trust=trust))
        job = "" if only_write else _sbatch(script)
        if job:
            with open_to_append(folder / "jobs.jsonl") as file:
                file.write((json.dumps({"job": job, "cells": cells}) + "\n").encode())
        sent.append(Submission(script, cells, job))
    return sent


def script_text(sweep: SweepFolder, cells: Sequence[int], resources: Resources, *, trust: bool = False) -> str:
    """The array's script. Task i does the i-th of the cells that it lists, as their numbers may be beyond what SLURM
    counts to."""
    limit = f"%{resources.at_once}" if resources.at_once else ""
    minutes = round(resources.hours * 60)
    path = sweep.path.resolve()
    if not str(path).isprintable():
        raise UserError(f"{one_line(str(path))} has a name that no script can hold. Rename the folder.")
    options = {
        "job-name": f"lockstep-{re.sub('[^A-Za-z0-9._-]+', '-', path.name)}",
        "array": f"0-{len(cells) - 1}{limit}",
        "cpus-per-task": resources.cpus,
        "mem": resources.memory,
        "time": f"{minutes // 60}:{minutes % 60:02d}:00",
        **({"gpus": resources.gpus} if resources.gpus else {}),
        **({"partition": resources.partition} if resources.partition else {}),
        **({"account": resources.account} if resources.account else {}),
        "output": f"{sweep.logs.resolve()}/slurm-%A_%a.txt",
        "signal": f"B:TERM@{GRACE_SECONDS}",
    }
    words = ["sweep", str(path), "--threads", str(resources.cpus), *(["--trust"] if trust else [])]
    command = shlex.join(child_process.command("lockstep", *words))
    lines = [
        "#!/bin/bash",
        *(f"#SBATCH --{name}={shlex.quote(str(value))}" for name, value in options.items()),
        "",
        f"# Cells of {one_line(str(path))}. To send what is left of them, whatever happened:",
        f"#   lockstep sweep {shlex.quote(one_line(str(path)))} --on slurm",
        f"cells=({' '.join(map(str, cells))})",
        "",
        "export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE",
        "# exec: the time limit's signal reaches the training itself, which saves and stops.",
        f'exec {command} --only "${{cells[$SLURM_ARRAY_TASK_ID]}}"',
    ]
    return "\n".join(lines) + "\n"


def queued_cells(sweep: SweepFolder) -> set[int]:
    """Cells of earlier submissions that wait or run in the queue. Raises UserError where SLURM cannot be asked."""
    jobs = {
        str(row["job"]): list(row["cells"])
        for row in read_rows(_folder(sweep) / "jobs.jsonl")
        if re.fullmatch("[0-9]+", str(row.get("job"))) and isinstance(row.get("cells"), list)
    }
    if not jobs:
        return set()
    said = _asked(["squeue", "--noheader", "--array", "--format=%i", f"--jobs={','.join(jobs)}"], unknown_is_empty=True)
    found = set()
    for job, task in _TASK.findall(said):
        if job in jobs and int(task) < len(jobs[job]):
            found.add(jobs[job][int(task)])
    return found


def _sbatch(script: Path) -> str:
    said = _asked(["sbatch", "--parsable", str(script)])
    job = said.strip().partition(";")[0]  # 123;cluster where there are several
    if not job.isdecimal():
        raise UserError(f"sbatch answered {one_line(said.strip())!r} to {script}, which is no number of a job.")
    return job


def _asked(command: Sequence[str], *, unknown_is_empty: bool = False) -> str:
    """What a command of SLURM says. unknown_is_empty: jobs that SLURM has forgotten are no mistake."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    except FileNotFoundError:
        raise UserError(
            f"There is no {command[0]} here, so this is no machine of a SLURM cluster. --write-only writes the script "
            "for one; without --on slurm this machine does the work."
        ) from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{command[0]} has not answered for five minutes. Try again later; nothing is lost.") from None
    if done.returncode != 0:
        if unknown_is_empty and "invalid job id" in done.stderr.lower():
            return ""
        raise UserError(f"{command[0]} refused: {one_line(done.stderr.strip()) or f'exit code {done.returncode}'}")
    return done.stdout


def _folder(sweep: SweepFolder) -> Path:
    folder = sweep.path / "slurm"
    if folder.is_symlink():
        raise UserError(f"{folder} is a link, so nothing is written here. Replace it by what it points to.")
    return folder
