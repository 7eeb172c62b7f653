"""The team that comes with Lockstep: its weights as an .npz of plain arrays beside a line of JSON, no pickle."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lockstep.algorithms.registry import build_mixer
from lockstep.config.load import load_config
from lockstep.config.schema import EnvConfig, NetworkConfig
from lockstep.envs.registry import has_official_engine, make_env
from lockstep.networks.agents import build_agent
from lockstep.networks.flat import named_parameters
from lockstep.networks.greedy_policy import GreedyPolicy
from lockstep.runs.directory import RunDirectory
from lockstep.show.recording import Recording
from lockstep.teams.play import steps_text
from lockstep.teams.record import Player, record_episode
from lockstep.training.checkpoints.checkpoint import load_mixer, load_policy

DEMO_TEAM = "demo_team.npz"
_ABOUT = "about"


def export_team(run: RunDirectory, path: Path, seed: int, checkpoint: str = "best") -> int:
    """Write a run's team, its mixer and its world to `path`. seed: of the episode to show. Returns the file's bytes."""
    policy, _, env_steps = load_policy(run, checkpoint)
    mixer = load_mixer(run, checkpoint)
    config = load_config(str(run.config))
    about = {
        "name": config.algorithm.name,
        "env_steps": env_steps,
        "seed": seed,
        "env": config.env.model_dump(),
        "network": policy.config.model_dump(),
        "mixer": mixer is not None,
    }
    arrays = {f"agent.{name}": value.numpy() for name, value in named_parameters(policy.agent).items()}
    if mixer is not None:
        arrays |= {f"mixer.{name}": value.numpy() for name, value in named_parameters(mixer).items()}
    text = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    np.savez_compressed(path, allow_pickle=False, **{_ABOUT: text}, **arrays)
    return path.stat().st_size


def play_demo(seed: int | None = None, time_limit: int | None = None) -> Recording:
    """An episode of the team that comes with Lockstep; by default a good one.

    Where the world has an official package, that is stepped: it needs no compiler, so it starts at once.
    """
    about, arrays = _read(DEMO_TEAM)
    env_config = EnvConfig(**about["env"])
    if time_limit is not None:
        env_config = env_config.model_copy(update={"time_limit": time_limit})
    seed = about["seed"] if seed is None else seed
    engine = "official" if has_official_engine(env_config.key) else "lockstep"
    env = make_env(env_config, 1, seed, engine=engine)
    try:
        network = NetworkConfig(**about["network"])
        agent = _filled(build_agent(env.spec, network), arrays, "agent.")
        mixer = _filled(build_mixer(about["name"], env.spec, network), arrays, "mixer.") if about["mixer"] else None
        name = f"{about['name'].upper()} team after {steps_text(about['env_steps'])} steps"
        policy = GreedyPolicy(agent, env.spec, network)  # type: ignore[arg-type]
        return record_episode(env, Player(policy, name, mixer), seed, engine)
    finally:
        env.close()


def _filled(module: nn.Module, arrays: dict[str, Any], prefix: str) -> nn.Module:
    """The module with its parameters read from the arrays whose names begin with `prefix`."""
    found = {
        name.removeprefix(prefix): torch.from_numpy(array) for name, array in arrays.items() if name.startswith(prefix)
    }
    module.load_state_dict(found)
    return module.eval()


def _read(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a team is about, and its arrays."""
    with (files(__package__) / name).open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    return json.loads(arrays.pop(_ABOUT).tobytes()), arrays
