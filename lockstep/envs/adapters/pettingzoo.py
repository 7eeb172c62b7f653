"""The simulator as PettingZoo knows environments: robots by name, all acting at once."""

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from lockstep.envs.adapters.gymnasium import (
    Frame,
    action_space,
    checked_render_mode,
    fresh_seed,
    observation_space,
)
from lockstep.envs.rware.config import warehouse_config
from lockstep.envs.rware.draw import draw
from lockstep.envs.rware.simulator import Simulator
from lockstep.errors import UserError


def parallel_env(key: str, render_mode: str | None = None, **warehouse_arguments: Any) -> "WarehouseParallelEnv":
    """One warehouse for PettingZoo's loop.

    key: an RWARE key. Further arguments: `time_limit`, and those of rware's `Warehouse`. Raises UserError for what does
    not exist or cannot work.
    """
    return WarehouseParallelEnv(key, render_mode, **warehouse_arguments)


class WarehouseParallelEnv(ParallelEnv[str, NDArray[np.float32], Any]):  # type: ignore[misc]
    """Robots `robot_0`, `robot_1`, ... see flat float32 features and earn their own rewards.

    The step limit truncates, idleness terminates; both end the episode for all.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "rware",
        "render_modes": ["rgb_array"],
        "render_fps": 10,
        "is_parallelizable": True,
    }

    def __init__(self, key: str, render_mode: str | None = None, **warehouse_arguments: Any) -> None:
        self.config = warehouse_config(key, **warehouse_arguments)
        self.render_mode = checked_render_mode(render_mode)
        self.simulator = Simulator(key, self.config, 1, seed=fresh_seed(), num_threads=1)
        self.possible_agents = [f"robot_{number}" for number in range(self.config.n_agents)]
        self.agents: list[str] = []
        self._action_spaces = {agent: action_space(self.config) for agent in self.possible_agents}
        self._observation_spaces = {agent: observation_space(self.config) for agent in self.possible_agents}

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """(features,) with their bounds."""
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """0..4, or with message bits (0..4, bit, ...)."""
        return self._action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, dict[str, Any]]]:
        """Start an episode; with a seed, the one that the official environment starts with it."""
        obs = self.simulator.reset(seed)
        self.agents = self.possible_agents[:]
        return self._named(obs[0].copy()), {agent: {} for agent in self.agents}

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, NDArray[np.float32]], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]
    ]:
        """One step of all robots. actions: one for every name in `agents`."""
        missing = [agent for agent in self.possible_agents if agent not in actions]
        if missing or not self.agents:
            what = f"no action for {missing[0]}" if self.agents else "the episode has ended"
            raise UserError(
                f"This step cannot be made, {what}; give an action for each of env.agents, reset at the end."
            )
        step = self.simulator.step(np.array([[actions[agent] for agent in self.possible_agents]]))
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        agents = self.agents
        if terminated or truncated:
            self.agents = []
        return (
            self._named(step.obs[0].copy()),
            {agent: float(step.reward[0, number]) for number, agent in enumerate(agents)},
            dict.fromkeys(agents, terminated),
            dict.fromkeys(agents, truncated),
            {agent: {} for agent in agents},
        )

    def state(self) -> NDArray[np.float32]:
        """(agents * features,): all observations, one after the other."""
        seen: NDArray[np.float32] = self.simulator.observe()[0].reshape(-1).copy()
        return seen

    def render(self) -> Frame | None:
        """The picture, or None without a render mode."""
        return draw(self.simulator.snapshot(0)) if self.render_mode else None

    def close(self) -> None:
        """Nothing is open."""
        self.simulator.close()

    def _named(self, obs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return dict(zip(self.possible_agents, obs, strict=True))
