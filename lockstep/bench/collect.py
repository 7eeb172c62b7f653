"""How many env steps a second a team plays, everything included: `lockstep bench collect`."""

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

from lockstep.algorithms.registry import build
from lockstep.algorithms.shares import one_thread
from lockstep.bench.timing import interleaved, machine
from lockstep.config.load import load_config
from lockstep.envs.vector_env import VectorEnv
from lockstep.networks.policy import GreedyPolicy
from lockstep.policy import Policy, RandomPolicy
from lockstep.rollout import collect
from lockstep.training.session import make_env

TEAMS = {"GRU 64": "report-final", "feed-forward 128": "solve"}


@dataclass(frozen=True)
class CollectRow:
    """Observing, acting, stepping and recording; medians over interleaved rounds."""

    team: str
    lanes: int
    env_steps_per_second: float


def bench_collect(rounds: int = 5, seconds: float = 1.0, lanes: int = 512) -> dict[str, Any]:
    """Whole episodes of 100 steps on rware-tiny-2ag-v2, greedy and random. The result is ready for JSON."""
    one_thread()
    env: VectorEnv = make_env(load_config("report-final", []), lanes, seed=0)
    works, envs = {}, {}
    for team, preset in TEAMS.items():
        config = load_config(preset, ["training.num_threads=1"])
        envs[team] = make_env(config, lanes, seed=0)
        spec = envs[team].spec
        works[team] = _play(envs[team], GreedyPolicy(build(spec, config).agent, spec, config.network))
    works["random"] = _play(env, RandomPolicy(env.spec.num_actions, np.random.default_rng(0)))
    seen = interleaved(works, rounds, seconds)
    steps = lanes * env.spec.time_limit
    rows = [asdict(CollectRow(team, lanes, steps / median(times))) for team, times in seen.items()]
    return {"machine": machine(), "rounds": rounds, "rows": rows}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = ["| team | lanes | env steps/s |", "|---|---:|---:|"]
    lines += [f"| {row['team']} | {row['lanes']} | {row['env_steps_per_second']:,.0f} |" for row in result["rows"]]
    return "\n".join(lines)


def _play(env: VectorEnv, policy: Policy) -> Any:
    return lambda: collect(env, policy, seed=0)
