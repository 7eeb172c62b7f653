"""Runs an hour by engine, and what many runs at once ask of the disk. Prints JSON.

python benchmarks/sweeps.py engines [--cells 4] [--rounds 3]    one thread and two cells, two threads and one, Ray
python benchmarks/sweeps.py disk [--cells 40]                   all cells at once, system calls counted by strace

Both train whole runs of the preset `smoke`, each in a sweep's folder of its own, as a person would by typing.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lockstep.compute.machine import cores

ENGINES = {
    "local, 2 cells of 1 thread": ["--at-once", "2", "--threads", "1"],
    "local, 1 cell of 2 threads": ["--at-once", "1", "--threads", "2"],
    "ray, 2 cells of 1 thread": ["--on", "ray", "--at-once", "2", "--threads", "1"],
}
CALLS = ("fsync", "fdatasync", "rename", "renameat2", "mkdir", "unlink")


def sweep_command(folder: Path, cells: int, options: Sequence[str]) -> list[str]:
    """The command that trains `cells` seeds of smoke in this folder."""
    command = [sys.executable, "-m", "lockstep", "sweep", "smoke", f"seed=1..{cells}"]
    return [*command, "--out", str(folder), "--quiet", *options]


def seconds_of(command: Sequence[str]) -> float:
    """Wall time of a command that must succeed, from its start to its end."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def engines(cells: int, rounds: int) -> dict[str, object]:
    """Runs an hour of each engine, a process's start and end included; every round runs all in turn."""
    took: dict[str, list[float]] = {name: [] for name in ENGINES}
    for turn in range(rounds):
        order = list(ENGINES)[turn % len(ENGINES) :] + list(ENGINES)[: turn % len(ENGINES)]
        for name in order:
            with tempfile.TemporaryDirectory() as place:
                took[name].append(seconds_of(sweep_command(Path(place, "sweep"), cells, ENGINES[name])))
    return {
        "cells": cells,
        "cores": cores(),
        "seconds": took,
        "runs_an_hour": {name: round(3600 * cells / statistics.median(s)) for name, s in took.items()},
    }


def disk(cells: int) -> dict[str, object]:
    """System calls, files and bytes of `cells` runs that train at the same time."""
    with tempfile.TemporaryDirectory() as place:
        folder, trace = Path(place, "sweep"), Path(place, "trace")
        watcher = ["strace", "-f", "--seccomp-bpf", "-ttt", "-e", f"trace={','.join(CALLS)}", "-o", str(trace)]
        command = sweep_command(folder, cells, ["--at-once", str(cells), "--threads", "1"])
        wall = seconds_of([*watcher, *command])
        calls: Counter[str] = Counter()
        per_second: Counter[int] = Counter()
        for line in trace.read_text(errors="replace").splitlines():
            words = line.split(maxsplit=2)
            name = words[2].split("(")[0] if len(words) == 3 else ""
            if name in CALLS:
                calls[name] += 1
                per_second[int(float(words[1]))] += 1
        kept = [path for path in folder.rglob("*") if path.is_file()]
        return {
            "cells": cells,
            "cores": cores(),
            "seconds": round(wall, 1),
            "calls": dict(calls),
            "calls_in_the_busiest_second": max(per_second.values()),
            "files": len(kept),
            "bytes": sum(path.stat().st_size for path in kept),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("engines", "disk"))
    parser.add_argument("--cells", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    result = engines(given.cells or 4, given.rounds) if given.what == "engines" else disk(given.cells or 40)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
