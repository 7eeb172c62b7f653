"""The teams that come with Lockstep: their weights as an .npz of plain arrays beside a line of JSON, no pickle."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lockstep.algorithms.registry import algorithm_of
from lockstep.config.load import load_config
from lockstep.config.schema import EnvConfig, RunConfig
from lockstep.envs.registry import has_official_engine, make_env
from lockstep.errors import UserError
from lockstep.formats import steps
from lockstep.networks.flat import named_parameters
from lockstep.networks.greedy_policy import GreedyPolicy
from lockstep.runs.delivery import deliver
from lockstep.runs.directory import RunDirectory
from lockstep.show.recording import Recording
from lockstep.teams.record import Player, record_episode
from lockstep.training.checkpoints.checkpoint import read_team

DEMO_TEAMS = {"rware": "demo_team.npz", "foraging": "demo_foraging.npz"}
"""Files beside this one, by the family of the world that they play in."""
_ABOUT = "about"


def export_team(run: RunDirectory, path: Path, seed: int, checkpoint: str = "best") -> int:
    """Write a run's team, its mixer and its world to `path`. seed: of the episode to show. Returns the file's bytes."""
    team = read_team(run, checkpoint)
    config = load_config(str(run.config))
    about = {
        "name": config.algorithm.name,
        "env_steps": team.env_steps,
        "seed": seed,
        "env": config.env.model_dump(),
        "network": team.policy.config.model_dump(),
        "algorithm": team.config.algorithm.model_dump(),
    }
    arrays = {name: value.numpy() for name, value in named_parameters(team.networks).items()}
    text = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    deliver({path: lambda temporary: np.savez_compressed(temporary, allow_pickle=False, **{_ABOUT: text}, **arrays)})
    return path.stat().st_size


def play_demo(seed: int | None = None, time_limit: int | None = None, family: str = "rware") -> Recording:
    """An episode of a team that comes with Lockstep; by default a good one. family: one of `DEMO_TEAMS`.

    Where the world has an official package, that is stepped: it needs no compiler, so it starts at once.
    Raises UserError where no team comes along.
    """
    if family not in DEMO_TEAMS:
        raise UserError(f"No trained team comes along for {family!r}; there are: {', '.join(DEMO_TEAMS)}.")
    about, arrays = _read(DEMO_TEAMS[family])
    env_config = EnvConfig(**about["env"])
    if time_limit is not None:
        env_config = env_config.model_copy(update={"time_limit": time_limit})
    seed = about["seed"] if seed is None else seed
    engine = "official" if has_official_engine(env_config.key) else "lockstep"
    env = make_env(env_config, 1, seed, engine=engine)
    try:
        told = {"network": about["network"], "algorithm": about.get("algorithm", {"name": about["name"]})}
        config = RunConfig.model_validate(told)
        algorithm = algorithm_of(config)
        networks = algorithm.networks(env.spec, config)
        networks.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
        page = algorithm.page(env.spec, config)
        name = f"{algorithm.spoken} team after {steps(about['env_steps'])} steps"
        policy = GreedyPolicy(networks["agent"], env.spec, config.network)  # type: ignore[arg-type]
        player = Player(policy, name, lambda episode: page.thoughts(networks, episode))
        return record_episode(env, player, seed, engine)
    finally:
        env.close()


def _read(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a team is about, and its arrays."""
    with (files(__package__) / name).open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    return json.loads(arrays.pop(_ABOUT).tobytes()), arrays
