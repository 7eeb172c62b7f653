"""A Gymnasium environment of several agents with the face of a PettingZoo parallel one.

Several agents are spoken to in tuples: a tuple of spaces, of observations, of actions, and a list of rewards (RWARE,
Level-Based Foraging and most others do it so). An environment without tuples is a team of one.
"""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from lockstep.errors import UserError


class GymnasiumTeam:
    """Agents are called agent_0, agent_1, ...

    A reward that is one number is the team's, and booked on agent_0. An ending in the very step that an environment's
    own time limit allows last is a truncation, although such environments report that they terminated.
    """

    def __init__(self, key: str, env: gymnasium.Env[Any, Any]) -> None:
        self.env, self.spec, self.unwrapped = env, env.spec, env.unwrapped
        self._alone = not isinstance(env.action_space, spaces.Tuple)
        actions: Any = (env.action_space,) if self._alone else env.action_space
        seen: Any = (env.observation_space,) if self._alone else env.observation_space
        if not self._alone and (not isinstance(seen, spaces.Tuple) or len(seen) != len(actions)):
            raise UserError(
                f"{key} has {len(actions)} agents' actions in a tuple, but observations as {seen}; they must be a "
                "tuple of as many spaces."
            )
        self.possible_agents = tuple(f"agent_{number}" for number in range(len(actions)))
        self.agents: tuple[str, ...] = ()
        self._actions: dict[str, spaces.Space[Any]] = dict(zip(self.possible_agents, actions, strict=True))
        self._seen: dict[str, spaces.Space[Any]] = dict(zip(self.possible_agents, seen, strict=True))
        own_limit = getattr(env.unwrapped, "_max_episode_steps", None)
        self._own_limit = own_limit if env.spec is None or env.spec.max_episode_steps is None else None
        self._steps = 0

    def action_space(self, agent: str) -> spaces.Space[Any]:
        return self._actions[agent]

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return self._seen[agent]

    def reset(self, seed: int | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """As in PettingZoo."""
        seen, info = self.env.reset(seed=seed)
        self.agents, self._steps = self.possible_agents, 0
        return self._named((seen,) if self._alone else seen), self._infos(info)

    def render(self) -> Any:
        """As in PettingZoo."""
        return self.env.render()

    def step(self, actions: Mapping[str, int]) -> tuple[dict[str, Any], ...]:
        """As in PettingZoo."""
        chosen = tuple(actions[agent] for agent in self.possible_agents)
        reward: Any
        seen, reward, terminated, truncated, info = self.env.step(chosen[0] if self._alone else chosen)
        self._steps += 1
        ended, cut = bool(np.all(terminated)), bool(np.all(truncated))
        if ended and self._steps == self._own_limit:
            ended, cut = False, True
        if ended or cut:
            self.agents = ()
        return (
            self._named((seen,) if self._alone else seen),
            self._named((reward, *(0.0,) * (len(chosen) - 1)) if np.ndim(reward) == 0 else reward),
            dict.fromkeys(self.possible_agents, ended),
            dict.fromkeys(self.possible_agents, cut),
            self._infos(info),
        )

    def close(self) -> None:
        """Close it."""
        self.env.close()

    def _named(self, values: Any) -> dict[str, Any]:
        return dict(zip(self.possible_agents, values, strict=True))

    def _infos(self, info: Mapping[str, Any]) -> dict[str, Any]:
        """Only the masks are of interest: a row for every agent."""
        masks = info.get("action_mask")
        if masks is None:
            return {}
        return {agent: {"action_mask": mask} for agent, mask in self._named((masks,) if self._alone else masks).items()}
