"""Train a preset for several seeds, judge each on the official package, print JSON, and draw the curves.

    python benchmarks/solve.py --seeds 1 2 3 --out runs/solve --plot docs/media/solve.svg

A finished seed is not trained again, so the command can be interrupted and repeated.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from trainings import finished

from lockstep.analysis.curves import curve
from lockstep.analysis.plots import Level, Line, line_figure, save_figure
from lockstep.config.load import load_config
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.reader import RunReader
from lockstep.teams.judge import judge


def trained(preset: str, seeds: list[int], out: Path, words: list[str]) -> list[RunDirectory]:
    """The finished runs; trained or resumed where they are not finished."""
    name = Path(preset).stem
    return finished([(name, load_config(preset, [*words, f"seed={seed}"])) for seed in seeds], out)


def judged(run: RunDirectory, episodes: int, thresholds: list[float]) -> dict[str, Any]:
    """How a run went, when it first passed each threshold, and its best policy on the official package."""
    official = judge(run, episodes, "official").row()
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


def plot(runs: list[RunDirectory], out: Path, preset: str) -> None:
    """Test return over minutes, one line a seed."""
    records = [RunReader.open(run.path) for run in runs]
    config = records[0].config
    figure = line_figure(
        [Line(f"seed {run.config.seed}", *curve(run, "test_return_mean", over="minutes")) for run in records],
        title=f"{preset} on {config.env.key}",
        subtitle=f"greedy test return in {config.env.time_limit} steps, {config.evaluation.episodes} episodes",
        x_label="minutes of training",
        levels=[Level(2.5, "solved")] if config.env.time_limit == 100 else [],
    )
    save_figure(figure, out)


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
    runs = trained(arguments.preset, arguments.seeds, arguments.out, arguments.words)
    print(json.dumps([judged(run, arguments.episodes, arguments.thresholds) for run in runs], indent=1))
    if arguments.plot:
        plot(runs, arguments.plot, arguments.preset)


if __name__ == "__main__":
    main()
