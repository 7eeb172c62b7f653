"""The simulator as PettingZoo knows environments: robots by name, all acting at once, or in turns."""

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from numpy.typing import NDArray
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import OrderEnforcingWrapper, parallel_to_aec

from lockstep.envs.adapters.one_warehouse import RENDER_MODES, Frame, OneWarehouse, fresh_generator
from lockstep.envs.adapters.registration import DEFAULT_KEY
from lockstep.envs.adapters.spaces import action_space, observation_space
from lockstep.errors import UserError


def parallel_env(
    key: str = DEFAULT_KEY, render_mode: str | None = None, **warehouse_arguments: Any
) -> "WarehouseParallelEnv":
    """One warehouse for PettingZoo's loop.

    key: an RWARE key. Further arguments: `time_limit` (also as `max_cycles`, PettingZoo's name), and those of rware's
    `Warehouse`. Raises UserError for what does not exist or cannot work.
    """
    return WarehouseParallelEnv(key, render_mode, **warehouse_arguments)


def env(key: str = DEFAULT_KEY, render_mode: str | None = None, **warehouse_arguments: Any) -> AECEnv:
    """The same in turns: the world steps when the last robot has chosen."""
    return OrderEnforcingWrapper(parallel_to_aec(parallel_env(key, render_mode, **warehouse_arguments)))


class WarehouseParallelEnv(ParallelEnv[str, NDArray[np.float32], Any]):  # type: ignore[misc]
    """Robots `robot_0`, `robot_1`, ... see flat float32 features and earn their own rewards.

    The step limit truncates, idleness terminates; both end the episode for all.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "rware",
        "render_modes": list(RENDER_MODES),
        "render_fps": 10,
        "is_parallelizable": True,
    }

    def __init__(self, key: str = DEFAULT_KEY, render_mode: str | None = None, **warehouse_arguments: Any) -> None:
        if "max_cycles" in warehouse_arguments:
            twice = {"time_limit", "max_steps"} & set(warehouse_arguments)
            if twice:
                raise UserError(f"max_cycles and {min(twice)} are two names of one thing; give one of them.")
            warehouse_arguments["time_limit"] = warehouse_arguments.pop("max_cycles")
        self._warehouse = OneWarehouse(key, render_mode, warehouse_arguments)
        self.config, self.simulator = self._warehouse.config, self._warehouse.simulator
        self.render_mode = render_mode
        self.np_random, self.np_random_seed = fresh_generator()
        self.possible_agents = [f"robot_{number}" for number in range(self.config.n_agents)]
        self.agents: list[str] = []
        self.action_spaces = {agent: action_space(self.config) for agent in self.possible_agents}
        self.observation_spaces = {agent: observation_space(self.config) for agent in self.possible_agents}
        high = np.tile(observation_space(self.config).high, self.config.n_agents)
        self.state_space = spaces.Box(np.zeros_like(high), high, dtype=np.float32)

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """(features,) with their bounds."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """0..4, or with message bits (0..4, bit, ...)."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, dict[str, Any]]]:
        """Start an episode; with a seed, the one that the official environment starts with it."""
        if seed is not None:
            self.np_random, self.np_random_seed = seeding.np_random(seed)
        obs = self._warehouse.reset(self.np_random)
        self.agents = self.possible_agents[:]
        return self._named(obs[0].copy()), {agent: {} for agent in self.agents}

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, NDArray[np.float32]], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]
    ]:
        """One step of all robots. actions: one for every name in `agents`. After the end there are none, and a step
        without actions returns five empty dictionaries, as PettingZoo's own environments do."""
        if not self.agents and not actions:
            return {}, {}, {}, {}, {}
        missing = [agent for agent in self.possible_agents if agent not in actions]
        if missing or not self.agents:
            what = f"no action for {missing[0]}" if self.agents else "the episode has ended"
            raise UserError(
                f"This step cannot be made, {what}; give an action for each of env.agents, reset at the end."
            )
        step = self._warehouse.step(self.np_random, [actions[agent] for agent in self.possible_agents])
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
        """The picture, or None without a render mode, or where a window shows it."""
        return self._warehouse.render(self.render_mode)

    def close(self) -> None:
        """Close the window."""
        self._warehouse.close()

    def _named(self, obs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return dict(zip(self.possible_agents, obs, strict=True))
