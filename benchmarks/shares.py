"""How long an update takes on one process and on several: the curve by which the number of shares is chosen.

    python benchmarks/shares.py --shares 1 2 4

Beside the quickest of many updates stands the processor time that the learner itself took in it, which other work on
the machine does not touch, and what `lockstep.algorithms.fast.shares.update_ms` expects. With more shares than there
are cores the processor time goes on telling what a share costs.
"""

import argparse
import json
import time

import numpy as np
import torch

from lockstep.acting.policy import RandomPolicy
from lockstep.algorithms.fast.shares import one_thread, update_ms
from lockstep.algorithms.registry import build
from lockstep.config.load import load_config
from lockstep.envs.registry import make_env
from lockstep.experience.replay import build_replay
from lockstep.experience.rollout import collect

WORKLOADS = {
    "the pieces of solve": ("solve", (32, 64, 128, 256)),
    "whole episodes, GRU": ("report-final", (32, 64, 128, 256)),
}


def measured(preset: str, batch_size: int, shares: int, updates: int) -> dict[str, float]:
    """Milliseconds of an update: on the clock, of the learner's processor, and expected."""
    words = [
        f"replay.batch_size={batch_size}",
        f"training.num_threads={shares}",
        "replay.buffer_size=1000",
        "training.learner_share=1",
    ]
    config = load_config(preset, words)
    env = make_env(config.env, 256, seed=0)
    replay = build_replay(env.spec, config.replay, torch.device("cpu"))
    replay.add(collect(env, RandomPolicy(env.spec.num_actions, np.random.default_rng(0))))
    batch, learner = replay.sample(np.random.default_rng(1)), build(env.spec, config)
    clock, processor = [], []
    for _ in range(updates):
        start, busy = time.perf_counter(), time.process_time()
        learner.update(batch)
        clock.append(time.perf_counter() - start)
        processor.append(time.process_time() - busy)
    told = {
        "clock": 1e3 * min(clock),
        "processor": 1e3 * min(processor),
        "expected": update_ms(config, env.spec, shares),
    }
    return {name: round(value, 2) for name, value in told.items()}


def main() -> None:
    """Print a table, or rows of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shares", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    one_thread()
    for name, (preset, sizes) in WORKLOADS.items():
        for size in sizes:
            row = {shares: measured(preset, size, shares, arguments.updates) for shares in arguments.shares}
            told = {"workload": name, "episodes": size, "ms": row}
            print(json.dumps(told) if arguments.json else f"{name}, {size}: {row}", flush=True)


if __name__ == "__main__":
    main()
