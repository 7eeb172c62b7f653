"""The simulators as PettingZoo knows environments: agents by name, all acting at once, or in turns."""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from numpy.typing import NDArray
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import OrderEnforcingWrapper, parallel_to_aec

from lockstep.envs.adapters.kinds import Frame, kind_of
from lockstep.envs.adapters.one_world import RENDER_MODES, OneWorld, fresh_generator
from lockstep.envs.adapters.registration import DEFAULT_KEY
from lockstep.errors import UserError


def parallel_env(key: str = DEFAULT_KEY, render_mode: str | None = None, **arguments: Any) -> "LockstepParallelEnv":
    """One warehouse or field of food for PettingZoo's loop.

    key: an RWARE key, or one like `Foraging-8x8-2p-2f-v3`. Further arguments: `time_limit` (also as `max_cycles`,
    PettingZoo's name), and those of rware's `Warehouse` or lbforaging's `ForagingEnv`. Raises UserError for what does
    not exist or cannot work.
    """
    return LockstepParallelEnv(key, render_mode, **arguments)


def env(key: str = DEFAULT_KEY, render_mode: str | None = None, **arguments: Any) -> AECEnv:
    """The same in turns: the world steps when the last agent has chosen."""
    return OrderEnforcingWrapper(parallel_to_aec(parallel_env(key, render_mode, **arguments)))


class LockstepParallelEnv(ParallelEnv[str, NDArray[np.float32], Any]):  # type: ignore[misc]
    """Agents `robot_0`, `robot_1`, ... or `player_0`, ... see flat float32 features and earn their own rewards.

    The step limit truncates; an idle warehouse and an empty field terminate. Both end the episode for all.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012, as in PettingZoo
        "name": "rware",
        "render_modes": list(RENDER_MODES),
        "render_fps": 10,
        "is_parallelizable": True,
    }

    def __init__(self, key: str = DEFAULT_KEY, render_mode: str | None = None, **arguments: Any) -> None:
        kind = kind_of(key)
        if "max_cycles" in arguments:
            twice = {"time_limit", kind.time_limit} & set(arguments)
            if twice:
                raise UserError(f"max_cycles and {min(twice)} are two names of one thing; give one of them.")
            arguments["time_limit"] = arguments.pop("max_cycles")
        self._world = OneWorld(key, render_mode, arguments)
        self.config, self.simulator = self._world.config, self._world.simulator
        self.render_mode = render_mode
        self.np_random, self.np_random_seed = fresh_generator()
        self.metadata = {**type(self).metadata, "name": kind.name}
        self.possible_agents = [f"{kind.agent}_{number}" for number in range(self.simulator.spec.num_agents)]
        self.agents: list[str] = []
        self.action_spaces = {agent: kind.action_space(self.config) for agent in self.possible_agents}
        self.observation_spaces = {agent: kind.observation_space(self.config) for agent in self.possible_agents}
        everything = kind.observation_space(self.config, len(self.possible_agents))
        self.state_space = spaces.Box(everything.low.reshape(-1), everything.high.reshape(-1), dtype=np.float32)

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """(features,) with their bounds."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Whole numbers from 0; with message bits (0..4, bit, ...)."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, dict[str, Any]]]:
        """Start an episode; with a seed, the one that the official environment starts with it."""
        if seed is not None:
            self.np_random, self.np_random_seed = seeding.np_random(seed)
        obs = self._world.reset(self.np_random, anew=seed is not None)
        self.agents = self.possible_agents[:]
        return self._named(obs[0].copy()), {agent: {} for agent in self.agents}

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, NDArray[np.float32]], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]
    ]:
        """One step of all agents. actions: one for every name in `agents`. After the end there are none, and a step
        without actions returns five empty dictionaries, as PettingZoo's own environments do."""
        if not self.agents and not actions:
            return {}, {}, {}, {}, {}
        missing = [agent for agent in self.possible_agents if agent not in actions]
        if missing or not self.agents:
            what = f"no action for {missing[0]}" if self.agents else "the episode has ended"
            raise UserError(
                f"This step cannot be made, {what}; give an action for each of env.agents, reset at the end."
            )
        step = self._world.step(self.np_random, [actions[agent] for agent in self.possible_agents])
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
        return self._world.render(self.render_mode)

    def close(self) -> None:
        """Close the window."""
        self._world.close()

    def _named(self, obs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return dict(zip(self.possible_agents, obs, strict=True))


WarehouseParallelEnv = LockstepParallelEnv
"""The name that it had when there were only warehouses."""
