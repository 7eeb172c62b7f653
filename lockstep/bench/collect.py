"""How many env steps a second a team plays, everything included: `lockstep bench collect`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from lockstep.acting.policy import Policy
from lockstep.algorithms.fast.shares import one_thread
from lockstep.algorithms.registry import build
from lockstep.arrays import Actions, Mask, Obs
from lockstep.bench.timing import interleaved, machine, median_ratio
from lockstep.config.load import load_config
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

    def __init__(self, policy: GreedyPolicy) -> None:
        self.policy = policy

    def act(self, obs: Obs, available: Mask | None, last_actions: Actions, memory: Any) -> tuple[Actions, Any]:
        """See `lockstep.acting.policy.Policy.act`."""
        assert available is None, "warehouses allow every action"
        q, memory = self.policy.values(obs, last_actions, memory)
        return q.argmax(-1).cpu().numpy(), memory


def bench_collect(rounds: int = 5, seconds: float = 1.0, lanes: tuple[int, ...] = LANES) -> dict[str, Any]:
    """Whole greedy episodes of 100 steps on rware-tiny-2ag-v2, by as many threads as a training's where that pays.

    The result is ready for JSON.
    """
    one_thread()
    rows = []
    for team, preset in TEAMS.items():
        config = load_config(preset, ["training.num_threads=1"])
        for count in lanes:
            spec = make_env(config.env, count, seed=0).spec
            policy = GreedyPolicy(build(spec, config).actor, spec, config.network)
            works = {"whole": _play(config, count, policy), "steps": _play(config, count, TorchPolicy(policy))}
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


def _play(config: Any, lanes: int, policy: Policy) -> Callable[[], object]:
    env = make_env(config.env, lanes, seed=0)
    return lambda: collect(env, policy, seed=0)
