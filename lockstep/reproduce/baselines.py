"""What a team earns that has learned nothing: measured once for a plan's task, and kept."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lockstep.config.schema import RunConfig
from lockstep.rollout import random_play
from lockstep.run_directory import write_atomically
from lockstep.training.session import make_env

RANDOM_EPISODES, LANES = 100_000, 1_000
BASELINES_FILE = "baselines.json"


@dataclass(frozen=True)
class Baseline:
    """A team's mean return and what it was measured on."""

    name: str
    mean: float
    std: float
    """Over episodes."""
    episodes: int


def baselines(config: RunConfig, out: Path) -> list[Baseline]:
    """The baselines in `out`, measured first where they are not there yet."""
    path = out / BASELINES_FILE
    if path.is_file():
        return [Baseline(**row) for row in json.loads(path.read_text())]
    measured = [random_baseline(config)]
    write_atomically(path, json.dumps([asdict(baseline) for baseline in measured], indent=1) + "\n")
    return measured


def random_baseline(config: RunConfig, episodes: int = RANDOM_EPISODES) -> Baseline:
    """Uniformly random play of the configured task."""
    lanes = min(LANES, episodes)
    env = make_env(config, lanes, seed=0)
    rng = np.random.default_rng(0)
    try:
        rounds = [random_play(env, rng, seed=index * lanes).returns.numpy() for index in range(-(-episodes // lanes))]
    finally:
        env.close()
    returns = np.concatenate(rounds).astype(np.float64)
    return Baseline("random", float(returns.mean()), float(returns.std()), len(returns))
