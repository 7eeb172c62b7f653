"""Train a preset for several seeds, judge each on the official package, print JSON, and draw the curves.

    python benchmarks/solve.py --seeds 1 2 3 --out runs/solve --plot docs/media/solve.svg

A finished seed is not trained again, so the command can be interrupted and repeated.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from lockstep.run_directory import RunDirectory, read_rows

LOCKSTEP = [sys.executable, "-m", "lockstep"]


def trained(preset: str, seed: int, out: Path, words: list[str]) -> RunDirectory:
    """The finished run of one seed; trained or resumed where it is not finished."""
    path = out / f"seed-{seed}"
    run = RunDirectory(path)
    if not run.config.is_file():
        subprocess.run([*LOCKSTEP, "train", preset, f"seed={seed}", *words, "-q", "--out", str(path)], check=True)
    elif run.read_info().get("status") not in ("solved", "finished"):
        subprocess.run([*LOCKSTEP, "resume", str(path), "-q"], check=True)
    return run


def judged(run: RunDirectory, episodes: int, thresholds: list[float]) -> dict[str, Any]:
    """How a run went, when it first passed each threshold, and its best policy on the official package."""
    command = [*LOCKSTEP, "evaluate", str(run.path), "--engine", "official", "--episodes", str(episodes), "--json"]
    official = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    rows = read_rows(run.evaluations)
    last = rows[-1]
    first = {
        str(threshold): next((row["wall_seconds"] for row in rows if row["test_return_mean"] > threshold), None)
        for threshold in thresholds
    }
    return {
        "run": str(run.path),
        "status": run.read_info()["status"],
        "env_steps": last["env_steps"],
        "updates": last["updates"],
        "wall_seconds": last["wall_seconds"],
        "wall_seconds_to_first_pass": first,
        "last_test_return_mean": last["test_return_mean"],
        "official_test_return_mean": official["test_return_mean"],
        "official_test_return_std": official["test_return_std"],
        "official_episodes": official["episodes"],
    }


def plot(runs: list[RunDirectory], out: Path, title: str) -> None:
    """Test return over minutes, one line a seed."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 10, "svg.hashsalt": "lockstep"})
    figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    colors = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")  # Okabe and Ito: safe for color-blind readers
    for run, color in zip(runs, colors, strict=False):
        rows = read_rows(run.evaluations)
        minutes = [row["wall_seconds"] / 60 for row in rows]
        axes.plot(minutes, [row["test_return_mean"] for row in rows], color=color, lw=1.6, label=run.path.name)
    axes.axhline(2.5, color="0.45", lw=1, ls=(0, (4, 3)))
    axes.annotate("solved", (0, 2.5), xytext=(2, 3), textcoords="offset points", color="0.45", fontsize=9)
    axes.set(xlabel="minutes since the start", ylabel="greedy test return", title=title, ylim=(0, None), xlim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--preset", default="solve")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path, default=Path("runs/solve"))
    parser.add_argument("--episodes", type=int, default=1_000)
    parser.add_argument("--thresholds", type=float, nargs="*", default=[2.5])
    parser.add_argument("--plot", type=Path)
    parser.add_argument("words", nargs="*", help="overrides, as for lockstep train")
    arguments = parser.parse_args()
    runs = [trained(arguments.preset, seed, arguments.out, arguments.words) for seed in arguments.seeds]
    print(json.dumps([judged(run, arguments.episodes, arguments.thresholds) for run in runs], indent=1))
    if arguments.plot:
        plot(runs, arguments.plot, f"{arguments.preset}: QMIX on rware-tiny-2ag-v2, 100 steps, 2 CPU cores")


if __name__ == "__main__":
    main()
