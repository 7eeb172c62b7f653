"""How much faster a compiled world is collected where it plays the team by itself.

    python benchmarks/spread_play.py                                simple_spread
    python benchmarks/spread_play.py --key Foraging-8x8-2p-2f-v3

Whole greedy episodes, recorded, the two ways in turn; processor time, because a busy machine stretches any other.
"""

import argparse
import json
import statistics
import time
from typing import Any

from lockstep.algorithms.fast.shares import one_thread
from lockstep.algorithms.registry import build
from lockstep.config.load import load_config
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.registry import make_env
from lockstep.experience.rollout import collect
from lockstep.networks.greedy_policy import GreedyPolicy

TEAMS = {"GRU 64": ["network.recurrent=true"], "feed-forward 64": ["network.recurrent=false"]}
LANES = (1, 32, 512)


class OneByOne:
    """An environment that can do nothing but step."""

    def __init__(self, env: VectorEnv) -> None:
        self.spec, self.num_envs, self.reset, self.step = env.spec, env.num_envs, env.reset, env.step
        self.available_actions, self.state, self.close = env.available_actions, env.state, env.close
        self.get_state, self.set_state = env.get_state, env.set_state


def measure(lanes: int, words: list[str], rounds: int) -> dict[str, Any]:
    """Env steps a second of processor time, medians over interleaved rounds."""
    config = load_config("report-week1", ["training.num_threads=1", *words])
    env: VectorEnv = make_env(config.env, lanes, seed=0)
    policy = GreedyPolicy(build(env.spec, config).actor, env.spec, config.network)
    ways: dict[str, VectorEnv] = {"whole": env, "steps": OneByOne(env)}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    repeats = max(1, 256 // lanes)
    for number in range(rounds + 1):  # the first also warms up
        for way, world in ways.items():
            started = time.process_time()
            for _ in range(repeats):
                collect(world, policy, seed=0)
            if number:
                seconds[way].append((time.process_time() - started) / repeats)
    steps = int(collect(env, policy, seed=0).lengths().sum())
    return {
        "lanes": lanes,
        "env_steps_per_second": round(steps / statistics.median(seconds["whole"])),
        "step_by_step": round(steps / statistics.median(seconds["steps"])),
        "times_faster": round(
            statistics.median(b / a for a, b in zip(seconds["whole"], seconds["steps"], strict=True)), 2
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--key", default="mpe:simple_spread_v3")
    chosen = parser.parse_args()
    one_thread()
    for team, words in TEAMS.items():
        for lanes in LANES:
            print(
                json.dumps({"team": team, **measure(lanes, [f"env.key={chosen.key}", *words], chosen.rounds)}),
                flush=True,
            )


if __name__ == "__main__":
    main()
