"""mpe2's games behind the same protocol: slow, and the truth."""

from typing import Any

import numpy as np

from lockstep.arrays import Mask
from lockstep.envs.foreign.factory import ForeignEnvFactory
from lockstep.envs.foreign.lanes import PythonLanes
from lockstep.envs.particles.games import Game
from lockstep.envs.particles.plane import ParticleScene, Places, scene_of


class OfficialParticles(PythonLanes):
    """`num_envs` games of mpe2."""

    def __init__(self, key: str, game: Game, num_envs: int, seed: int = 0) -> None:
        self.game = game
        arguments = {**game.arguments, "max_cycles": game.max_cycles}
        super().__init__(ForeignEnvFactory(f"mpe2.{game.name}:parallel_env", arguments=arguments), num_envs, seed)
        self.spec = game.spec(key)

    def available_actions(self) -> Mask | None:
        """None where everybody can do the same, always."""
        return None if self.game.available is None else super().available_actions()

    def plane(self, lane: int) -> ParticleScene:
        """As ParticleSimulator.plane."""
        return scene_of(self.game, self.places(), lane)

    def places(self) -> Places:
        """As ParticleSimulator.places."""
        worlds: list[Any] = [team.env.unwrapped.world for team in self.teams]
        return Places(
            np.array([[agent.state.p_pos for agent in world.agents] for world in worlds]),
            np.array([[agent.state.p_vel for agent in world.agents] for world in worlds]),
            np.array([[landmark.state.p_pos for landmark in world.landmarks] for world in worlds]).reshape(
                len(worlds), self.game.num_landmarks, 2
            ),
            np.array([_goals(world) for world in worlds]),
            np.array([[_word(agent) for agent in world.agents] for world in worlds]),
        )


def _goals(world: Any) -> list[int]:
    """The number of the landmark that every agent is told of. A speaker is told for the listener, too."""
    told = [
        next((goal for name in ("_goal_b", "_goal_a") if (goal := getattr(agent, name, None)) is not None), None)
        for agent in world.agents
    ]
    return [-1 if told[0] is None else world.landmarks.index(told[0] if goal is None else goal) for goal in told]


def _word(agent: Any) -> int:
    """The number of what was said last, or -1."""
    return int(agent.state.c.argmax()) if agent.state.c.any() else -1
