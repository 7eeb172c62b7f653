"""simple_spread: train every algorithm for several seeds, judge all of them and two untrained teams, draw the curves.

    python benchmarks/week1.py --seeds 1 2 3 --out runs/week1 --plot docs/media/week1.svg

Prints a table in three conventions of counting reward. A finished run is not trained again, so the command can be
interrupted and repeated.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.mpe.heuristic import LandmarkAssignment
from lockstep.envs.registry import make_vec
from lockstep.policy import Policy, RandomPolicy
from lockstep.run_directory import RunDirectory, read_rows
from lockstep.training.evaluate import evaluate, evaluation_lanes
from lockstep.training.evaluate_run import evaluate_run

KEY, NUM_AGENTS, NUM_ACTIONS = "mpe:simple_spread_v3", 3, 5
ALGORITHMS = ("qmix", "vdn", "iql")
PUBLISHED = -33.0
"""JaxMARL's VDN, read off its figure; on the scale of the team's sum, see docs/worlds.md."""
COLORS = {"qmix": "#0072b2", "vdn": "#d55e00", "iql": "#009e73"}  # Okabe and Ito: safe for color-blind readers


def trained(algorithm: str, seed: int, out: Path, words: list[str]) -> RunDirectory:
    """The finished run of one algorithm and seed; trained or resumed where it is not finished."""
    path = out / f"{algorithm}-s{seed}"
    run = RunDirectory(path)
    lockstep = [sys.executable, "-m", "lockstep"]
    if not run.config.is_file():
        arguments = ["report-week1", f"algorithm.name={algorithm}", f"seed={seed}", *words]
        subprocess.run([*lockstep, "train", *arguments, "-q", "--out", str(path)], check=True)
    elif run.read_info().get("status") not in ("solved", "finished"):
        subprocess.run([*lockstep, "resume", str(path), "-q"], check=True)
    return run


def line(name: str, returns: NDArray[np.float64], effort: str) -> str:
    """A row of the table: the team's sum with its standard deviation, per agent, and old MPE's shared reward."""
    team = returns.mean()
    return (
        f"| {name} | {team:.2f} ± {returns.std():.2f} | {team / NUM_AGENTS:.2f} | {2 * team:.1f} "
        f"| {2 * team - 75:.1f} | {effort} |"
    )


def plot(runs: dict[str, list[RunDirectory]], out: Path) -> None:
    """Test return over gradient updates, one line a run."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 10, "svg.hashsalt": "lockstep"})
    figure, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    for algorithm, its_runs in runs.items():
        for number, run in enumerate(its_runs):
            rows = read_rows(run.evaluations)
            axes.plot(
                [row["updates"] / 1000 for row in rows],
                [row["test_return_mean"] for row in rows],
                color=COLORS[algorithm],
                lw=1.4,
                label=algorithm.upper() if number == 0 else None,
            )
    axes.axhline(PUBLISHED, color="0.45", lw=1, ls=(0, (4, 3)))
    axes.annotate("published", (0, PUBLISHED), xytext=(2, 3), textcoords="offset points", color="0.45", fontsize=9)
    axes.set(xlabel="thousand updates", ylabel="greedy test return (team's sum)", title=f"{KEY}, 25 steps")
    axes.set_xlim(0, None)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--algorithms", nargs="+", choices=ALGORITHMS, default=list(ALGORITHMS))
    parser.add_argument("--out", type=Path, default=Path("runs/week1"))
    parser.add_argument("--episodes", type=int, default=1_000)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("words", nargs="*", help="overrides, as for lockstep train")
    arguments = parser.parse_args()

    runs: dict[str, list[RunDirectory]] = {algorithm: [] for algorithm in arguments.algorithms}
    for seed in arguments.seeds:
        for algorithm in arguments.algorithms:
            runs[algorithm].append(trained(algorithm, seed, arguments.out, arguments.words))
    print("| team | sum | per agent | shared, unscaled | with self-collisions | updates, env steps, minutes |")
    print("|---|---:|---:|---:|---:|---|")
    env = make_vec(KEY, evaluation_lanes(arguments.episodes))
    untrained: dict[str, Policy] = {
        "random": RandomPolicy(NUM_ACTIONS, np.random.default_rng(1)),
        "landmark assignment": LandmarkAssignment(NUM_AGENTS),
    }
    for name, policy in untrained.items():
        print(line(name, evaluate(policy, env, arguments.episodes, seed=1).returns, ""))
    for algorithm in arguments.algorithms:
        for run in runs[algorithm]:
            last = read_rows(run.evaluations)[-1]
            effort = f"{last['updates']:,}, {last['env_steps']:,}, {last['wall_seconds'] / 60:.1f}"
            returns = evaluate_run(run, arguments.episodes).evaluation.returns
            print(line(run.path.name, returns, effort), flush=True)
    if arguments.plot:
        plot(runs, arguments.plot)


if __name__ == "__main__":
    main()
