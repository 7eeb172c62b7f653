"""What random play and the programmed team earn on fields of food: a table of docs/baselines.md.

python benchmarks/foraging.py        1,000 episodes of everything
"""

import numpy as np

from lockstep.acting.policy import RandomPolicy
from lockstep.envs.registry import family_of, make_vec
from lockstep.experience.evaluate import evaluate

KEYS = (
    "Foraging-5x5-2p-1f-v3",
    "Foraging-8x8-2p-2f-v3",
    "Foraging-8x8-2p-2f-coop-v3",
    "Foraging-10x10-3p-3f-v3",
    "Foraging-15x15-3p-4f-v3",
    "Foraging-15x15-4p-3f-v3",
    "Foraging-19x19-9p-4f-coop-v3",
)
EPISODES, SEED = 1000, 1


def main() -> None:
    print("| key | random | heuristic | its steps |\n|---|---:|---:|---:|")
    for key in KEYS:
        env = make_vec(key, 100)
        team = family_of(key).heuristic(env)
        assert team is not None
        planned = evaluate(team, env, EPISODES, seed=SEED)
        chance = evaluate(RandomPolicy(env.spec.num_actions, np.random.default_rng(SEED)), env, EPISODES, seed=SEED)
        random, heuristic = (f"{one.returns.mean():.3f} ± {one.returns.std():.2f}" for one in (chance, planned))
        print(f"| `{key}` | {random} | {heuristic} | {planned.lengths.mean():.1f} |", flush=True)


if __name__ == "__main__":
    main()
