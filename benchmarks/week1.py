"""simple_spread: judge two untrained teams, and trained ones, in every way in which its reward is counted.

lockstep reproduce week1 --out runs/week1
python benchmarks/week1.py runs/week1/runs/*
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.policy import Policy, RandomPolicy
from lockstep.config.load import load_config
from lockstep.envs.particles.heuristic import LandmarkAssignment
from lockstep.envs.registry import make_vec
from lockstep.experience.evaluate import evaluate, evaluation_lanes
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.teams.judge import evaluate_run

KEY, NUM_AGENTS, NUM_ACTIONS = "mpe:simple_spread_v3", 3, 5


def line(name: str, returns: NDArray[np.float64], effort: str) -> str:
    """A row of the table: the team's sum with its standard deviation, per agent, and old MPE's shared reward."""
    team = returns.mean()
    return (
        f"| {name} | {team:.2f} ± {returns.std():.2f} | {team / NUM_AGENTS:.2f} | {2 * team:.1f} "
        f"| {2 * team - 75:.1f} | {effort} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--episodes", type=int, default=1_000)
    arguments = parser.parse_args()
    print("| team | sum | per agent | shared, unscaled | with self-collisions | updates, env steps, minutes |")
    print("|---|---:|---:|---:|---:|---|")
    env = make_vec(KEY, evaluation_lanes(load_config("report-week1"), arguments.episodes))
    untrained: dict[str, Policy] = {
        "random": RandomPolicy(NUM_ACTIONS, np.random.default_rng(1)),
        "landmark assignment": LandmarkAssignment(NUM_AGENTS),
    }
    for name, policy in untrained.items():
        print(line(name, evaluate(policy, env, arguments.episodes, seed=1).returns, ""))
    for path in arguments.runs:
        run = RunDirectory.open(path)
        last = read_rows(run.evaluations)[-1]
        effort = f"{last['updates']:,}, {last['env_steps']:,}, {last['wall_seconds'] / 60:.1f}"
        print(line(path.name, evaluate_run(run, arguments.episodes).evaluation.returns, effort), flush=True)


if __name__ == "__main__":
    main()
