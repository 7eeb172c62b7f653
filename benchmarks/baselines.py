"""What random play and a sensible programmer's team earn: the table of docs/baselines.md.

python benchmarks/baselines.py > baselines.json              plays 1,000 episodes of everything
python benchmarks/baselines.py --table baselines.json        prints it as Markdown
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from lockstep.envs.registry import make_vec
from lockstep.envs.rware.heuristic import HeuristicPolicy
from lockstep.envs.rware.simulator import Simulator

KEYS = [
    f"rware-{size}-{agents}ag{level}-v2"
    for size in ("tiny", "small", "medium")
    for agents in (2, 4)
    for level in ("-easy", "", "-hard")
]
LENGTHS = (100, 500)
SEED = 2_000_000
"""Lane i plays the warehouse that the official package starts with seed SEED + i."""


def measured(key: str, time_limit: int, policy: str, episodes: int) -> dict[str, Any]:
    """Team returns of one policy on one task, an episode a lane."""
    env = make_vec(key, episodes, SEED, time_limit)
    assert isinstance(env, Simulator)
    start = time.perf_counter()
    obs = env.reset()
    if policy == "random":
        shape = (time_limit, episodes, env.spec.num_agents)
        actions = np.random.default_rng(SEED).integers(env.spec.num_actions, size=shape, dtype=np.int8)
        returns = env.play(actions).sum((0, 2))
    else:
        team, memory, returns = HeuristicPolicy(env), None, np.zeros(episodes, dtype=np.float32)
        for _ in range(time_limit):
            chosen, memory = team.act(obs, None, None, memory)
            returns += env.step(chosen).reward.sum(-1)
    env.close()
    return {
        "key": key,
        "time_limit": time_limit,
        "policy": policy,
        "episodes": episodes,
        "return_mean": round(float(returns.mean()), 4),
        "return_std": round(float(returns.std()), 4),
        "return_min": float(returns.min()),
        "return_max": float(returns.max()),
        "seconds": round(time.perf_counter() - start, 1),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """A line for every key, a column for every length and policy."""
    by_task = {(row["key"], row["time_limit"], row["policy"]): row for row in rows}
    columns = [(length, policy) for length in LENGTHS for policy in ("random", "heuristic")]
    head = "| key | " + " | ".join(f"{length} steps, {policy}" for length, policy in columns) + " |"
    lines = [head, "|---|" + "---:|" * len(columns)]
    for key in dict.fromkeys(row["key"] for row in rows):
        cells = [_cell(by_task[key, length, policy]) for length, policy in columns]
        lines.append(f"| `{key}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(row: dict[str, Any]) -> str:
    mean, std = row["return_mean"], row["return_std"]
    return f"{mean:.3f} ± {std:.2f}" if row["policy"] == "random" else f"**{mean:.2f}** ± {std:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keys", nargs="+", default=KEYS)
    parser.add_argument("--episodes", type=int, default=1_000)
    parser.add_argument("--table", type=Path, metavar="FILE", help="print an earlier result instead")
    arguments = parser.parse_args()
    if arguments.table:
        print(table(json.loads(arguments.table.read_text())))
        return
    rows = []
    for key in arguments.keys:
        for length in LENGTHS:
            for policy in ("random", "heuristic"):
                rows.append(measured(key, length, policy, arguments.episodes))
                print(rows[-1], file=sys.stderr, flush=True)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
