"""What teams earn that have learned nothing, random and programmed: measured once for a task, and kept."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import make_env
from lockstep.errors import UserError
from lockstep.experience.rollout import random_play
from lockstep.files import read_regular
from lockstep.runs.directory import RunDirectory, write_atomically
from lockstep.teams.judge import evaluate_reference

RANDOM_EPISODES, HEURISTIC_EPISODES, LANES = 100_000, 1_000, 1_000


@dataclass(frozen=True)
class Baseline:
    """A team's mean return and what it was measured on."""

    name: str
    mean: float
    std: float
    """Over episodes."""
    episodes: int


_KEPT = TypeAdapter(list[Baseline])


def baselines(run: RunDirectory, path: Path) -> list[Baseline]:
    """Random play of a run's task and, where one is programmed for it, the heuristic team on the seeds on which the run
    is judged; from `path`, or measured into it. Raises UserError where the run's configuration cannot be read."""
    if path.is_file():
        try:
            return _KEPT.validate_json(read_regular(path))
        except (OSError, ValueError) as error:
            raise UserError(f"{path} holds no baselines. Remove it, and they are measured again.") from error
    measured = [random_baseline(load_config(str(run.config)))]
    with suppress(UserError):  # for most tasks nobody has programmed a team
        played = evaluate_reference(load_config(str(run.config)), "heuristic", HEURISTIC_EPISODES)
        returns = played.returns
        measured.append(Baseline("heuristic", float(returns.mean()), float(returns.std()), len(returns)))
    write_atomically(path, json.dumps([asdict(baseline) for baseline in measured], indent=1) + "\n")
    return measured


def random_baseline(config: RunConfig, episodes: int = RANDOM_EPISODES) -> Baseline:
    """Uniformly random play of the configured task."""
    lanes = min(LANES, episodes)
    env = make_env(config.env, lanes, seed=0)
    rng = np.random.default_rng(0)
    try:
        rounds = [random_play(env, rng, seed=index * lanes).returns.numpy() for index in range(-(-episodes // lanes))]
    finally:
        env.close()
    returns = np.concatenate(rounds).astype(np.float64)
    return Baseline("random", float(returns.mean()), float(returns.std()), len(returns))
