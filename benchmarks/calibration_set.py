"""Configurations that the doctor is judged on: what people change, often far too far, at a scale of seconds.

Every one is a base and `key=value` words. Most play `smoke`'s small warehouse with a smaller network; others play
larger floors, the real tiny-2ag, a probe. The published experiment's three are scaled: what is counted in env steps or
episodes by 1/100 to 1/250, batches by 1/4 to 1/16, on the small floor.
"""

from collections.abc import Iterator

import numpy as np

from lockstep.config.load import load_config
from lockstep.config.presets import SMOKE_LAYOUT
from lockstep.config.schema import RunConfig

SEEDS = (1, 2)
SPLIT_SEED = 8
"""Of the draw that puts a configuration into the half for setting thresholds, or into the half for judging them."""

FLOORS = {
    "tall": "\n.....\n.x.x.\n.x.x.\n.x.x.\n.x.x.\n.....\n..g..\n",
    "far": "\n.......\n.xx.xx.\n.xx.xx.\n.......\n.......\n...g...\n",
}
SMALL = (
    "t_max=140_000",
    "warmup_env_steps=40_000",
    "epsilon_anneal_time=120_000",
    "lr=0.003",
    "batch_size=32",
    "hidden_dim=32",
    "mixing_embed_dim=8",
    "hypernet_embed_dim=16",
)
NO_WARMUP = ("warmup_env_steps=0", "rewarding_fraction=0")
SMALL_FLOOR = (f"env.arguments.layout={SMOKE_LAYOUT}", "env.time_limit=40", "num_envs=8", "updates_per_collection=8")
SHORT_TINY = ("num_envs=32", "hidden_dim=64", "updates_per_collection=24", "batch_size=32", "lr=0.002")

SMALL_VARIANTS: dict[str, tuple[str, ...]] = {
    "small": (),
    "lr-1e-6": ("lr=1e-6",),
    "lr-3e-5": ("lr=3e-5",),
    "lr-3e-4": ("lr=3e-4",),
    "lr-3e-2": ("lr=3e-2",),
    "lr-3e-1": ("lr=3e-1",),
    "gamma-0.3": ("gamma=0.3",),
    "gamma-0.7": ("gamma=0.7",),
    "gamma-0.9": ("gamma=0.9",),
    "updates-1": ("updates_per_collection=1",),
    "updates-4": ("updates_per_collection=4",),
    "short": ("t_max=60_000",),
    "tau-5e-4": ("target_tau=0.0005",),
    "sync-1000": ("target_tau=0", "target_sync_updates=1000"),
    "one-step": ("td_lambda=0",),
    "one-step-slow-target": ("td_lambda=0", "target_tau=0.001"),
    "no-second-memory": ("rewarding_fraction=0",),
    "short-memory": ("rewarding_fraction=0", "buffer_size=100"),
    "batch-4": ("batch_size=4",),
    "batch-128": ("batch_size=128", "updates_per_collection=6"),
    "whole-episodes": ("segment_steps=0", "batch_size=8"),
    "recurrent": ("network.recurrent=true", "segment_steps=0", "batch_size=8"),
    "standardized": ("standardise_rewards=true",),
    "limit-is-end": ("bootstrap_time_limit=false",),
    "epsilon-stays-1": ("epsilon_start=1", "epsilon_finish=1"),
    "epsilon-0.02": ("epsilon_start=0.02", "epsilon_finish=0.02"),
    "iql": ("mixer=None",),
    "vdn": ("mixer=vdn",),
    "four": ("env.arguments.n_agents=4", "env.arguments.request_queue_size=4", "env.arguments.layout=FLOOR tall"),
    "tall": ("env.arguments.layout=FLOOR tall", "env.time_limit=50"),
    "far": ("env.arguments.layout=FLOOR far", "env.time_limit=60", "t_max=240_000"),
    "cold-quick-epsilon": (*NO_WARMUP, "epsilon_start=1", "epsilon_finish=0.05", "epsilon_anneal_time=2_000"),
    "cold-slow-epsilon": (*NO_WARMUP, "epsilon_start=1", "epsilon_finish=0.05", "epsilon_anneal_time=100_000"),
    "cold-second-memory": ("warmup_env_steps=0",),
    "cold-epsilon-0.02": (*NO_WARMUP, "epsilon_start=0.02", "epsilon_finish=0.02"),
    "cold-far": (*NO_WARMUP, "env.arguments.layout=FLOOR far", "env.time_limit=60", "epsilon_anneal_time=10_000"),
    "cold-standardized": (*NO_WARMUP, "standardise_rewards=true", "epsilon_start=1", "epsilon_anneal_time=60_000"),
    "warmup-4k": ("warmup_env_steps=4_000",),
    "warmup-400k": ("warmup_env_steps=400_000", "t_max=500_000"),
}
COIN = (
    "smoke",
    "env.key=probe-coin",
    "env.arguments={}",
    "env.time_limit=None",
    "t_max=8_000",
    "warmup_env_steps=0",
    "segment_steps=0",
)
TINY = ("solve", *SHORT_TINY, "stop_at_test_return=None")
OTHERS: dict[str, tuple[str, ...]] = {
    "report-default-scaled": (
        *("report-default", *SMALL_FLOOR),
        *("t_max=20_000", "epsilon_anneal_time=500", "buffer_size=50", "batch_size=8"),
    ),
    "report-changed-scaled": (
        *("report-changed", *SMALL_FLOOR),
        *("t_max=40_000", "epsilon_anneal_time=500", "buffer_size=50", "batch_size=16"),
    ),
    "report-final-scaled": (
        *("report-final", *SMALL_FLOOR),
        *("t_max=100_000", "epsilon_anneal_time=25_000", "buffer_size=1_000", "batch_size=16"),
    ),
    "tiny-solve": (*TINY, "t_max=10_250_000"),
    "tiny-cold": (*TINY, *NO_WARMUP, "t_max=200_000"),
    "tiny-report": (
        *("report-default", "t_max=30_000", "num_envs=8", "updates_per_collection=8"),
        *("batch_size=4", "hidden_dim=32"),
    ),
    "coin": COIN,
    "coin-lr-1e-6": (*COIN, "lr=1e-6"),
}
RANDOM_MIXTURES = 6
"""Configurations in which everything is drawn at once: the way a desperate evening goes."""


def configurations() -> Iterator[tuple[str, RunConfig]]:
    """Name and configuration, seed 1, of every member of the set."""
    for name, words in SMALL_VARIANTS.items():
        yield name, _load("smoke", *SMALL, *words)
    for name, (source, *changes) in OTHERS.items():
        yield name, _load(source, *changes)
    rng = np.random.default_rng(SPLIT_SEED)
    for number in range(RANDOM_MIXTURES):
        yield f"mixture-{number}", _load("smoke", *SMALL, *_mixture(rng))


def tuning_half() -> set[str]:
    """Names of the configurations from which thresholds may be set; the others only judge them."""
    names = sorted(name for name, _ in configurations())
    order = np.random.default_rng(SPLIT_SEED).permutation(len(names))
    return {names[index] for index in order[: len(names) // 2]}


def _mixture(rng: np.random.Generator) -> list[str]:
    draws: dict[str, tuple[object, ...]] = {
        "lr": (1e-5, 1e-4, 1e-3, 3e-3, 2e-2),
        "gamma": (0.8, 0.95, 0.99),
        "updates_per_collection": (1, 4, 12),
        "batch_size": (8, 32),
        "warmup_env_steps": (0, 10_000, 40_000),
        "rewarding_fraction": (0, 0.2),
        "buffer_size": (200, 5_000),
        "epsilon_start": (0.1, 0.5, 1.0),
        "epsilon_anneal_time": (1_000, 120_000),
        "td_lambda": (0, 0.8),
        "target_tau": (0.001, 0.02),
    }
    return [f"{key}={choices[rng.integers(len(choices))]}" for key, choices in draws.items()]


def _load(source: str, *words: str) -> RunConfig:
    """A member's configuration: after its warm-up 10 evaluations and 50 rows, no checkpoints between, one thread."""
    drawn = []
    for word in words:
        key, _, floor = word.partition("=FLOOR ")
        drawn.append(f"{key}={FLOORS[floor]}" if floor else word)
    config = load_config(source, drawn)
    steps = config.training.max_env_steps - config.collection.warmup_env_steps
    evaluation = {"every_env_steps": max(steps // 10, 1), "episodes": 100, "confirm_episodes": 100}
    logging = {"every_env_steps": max(steps // 50, 1), "tensorboard": False}
    return config.model_copy(
        update={
            "evaluation": config.evaluation.model_copy(update=evaluation),
            "logging": config.logging.model_copy(update=logging),
            "checkpoint": config.checkpoint.model_copy(update={"every_env_steps": 10**9, "save_replay": False}),
            "training": config.training.model_copy(update={"num_threads": 1}),
        }
    )
