"""How many env steps a second a team plays, everything included: `lockstep bench collect`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
import torch

from lockstep.acting.exploration import Choice, Explorer
from lockstep.acting.policy import Policy
from lockstep.algorithms.fast.shares import one_thread
from lockstep.algorithms.registry import build
from lockstep.arrays import Actions, Mask, Obs
from lockstep.bench.timing import interleaved, machine, median_ratio
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import make_env
from lockstep.experience.rollout import collect
from lockstep.networks.greedy_policy import GreedyPolicy

TEAMS = {"GRU 64": "report-final", "feed-forward 128": "solve"}
LANES = (1, 64, 512)


@dataclass(frozen=True)
class CollectRow:
    """Observing, acting, stepping and recording; medians over interleaved rounds."""

    team: str
    lanes: int
    env_steps_per_second: float
    step_by_step: float
    """The same with torch's forward pass at every step."""
    times_faster: float


class TorchPolicy:
    """What `GreedyPolicy` does, by torch, a step at a time."""

    def __init__(self, policy: GreedyPolicy, *, sampled: bool) -> None:
        self.policy, self.sampled = policy, sampled

    def act(self, obs: Obs, available: Mask | None, last_actions: Actions, memory: Any) -> tuple[Actions, Any]:
        """See `lockstep.acting.policy.Policy.act`."""
        assert available is None, "warehouses allow every action"
        q, memory = self.policy.values(obs, last_actions, memory)
        if self.sampled:
            q = q.log_softmax(-1) - torch.empty_like(q).exponential_().log()
        return q.argmax(-1).cpu().numpy(), memory


def bench_collect(
    rounds: int = 5, seconds: float = 1.0, lanes: tuple[int, ...] = LANES, algorithm: str = ""
) -> dict[str, Any]:
    """Whole episodes of 100 steps on rware-tiny-2ag-v2, by as many threads as a training's where that pays: greedy,
    or as the algorithm's training draws them.

    algorithm: whose agents play; empty: QMIX's. The result is ready for JSON.
    """
    words = [f"algorithm={algorithm}"] if algorithm else []
    one_thread()
    rows = []
    for team, preset in TEAMS.items():
        config = load_config(preset, ["training.num_threads=1", *words])
        for count in lanes:
            spec = make_env(config.env, count, seed=0).spec
            learner = build(spec, config)
            policy, sampled = GreedyPolicy(learner.actor, spec, config.network), learner.choice == "sampled"
            works = {
                "whole": _play(config, count, policy, learner.choice),
                "steps": _play(config, count, TorchPolicy(policy, sampled=sampled), "greedy"),
            }
            seen = interleaved(works, rounds, seconds)
            steps = count * spec.time_limit
            whole, step_by_step = steps / median(seen["whole"]), steps / median(seen["steps"])
            rows.append(
                asdict(CollectRow(team, count, whole, step_by_step, median_ratio(seen["steps"], seen["whole"])))
            )
    return {"machine": machine(), "rounds": rounds, "rows": rows}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = ["| team | lanes | env steps/s | step by step | times faster |", "|---|---:|---:|---:|---:|"]
    lines += [
        f"| {row['team']} | {row['lanes']} | {row['env_steps_per_second']:,.0f} | {row['step_by_step']:,.0f} | "
        f"{row['times_faster']:.1f} |"
        for row in result["rows"]
    ]
    return "\n".join(lines)


def _play(config: RunConfig, lanes: int, policy: Policy, choice: Choice) -> Callable[[], object]:
    env, rng = make_env(config.env, lanes, seed=0), np.random.default_rng(0)

    def play() -> object:
        explorer = None
        if choice == "sampled":
            explorer = Explorer(
                config.exploration, np.zeros(lanes), env.spec.num_agents, env.spec.num_actions, rng, choice
            )
        return collect(env, policy, explorer, seed=0)

    return play
