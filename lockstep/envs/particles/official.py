"""mpe2's simple_spread behind the same protocol: slow, and the truth."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.foreign.factory import ForeignEnvFactory
from lockstep.envs.foreign.lanes import PythonLanes
from lockstep.envs.particles.config import SpreadConfig
from lockstep.envs.particles.plane import ParticleScene

OFFICIAL_KEY = "mpe2.simple_spread_v3:parallel_env"


class OfficialSpread(PythonLanes):
    """`num_envs` games of mpe2. Every action is always available, so nothing is masked."""

    def __init__(self, key: str, config: SpreadConfig, num_envs: int, seed: int = 0) -> None:
        super().__init__(ForeignEnvFactory(OFFICIAL_KEY, arguments=vars(config)), num_envs, seed)
        self.spec = config.spec(key)

    def available_actions(self) -> None:
        """Every action is always allowed."""

    def plane(self, lane: int) -> ParticleScene:
        """As SpreadSimulator.plane."""
        positions, _, landmarks = self.places()
        return ParticleScene.of(positions[lane], landmarks[lane])

    def places(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """As SpreadSimulator.places."""
        worlds: list[Any] = [team.env.unwrapped.world for team in self.teams]
        positions = [[agent.state.p_pos for agent in world.agents] for world in worlds]
        velocities = [[agent.state.p_vel for agent in world.agents] for world in worlds]
        landmarks = [[landmark.state.p_pos for landmark in world.landmarks] for world in worlds]
        return np.array(positions), np.array(velocities), np.array(landmarks)
