"""A team as one small file: its weights as plain arrays beside a line of JSON about it, no pickle."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from lockstep.algorithms.registry import algorithm_of
from lockstep.config.load import load_config
from lockstep.config.schema import EnvConfig, RunConfig
from lockstep.formats import steps
from lockstep.networks.flat import named_parameters
from lockstep.networks.greedy_policy import GreedyPolicy
from lockstep.runs.delivery import deliver
from lockstep.runs.directory import RunDirectory
from lockstep.spec import EnvSpec
from lockstep.teams.record import Player
from lockstep.training.checkpoints.checkpoint import BEST, read_team

MOST_BYTES = 64 * 2**20
"""Of a team's weights, unpacked."""
_ABOUT, _STEP = "about", ".step"
_LEVELS = 127
"""Steps of a rounded weight on either side of zero."""


@dataclass(frozen=True)
class KeptTeam:
    """What a file holds."""

    about: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    """Parameters by the names of the algorithm's networks."""

    @classmethod
    def of(cls, run: RunDirectory, checkpoint: str = BEST) -> "KeptTeam":
        """A run's team with all its networks and its world. checkpoint: as in `read_team`, and raises as that does."""
        team, config = read_team(run, checkpoint), load_config(str(run.config))
        about = {
            "name": config.algorithm.name,
            "env_steps": team.env_steps,
            "env": config.env.model_dump(),
            "network": team.policy.config.model_dump(),
            "algorithm": team.config.algorithm.model_dump(),
        }
        return cls(about, {name: value.numpy() for name, value in named_parameters(team.networks).items()})

    @classmethod
    def read(cls, file: IO[bytes]) -> "KeptTeam":
        """Raises ValueError, KeyError or BadZipFile for a file that holds no team, or an unbelievably large one."""
        with ZipFile(file) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_BYTES:
                raise ValueError("it would be larger than any team")
        file.seek(0)
        with np.load(file, allow_pickle=False) as stored:
            arrays = dict(stored)
        about = json.loads(arrays.pop(_ABOUT).tobytes())
        rounded = {name.removesuffix(_STEP): arrays.pop(name) for name in list(arrays) if name.endswith(_STEP)}
        whole = {name: arrays[name].astype(np.float32) * step for name, step in rounded.items()}
        return cls(about, {**arrays, **whole})

    def write(self, path: Path) -> int:
        """Write it. Returns the file's bytes."""
        text = np.frombuffer(json.dumps(self.about).encode(), dtype=np.uint8)
        arrays = {_ABOUT: text, **self.arrays}
        deliver({path: lambda temporary: np.savez_compressed(temporary, allow_pickle=False, **arrays)})
        return path.stat().st_size

    def rounded(self) -> "KeptTeam":
        """What acts, and nothing else, in a quarter of the room: every weight as one of 255 steps of its row.

        As `write` keeps it; `read` makes weights of it again.
        """
        arrays: dict[str, NDArray[Any]] = {}
        for name, array in self.arrays.items():
            if not name.startswith("agent."):
                continue
            if array.ndim < 2:
                arrays[name] = array
                continue
            step = np.maximum(np.abs(array).max(-1, keepdims=True), 1e-12).astype(np.float32) / _LEVELS
            arrays[name], arrays[name + _STEP] = np.rint(array / step).astype(np.int8), step
        return KeptTeam(self.about, arrays)

    @property
    def env(self) -> EnvConfig:
        """The world that it was trained in."""
        return EnvConfig.model_validate(self.about["env"])

    @property
    def config(self) -> RunConfig:
        """What its networks are made from."""
        algorithm = self.about.get("algorithm", {"name": self.about["name"]})
        return RunConfig.model_validate({"network": self.about["network"], "algorithm": algorithm})

    def policy(self, spec: EnvSpec) -> GreedyPolicy:
        """What acts, in a world of these shapes."""
        config = self.config
        agent = algorithm_of(config).networks(spec, config)["agent"]
        agent.load_state_dict(self._tensors("agent."))
        return GreedyPolicy(agent, spec, config.network)  # type: ignore[arg-type]

    def player(self, spec: EnvSpec) -> Player:
        """The whole team, with what it thinks."""
        config = self.config
        algorithm = algorithm_of(config)
        networks, page = algorithm.networks(spec, config), algorithm.page(spec, config)
        networks.load_state_dict(self._tensors(""))
        name = f"{algorithm.spoken} team after {steps(self.about['env_steps'])} steps"
        policy = GreedyPolicy(networks["agent"], spec, config.network)  # type: ignore[arg-type]
        return Player(policy, name, lambda episode: page.thoughts(networks, episode))

    def _tensors(self, prefix: str) -> dict[str, torch.Tensor]:
        return {
            name.removeprefix(prefix): torch.from_numpy(array)
            for name, array in self.arrays.items()
            if name.startswith(prefix)
        }
