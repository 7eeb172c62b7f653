"""One environment of somebody else as arrays of fixed shape: agents that differ are padded, those gone are masked."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from lockstep.arrays import Mask
from lockstep.errors import UserError
from lockstep.spec import BYTE_BITS, FLAG_BITS, FLOAT_BITS, EnvSpec

MAX_FEATURES = 10_000
"""Of one agent's observation. More than that is a picture, and there are no networks for pictures here."""
MAX_ACTIONS = 256
"""Of one agent: remembered actions are bytes."""
_LIMIT_NAMES = ("max_cycles", "max_episode_steps", "_max_episode_steps", "max_steps")
"""Where environments keep their own time limit."""


class ForeignStep(NamedTuple):
    """What one step of one environment returns: N agents, O features, A actions."""

    obs: NDArray[np.float32]
    """(N, O); zeros behind a shorter observation, and for agents that are not there"""
    available: Mask
    """(N, A); an agent that is not there can only take action 0, which is not passed on"""
    reward: NDArray[np.float32]
    """(N,)"""
    terminated: bool
    truncated: bool


class ForeignEnv:
    """A PettingZoo parallel environment (or what looks like one) with discrete actions.

    The episode is over when no agent is left. It counts as truncated where one of the last to leave was truncated, or
    where `time_limit` cut it. Raises UserError for spaces that cannot be learnt here.
    """

    def __init__(self, key: str, env: Any, time_limit: int | None) -> None:
        self.env = env
        self.agents: tuple[str, ...] = tuple(getattr(env, "possible_agents", ()))
        if not self.agents:
            raise UserError(f"{key} does not say who its possible_agents are; a PettingZoo parallel environment does.")
        self._actions = [_discrete(key, agent, env.action_space(agent)) for agent in self.agents]
        self._seen = [_numbers(key, agent, env.observation_space(agent)) for agent in self.agents]
        num_features = max(spaces.flatdim(space) for space in self._seen)
        if num_features > MAX_FEATURES:
            raise UserError(
                f"{key}: an agent observes {num_features:,} numbers, which must be a picture; the networks here take "
                f"at most {MAX_FEATURES:,}. Ask the environment for vectors, or shrink its pictures first."
            )
        self.spec = EnvSpec(
            key=key,
            num_agents=len(self.agents),
            obs_dim=num_features,
            num_actions=max(int(space.n) for space in self._actions),
            time_limit=_limit(key, env, time_limit),
            obs_bits=_bits(self._seen, num_features),
        )
        self._here: frozenset[str] = frozenset()
        self._steps = 0

    def reset(self, seed: int | None) -> ForeignStep:
        """A new episode; with a seed its random stream starts anew."""
        seen, infos = self.env.reset(seed=seed)
        self._here, self._steps = frozenset(seen), 0
        return self._step(seen, infos, {}, False, False)

    def step(self, actions: NDArray[np.integer[Any]]) -> ForeignStep:
        """actions: (N,). Those of agents that have left are ignored."""
        chosen = {
            agent: int(space.start) + int(action)
            for agent, space, action in zip(self.agents, self._actions, actions, strict=True)
            if agent in self._here
        }
        seen, rewards, terminations, truncations, infos = self.env.step(chosen)
        self._steps += 1
        self._here = frozenset(
            agent for agent in self.env.agents if not (terminations.get(agent) or truncations.get(agent))
        )
        over = not self._here
        cut = any(truncations.get(agent) and not terminations.get(agent) for agent in chosen)
        truncated = cut if over else self._steps >= self.spec.time_limit
        return self._step(seen, infos, rewards, over and not truncated, truncated)

    def picture(self) -> NDArray[np.uint8]:
        """(height, width, 3) RGB. Raises UserError where the environment gives none."""
        try:
            picture = self.env.render()
        except Exception as error:  # whatever somebody else's drawing raises, without a display for instance
            raise UserError(f"{self.spec.key} cannot draw itself here: {type(error).__name__}: {error}") from error
        if not isinstance(picture, np.ndarray) or picture.ndim != 3 or picture.shape[-1] != 3:
            raise UserError(f"{self.spec.key} gives no rgb_array picture, so it cannot be shown.")
        return picture.astype(np.uint8)

    def close(self) -> None:
        """Close windows and files, if there are any."""
        self.env.close()

    def _step(
        self,
        seen: Mapping[str, Any],
        infos: Mapping[str, Any],
        rewards: Mapping[str, Any],
        terminated: bool,
        truncated: bool,
    ) -> ForeignStep:
        obs = np.zeros((len(self.agents), self.spec.obs_dim), dtype=np.float32)
        available = np.zeros((len(self.agents), self.spec.num_actions), dtype=bool)
        reward = np.zeros(len(self.agents), dtype=np.float32)
        for number, agent in enumerate(self.agents):
            reward[number] = rewards.get(agent, 0.0)
            mask = None
            if agent in seen:
                value = seen[agent]
                if isinstance(value, Mapping):
                    value, mask = value["observation"], value["action_mask"]
                flat: Any = spaces.flatten(self._seen[number], value)
                obs[number, : len(flat)] = flat
            if agent in self._here:
                info = infos.get(agent) or {}
                mask = info.get("action_mask", mask)
                available[number, : int(self._actions[number].n)] = True if mask is None else np.asarray(mask, bool)
            if not available[number].any():
                available[number, 0] = True
        return ForeignStep(obs, available, reward, terminated, truncated)


def _discrete(key: str, agent: str, space: spaces.Space[Any]) -> spaces.Discrete:
    if isinstance(space, spaces.Discrete):
        if space.n > MAX_ACTIONS:
            raise UserError(
                f"{key}: {agent} has {int(space.n):,} actions, and the learners here choose one of at most "
                f"{MAX_ACTIONS}. Wrap the environment so that it offers fewer."
            )
        return space
    kind = "continuous" if isinstance(space, spaces.Box) else "no single choice"
    raise UserError(
        f"{key}: the actions of {agent} are {kind} ({space}), and the learners here choose one of a few. Take the "
        "environment's discrete variant, or wrap it in one."
    )


def _numbers(key: str, agent: str, space: spaces.Space[Any]) -> spaces.Space[Any]:
    """The space of what the network sees. PettingZoo's {observation, action_mask} is understood."""
    if isinstance(space, spaces.Dict) and set(space) == {"observation", "action_mask"}:
        space = space["observation"]
    if isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary):
        return space
    kind = f"a dictionary ({', '.join(space)})" if isinstance(space, spaces.Dict) else str(space)
    raise UserError(
        f"{key}: {agent} observes {kind}, and the networks here take one array of numbers. Wrap the environment so "
        "that every agent sees one; gymnasium.spaces.flatten makes it."
    )


def _bits(seen: list[spaces.Space[Any]], num_features: int) -> tuple[int, ...]:
    """Storage width of every feature, the widest that any agent needs there."""
    widths = np.full(num_features, FLAG_BITS)
    for space in seen:
        part = widths[: spaces.flatdim(space)]
        if not isinstance(space, spaces.Box) or space.dtype == np.bool_:
            continue  # flattened to zeros and ones
        np.maximum(part, BYTE_BITS if space.dtype == np.uint8 else FLOAT_BITS, out=part)
    return tuple(int(width) for width in widths)


def _limit(key: str, env: Any, time_limit: int | None) -> int:
    if time_limit is not None:
        return time_limit
    spec = getattr(env, "spec", None)
    own = [getattr(spec, "max_episode_steps", None)]
    own += [getattr(getattr(env, "unwrapped", env), name, None) for name in _LIMIT_NAMES]
    for limit in own:
        if isinstance(limit, int) and limit > 0:
            return limit
    raise UserError(
        f"{key} does not say how many steps an episode may last; set env.time_limit, for example env.time_limit=500."
    )
