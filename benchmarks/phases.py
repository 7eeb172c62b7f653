"""Where a delivery's time goes, for trained teams and the heuristic one: `python benchmarks/phases.py RUN…`.

Prints a Markdown table of robot steps for one delivery: to the goal, back with the delivered shelf, and in search of
the next one. All teams of a task play the same 256 episodes.
"""

import argparse
from pathlib import Path

from lockstep.acting.policy import Policy
from lockstep.config.load import load_config
from lockstep.envs.onset_memory import underneath
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.registry import family_of, make_env
from lockstep.experience.evaluate import evaluate
from lockstep.runs.directory import RunDirectory
from lockstep.teams.play import heuristic_policy
from lockstep.training.checkpoints.checkpoint import load_policy

EPISODES, SEED = 256, 5_000_000


def row(name: str, policy: Policy, env: VectorEnv, time_limit: int) -> str:
    """A team's row."""
    evaluation = evaluate(policy, env, EPISODES, SEED)
    behavior = family_of(env.spec.key).facts(underneath(env), evaluation.first_round.actions.numpy(), SEED)
    mean = float(evaluation.returns.mean())
    steps = env.spec.num_agents * time_limit / mean
    held, loaded = behavior["test_held_delivered_share"], behavior["test_loaded_share"]
    parts = (steps, (loaded - held) * steps, held * steps, (1 - loaded) * steps)
    return f"| {name} | {mean:.2f} | {' | '.join(f'{part:.1f}' for part in parts)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", type=Path, nargs="+")
    arguments = parser.parse_args()
    print("| team | return | robot steps a delivery | to the goal | back | searching |")
    print("|---|---:|---:|---:|---:|---:|")
    for path in arguments.runs:
        run = RunDirectory(path)
        config = load_config(str(run.config))
        env = make_env(config.env, EPISODES, SEED)
        steps = env.spec.time_limit
        print(row(path.name, load_policy(run)[0], env, steps))
        print(row(f"heuristic, {config.env.key}, {steps} steps", heuristic_policy(env), env, steps))
        env.close()


if __name__ == "__main__":
    main()
