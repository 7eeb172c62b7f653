"""How long one update takes, and what it could take at best: `lockstep bench learner`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from lockstep.acting.policy import RandomPolicy
from lockstep.algorithms.fast.shares import num_shares, one_thread
from lockstep.algorithms.registry import build
from lockstep.algorithms.stepwise import both_ways
from lockstep.bench.timing import gpu_peak_flops, interleaved, machine, median_ratio, peak_flops
from lockstep.compute.machine import resident_mib
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import make_env
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.replay import EpisodeStore, build_replay
from lockstep.experience.rollout import collect
from lockstep.spec import EnvSpec
from lockstep.training.command import check

WORKLOADS = {
    "256 whole episodes, GRU": ("report-final", ["algorithm.standardize_rewards=false", "algorithm.td_lambda=0.8"]),
    "the pieces of solve": ("solve", ["replay.rewarding_fraction=0"]),
}
REPLAY_EPISODES = 200_000


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
    rounds: int = 5, seconds: float = 1.0, num_threads: int = 0, device: str = "cpu", algorithm: str = "qmix"
) -> dict[str, Any]:
    """Time an algorithm's updates against the same loss worked out step by step. The result is ready for JSON."""
    check(load_config("report-final", [f"training.device={device}"]))
    peak = gpu_peak_flops() if device == "cuda" else peak_flops(num_threads or machine()["processors"])
    rows = []
    for name, (preset, words) in WORKLOADS.items():
        where = [f"training.num_threads={num_threads}", f"training.device={device}", f"algorithm={algorithm}"]
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
    spec, batch, replay = _experience(config)
    learner, (_, stepwise) = build(spec, config), both_ways(spec, config, config.training.device)
    rng, shares = np.random.default_rng(0), num_shares(config, spec)
    on_gpu = config.training.device == "cuda"

    def done(work: Callable[[], object]) -> Callable[[], None]:
        def wait_for_it() -> None:
            work()
            if on_gpu:
                torch.cuda.synchronize()

        return wait_for_it

    def on_threads(num_threads: int) -> None:
        torch.set_num_threads(num_threads)
        stepwise(batch)
        torch.set_num_threads(1)

    one_thread()
    seen = interleaved(
        {
            "update": done(lambda: learner.update(batch)),
            "one thread": done(lambda: on_threads(1)),
            "all threads": done(lambda: on_threads(shares)),
            "sample": done(lambda: replay.sample(rng)),
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
    page, _ = both_ways(spec, config, "cpu")
    with FlopCounterMode(display=False) as counter:
        page(batch.to(torch.device("cpu")))
    return int(counter.get_total_flops())


def _experience(config: RunConfig) -> tuple[Any, EpisodeBatch, Any]:
    """A spec, a batch as the configuration studies it, and a replay that can draw such batches."""
    env = make_env(config.env, 256, seed=0)
    episodes = collect(env, RandomPolicy(env.spec.num_actions, np.random.default_rng(0)))
    replay = build_replay(env.spec, config.replay, torch.device(config.training.device))
    replay.add(episodes)
    return env.spec, replay.sample(np.random.default_rng(1)), replay


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
