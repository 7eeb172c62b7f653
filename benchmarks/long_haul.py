"""Does a long training stay as large as it was? Memory, open files and the run directory over time: JSON and a plot.

    python benchmarks/long_haul.py --minutes 20 --plot docs/media/long_haul.svg

Trains `smoke` without an end, its replay soon full, looks at the process from outside every few seconds, stops it with
SIGTERM, and says how long it took to save and leave, in seconds of a clock and of a processor.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from lockstep.analysis.plots import save_figure

WORDS = ["training.max_env_steps=100000000000", "replay.rewarding_buffer_size=500"]


def looked_at(process: int, run: Path) -> dict[str, float]:
    """A process and its helpers, and the files that it wrote."""
    family = [process, *children(process)]
    files = [path for path in run.rglob("*") if path.is_file()]
    sizes = {path: path.stat().st_size for path in files if path.exists()}
    logs = sum(size for path, size in sizes.items() if "checkpoints" not in path.parts)
    return {
        "resident_mib": sum(resident_bytes(pid) for pid in family) / 2**20,
        "open_files": sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in family),
        "processes": len(family),
        "log_mib": logs / 2**20,
        "directory_mib": sum(sizes.values()) / 2**20,
        "env_steps": last_steps(run / "metrics.jsonl"),
    }


def children(process: int) -> list[int]:
    """Of all its threads."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def resident_bytes(pid: int) -> int:
    """Memory that a process holds for itself and shares."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def last_steps(path: Path) -> int:
    """Env steps of the last whole row."""
    lines = path.read_text().splitlines() if path.exists() else []
    return int(json.loads(lines[-2])["env_steps"]) if len(lines) > 1 else 0


def slope_per_hour(minutes: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> float:
    """Of a straight line through the second half."""
    half = len(minutes) // 2
    return float(60 * np.polyfit(minutes[half:], values[half:], 1)[0])


def trained(minutes: float, threads: int, run: Path) -> tuple[list[dict[str, float]], dict[str, Any]]:
    """What was seen of a training of so many minutes, and how it ended."""
    words = [*WORDS, f"training.num_threads={threads}"]
    command = [sys.executable, "-m", "lockstep", "train", "smoke", *words, "--no-doctor", "--quiet", "--out", str(run)]
    rows: list[dict[str, float]] = []
    with subprocess.Popen(command) as process:
        began = time.monotonic()
        while (now := time.monotonic() - began) < 60 * minutes:
            time.sleep(min(5.0, 60 * minutes - now))
            if process.poll() is not None:
                raise SystemExit(f"the training ended by itself with exit code {process.returncode}")
            try:
                rows.append({"minutes": (time.monotonic() - began) / 60, **looked_at(process.pid, run)})
            except (FileNotFoundError, ProcessLookupError):
                continue  # a file or a helper that went while it was looked at
        told, used = time.monotonic(), processor_seconds(process.pid)
        process.send_signal(signal.SIGTERM)
        code = process.wait()
        seconds = time.monotonic() - told
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return rows, {
        "exit_code": code,
        "seconds_to_save_and_leave": round(seconds, 2),
        "of_a_processor": round(spent.ru_utime + spent.ru_stime - used, 2),
    }


def processor_seconds(process: int) -> float:
    """Used by a process and by its children that have ended."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def summary(rows: list[dict[str, float]], ending: dict[str, Any]) -> dict[str, Any]:
    """The figures: levels and slopes of the second half, when the replay has long been full."""
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    half = len(rows) // 2
    last = rows[-1]
    return {
        "minutes": round(last["minutes"], 1),
        "env_steps": int(last["env_steps"]),
        "resident_mib": {
            "half-way": round(float(columns["resident_mib"][half]), 1),
            "end": round(last["resident_mib"], 1),
            "slope_per_hour": round(slope_per_hour(columns["minutes"], columns["resident_mib"]), 2),
        },
        "open_files": {"half-way": int(columns["open_files"][half]), "most": int(columns["open_files"][half:].max())},
        "log_mib": round(last["log_mib"], 2),
        "log_mib_in_20M_env_steps": round(last["log_mib"] * 20e6 / max(last["env_steps"], 1), 1),
        "directory_mib": round(last["directory_mib"], 1),
        **ending,
    }


def plot(rows: list[dict[str, float]], path: Path) -> None:
    """Memory and open files over minutes."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 1, figsize=(7, 3.6), sharex=True, layout="constrained")
    minutes = [row["minutes"] for row in rows]
    for axis, name, label in zip(axes, ("resident_mib", "open_files"), ("memory, MiB", "open files"), strict=True):
        axis.plot(minutes, [row[name] for row in rows], color="#2b6cb0", linewidth=1.2)
        axis.set_ylim(bottom=0)
        axis.set_ylabel(label)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("minutes of training")
    save_figure(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--threads", type=int, default=1, help="training.num_threads")
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lockstep-long-haul-") as folder:
        rows, ending = trained(arguments.minutes, arguments.threads, Path(folder) / "run")
    print(json.dumps(summary(rows, ending), indent=1))
    if arguments.plot is not None:
        plot(rows, arguments.plot)


if __name__ == "__main__":
    main()
