"""The particle games beside mpe2, and what programmed teams earn in them: the tables of docs/worlds.md.

    python benchmarks/particles.py            speed; one JSON object a game on standard error
    python benchmarks/particles.py --teams    1,000 episodes of everything

Speed is that of random play on one thread: 1,024 lanes of ours, one game of the package behind its own parallel_env,
with nothing of ours around it, in turn. Medians of processor time, because a busy machine stretches any other.
"""

import argparse
import importlib
import json
import statistics
import sys
import time
from itertools import product
from typing import Any

import numpy as np

from lockstep.envs.particles.games import GAMES
from lockstep.envs.registry import family_of, make_vec

LANES, STEPS, PACKAGE_EPISODES = 1024, 25, 40
EPISODES, SEED = 1000, 1


def ours(name: str) -> float:
    """Env steps a second."""
    env = make_vec(f"mpe:{name}", LANES, max_cycles=STEPS)
    counts = GAMES[name]().num_actions
    actions = np.random.default_rng(0).integers(counts, size=(STEPS, LANES, len(counts)))
    env.reset(0)
    started = time.process_time()
    for moves in actions:
        env.step(moves)
    return LANES * STEPS / (time.process_time() - started)


def theirs(name: str) -> float:
    """The same of the package."""
    env: Any = importlib.import_module(f"mpe2.{name}").parallel_env(max_cycles=STEPS)
    counts = GAMES[name]().num_actions
    rng = np.random.default_rng(0)
    actions = rng.integers(counts, size=(PACKAGE_EPISODES, STEPS, len(counts))).tolist()
    seconds = 0.0
    for episode in actions:
        env.reset(seed=0)
        started = time.process_time()
        for moves in episode:
            env.step(dict(zip(env.possible_agents, moves, strict=True)))
        seconds += time.process_time() - started
    return PACKAGE_EPISODES * STEPS / seconds


def speed(rounds: int) -> None:
    """Print the table of speeds."""
    print("| game | ours, env steps/s | mpe2 | times |\n|---|---:|---:|---:|")
    for name in GAMES:
        pairs = [(ours(name), theirs(name)) for _ in range(rounds + 1)][1:]  # the first also warms up
        mine, package = (statistics.median(column) for column in zip(*pairs, strict=True))
        times = statistics.median(one / other for one, other in pairs)
        row = {"game": name, "ours": round(mine), "mpe2": round(package), "times": round(times)}
        print(json.dumps(row), file=sys.stderr)
        print(f"| `mpe:{name}` | {mine:,.0f} | {package:,.0f} | {times:,.0f} |", flush=True)


def teams() -> None:
    """Print what both sides earn, planned or at random."""
    print("| game | adversaries | good agents | adversaries earn | good agents earn |\n|---|---|---|---:|---:|")
    for name in GAMES:
        sides = [agent.adversary for agent in GAMES[name]().agents]
        for hunters, good in product(("random", "heuristic"), repeat=2):
            if not any(sides) and hunters == "heuristic":
                continue
            earned = returns(name, np.where(sides, hunters == "heuristic", good == "heuristic"))
            told = [
                "–" if not earned[:, side].size else f"{(sums := earned[:, side].sum(1)).mean():.1f} ± {sums.std():.1f}"
                for side in (np.array(sides), ~np.array(sides))
            ]
            who = (hunters if any(sides) else "–", good)
            print(f"| `{name}` | {' | '.join((*who, *told))} |", flush=True)


def returns(name: str, planned: Any) -> Any:
    """What every agent earns, (episodes, agents). planned: which of them do what the programmed team says."""
    env, rng = make_vec(f"mpe:{name}", EPISODES, SEED), np.random.default_rng(SEED)
    team = family_of(env.spec.key).heuristic(env)
    assert team is not None
    obs, earned = env.reset(), np.zeros((EPISODES, env.spec.num_agents))
    for _ in range(env.spec.time_limit):
        decided, _memory = team.act(obs, None, np.zeros(earned.shape, dtype=np.int64), None)
        chance = rng.integers(GAMES[name]().num_actions, size=earned.shape)
        step = env.step(np.where(planned, decided, chance))
        obs, earned = step.obs, earned + step.reward
    return earned


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--teams", action="store_true")
    chosen = parser.parse_args()
    if chosen.teams:
        teams()
    else:
        speed(chosen.rounds)
