"""How long one update takes, and what it could take at best: `lockstep bench learner`."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from lockstep.acting.policy import RandomPolicy
from lockstep.algorithms import stepwise, stepwise_actor_critic
from lockstep.algorithms.fast.shares import num_shares, one_thread
from lockstep.algorithms.registry import algorithm_of, batch_shape, build, recorded
from lockstep.algorithms.stepwise import Work
from lockstep.bench.timing import gpu_peak_flops, interleaved, machine, median_ratio, peak_flops
from lockstep.compute.machine import resident_mib
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.config.schema.actor_critic import ActorCriticConfig
from lockstep.envs.registry import make_env
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.replay import EpisodeStore, build_replay
from lockstep.experience.rollout import collect
from lockstep.spec import EnvSpec
from lockstep.training.command import check

Workloads = Mapping[str, tuple[str, list[str]]]
"""What is timed, by what it is called: a preset, and words that change it."""
WORKLOADS: Workloads = {
    "256 whole episodes, GRU": ("report-final", ["algorithm.standardize_rewards=false", "algorithm.td_lambda=0.8"]),
    "the pieces of solve": ("solve", ["replay.rewarding_fraction=0"]),
}
REPLAY_EPISODES = 200_000


def workloads_of(algorithm: str) -> Workloads:
    """What one update of an algorithm studies in two presets: pieces or a part of what was just played."""
    return {f"{algorithm}, {preset}": (preset, [f"algorithm={algorithm}"]) for preset in ("solve", "master-500")}


@dataclass(frozen=True)
class LearnerRow:
    """Medians over interleaved rounds, in milliseconds."""

    workload: str
    shares: int
    update_ms: float
    stepwise_ms: float
    """The straightforward reading, on one of torch's threads or as many as there are shares, whichever is faster."""
    ratio: float
    sample_ms: float
    gflop: float
    limit_ms: float
    """The arithmetic at the speed of a large float32 product on all threads."""


def bench_learner(
    rounds: int = 5, seconds: float = 1.0, num_threads: int = 0, device: str = "cpu", algorithm: str = ""
) -> dict[str, Any]:
    """Time updates against the same loss worked out step by step. The result is ready for JSON.

    algorithm: which one; empty: QMIX, in the workloads that are its own
    """
    check(load_config("report-final", [f"training.device={device}"]))
    peak = gpu_peak_flops() if device == "cuda" else peak_flops(num_threads or machine()["processors"])
    rows = []
    for name, (preset, words) in (workloads_of(algorithm) if algorithm else WORKLOADS).items():
        where = [f"training.num_threads={num_threads}", f"training.device={device}"]
        rows.append(asdict(_bench_update(name, load_config(preset, [*words, *where]), rounds, seconds, peak)))
    return {"machine": machine(), "peak_gflops": peak / 1e9, "rounds": rounds, "rows": rows, "replay": _replay_memory()}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "| update | shares | ms | step by step, ms | × | sampling, ms | GFLOP | limit, ms |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['workload']} | {row['shares']} | {row['update_ms']:.1f} | {row['stepwise_ms']:.1f} | "
        f"{row['ratio']:.2f} | {row['sample_ms']:.2f} | {row['gflop']:.2f} | {row['limit_ms']:.1f} |"
        for row in result["rows"]
    ]
    replay = result["replay"]
    return "\n".join(lines) + (
        f"\n\nA large float32 product runs at {result['peak_gflops']:,.0f} GFLOP/s here. {replay['episodes']:,} "
        f"remembered episodes of 100 steps and 2 agents occupy {replay['resident_bytes'] / 1e6:,.0f} MB."
    )


def _bench_update(name: str, config: RunConfig, rounds: int, seconds: float, peak: float) -> LearnerRow:
    spec, batch, sample = _experience(config)
    learner, (_, naive) = build(spec, config), _both_ways(config)(spec, config, config.training.device)
    shares, fresh = num_shares(config, spec), algorithm_of(config).feed == "fresh"
    on_gpu = config.training.device == "cuda"

    def done(work: Callable[[], object]) -> Callable[[], None]:
        def wait_for_it() -> None:
            work()
            if on_gpu:
                torch.cuda.synchronize()

        return wait_for_it

    def on_threads(num_threads: int) -> None:
        torch.set_num_threads(num_threads)
        naive(batch)
        torch.set_num_threads(1)

    one_thread()
    seen = interleaved(
        {
            "update": done(lambda: learner.update(learner.prepare(batch) if fresh else batch)),
            "one thread": done(lambda: on_threads(1)),
            "all threads": done(lambda: on_threads(shares)),
            "sample": done(sample),
        },
        rounds,
        seconds,
    )
    best = min(seen["one thread"], seen["all threads"], key=median)
    flop = _operations(spec, config, batch)
    return LearnerRow(
        workload=name,
        shares=shares,
        update_ms=1e3 * median(seen["update"]),
        stepwise_ms=1e3 * median(best),
        ratio=median_ratio(best, seen["update"]),
        sample_ms=1e3 * median(seen["sample"]),
        gflop=flop / 1e9,
        limit_ms=1e3 * flop / peak,
    )


def _operations(spec: EnvSpec, config: RunConfig, batch: EpisodeBatch) -> int:
    """Floating-point operations of the products in one gradient, counted where all of them are torch's."""
    page, _ = _both_ways(config)(spec, config, "cpu")
    with FlopCounterMode(display=False) as counter:
        page(batch.to(torch.device("cpu")))
    return int(counter.get_total_flops())


def _both_ways(config: RunConfig) -> Callable[[EnvSpec, RunConfig, str], tuple[Work, Work]]:
    """How an algorithm's gradient is worked out by its page, and step by step."""
    if isinstance(config.algorithm, ActorCriticConfig):
        return stepwise_actor_critic.both_ways
    return stepwise.both_ways


def _experience(config: RunConfig) -> tuple[EnvSpec, EpisodeBatch, Callable[[], object]]:
    """A spec, a batch as the configuration studies it, and what draws such a batch."""
    fresh, rng = algorithm_of(config).feed == "fresh", np.random.default_rng(1)
    env = make_env(config.env, batch_shape(config, 1)[0] if fresh else 256, seed=0)
    env.spec = recorded(env.spec, config)
    episodes = collect(env, RandomPolicy(env.spec.num_actions, np.random.default_rng(0)))
    if fresh:
        return env.spec, episodes, lambda: episodes.select(torch.from_numpy(rng.permutation(episodes.num_episodes)))
    replay = build_replay(env.spec, config.replay, torch.device(config.training.device))
    replay.add(episodes)
    return env.spec, replay.sample(rng), lambda: replay.sample(rng)


def _replay_memory() -> dict[str, float]:
    """What 200,000 episodes of 100 steps and two agents occupy, by really remembering them."""
    config = load_config("report-final", [])
    env = make_env(config.env, 200, seed=0)
    episodes = collect(env, RandomPolicy(env.spec.num_actions, np.random.default_rng(0)))
    before = resident_mib()
    store = EpisodeStore(env.spec, REPLAY_EPISODES, torch.device("cpu"))
    while store.size < REPLAY_EPISODES:
        store.add(episodes)
    return {"episodes": store.size, "resident_bytes": (resident_mib() - before) * 2**20}
