"""The kinds of environments that people bring, each with the same face: who is there, what they see, do and are told.

PettingZoo's parallel environments and RLlib's; Gymnasium's, of one agent or of several in tuples or dictionaries
(RWARE, Level-Based Foraging, SMAClite); and EPyMARL's own, which keep observations, masks and the state behind calls
(SMAC).
"""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, Protocol

import gymnasium
import numpy as np
from gymnasium import spaces

from lockstep.envs.foreign.answers import Answer, after_reset, after_step, ask_reset, takes_seed
from lockstep.envs.foreign.remarks import Remarks
from lockstep.errors import UserError

Space = spaces.Space[Any]


class Face(Protocol):
    """What `lockstep.envs.foreign.team` speaks to."""

    env: Any

    @property
    def agents(self) -> tuple[Hashable, ...]:
        """Everybody who may ever be there, by the environment's own names."""

    def spaces(self, agent: Hashable) -> tuple[Space, Space]:
        """Return the spaces of an agent's observations and of its actions."""

    def reset(self, seed: int | None, remarks: Remarks) -> Answer:
        """Begin an episode. Raises UnreadableError for an answer that is none."""

    def step(self, actions: Mapping[Hashable, Any], remarks: Remarks) -> Answer:
        """Do what the agents that are there do. Raises UnreadableError for an answer that is none."""

    def present(self) -> Collection[Hashable] | None:
        """The agents that the environment lists now; None where it keeps no list."""


def face_of(key: str, env: Any, remarks: Remarks) -> Face:
    """The face of whatever a constructor made. Raises UserError for what is no environment of these kinds."""
    from pettingzoo.utils import AECEnv

    if isinstance(env, AECEnv):
        raise UserError(
            f"{key} is played in turns; pettingzoo.utils.conversions.aec_to_parallel makes those parallel that can be."
        )
    if callable(getattr(env, "reset", None)) and callable(getattr(env, "step", None)):
        if _named_agents(env):
            return ParallelFace(key, env)
        if isinstance(getattr(env, "action_space", None), spaces.Space):
            return GymnasiumFace(key, env, remarks)
        if all(callable(getattr(env, name, None)) for name in ("get_obs", "get_avail_actions", "get_env_info")):
            return OwnCallsFace(key, env)
        if hasattr(env, "possible_agents"):
            raise UserError(f"{key} does not say who its possible_agents are; a PettingZoo parallel environment does.")
    raise UserError(f"{key} made {env!r}, which is no PettingZoo parallel environment and no Gymnasium environment.")


class ParallelFace:
    """Values by agent in dictionaries."""

    def __init__(self, key: str, env: Any) -> None:
        self.key, self.env, self.agents = key, env, _named_agents(env)

    def spaces(self, agent: Hashable) -> tuple[Space, Space]:
        return self._space("observation", agent), self._space("action", agent)

    def reset(self, seed: int | None, remarks: Remarks) -> Answer:
        return after_reset(ask_reset(self.env, seed, remarks), self.agents, remarks)

    def step(self, actions: Mapping[Hashable, Any], remarks: Remarks) -> Answer:
        return after_step(self.env.step(dict(actions)), remarks)

    def present(self) -> Collection[Hashable] | None:
        listed = getattr(self.env, "agents", None)
        return listed if isinstance(listed, Collection) else None

    def _space(self, kind: str, agent: Hashable) -> Space:
        """One agent's space: from a call (PettingZoo), by agent, or the same for all (RLlib)."""
        single, several = getattr(self.env, f"{kind}_space", None), getattr(self.env, f"{kind}_spaces", None)
        ask = getattr(self.env, f"get_{kind}_space", None)
        space: Any = single
        if callable(single) and not isinstance(single, spaces.Space):
            space = single(agent)
        elif isinstance(several, Mapping) and agent in several:
            space = several[agent]
        elif isinstance(single, Mapping) and agent in single:
            space = single[agent]
        elif callable(ask):
            space = ask(agent)
        if not isinstance(space, spaces.Space):
            raise UserError(
                f"{self.key} gives {space!r} as the {kind} space of {agent}, which is none of gymnasium.spaces."
            )
        return space


class GymnasiumFace:
    """Values for all agents in a tuple, or in a dictionary of spaces; an environment without either is a team of one.

    Agents in tuples are called agent_0, agent_1, ...
    """

    def __init__(self, key: str, env: Any, remarks: Remarks) -> None:
        inner = env.unwrapped if isinstance(env, gymnasium.Wrapper) else env
        if inner is not env and not takes_seed(inner):
            env = inner  # Gymnasium's own wrappers would hand on a seed that it does not take
        self.env = env
        actions, seen = env.action_space, env.observation_space
        self._alone = False
        pairs: dict[Hashable, tuple[Space, Space]]
        if isinstance(actions, spaces.Dict) and isinstance(seen, spaces.Dict) and set(actions) == set(seen):
            pairs = {name: (seen[name], actions[name]) for name in actions}
        else:
            if isinstance(actions, spaces.MultiDiscrete) and isinstance(seen, spaces.Tuple):
                actions = spaces.Tuple(
                    [
                        spaces.Discrete(size, start=at)
                        for size, at in zip(actions.nvec.flat, actions.start.flat, strict=True)
                    ]
                )
            several = isinstance(actions, spaces.Tuple) and isinstance(seen, spaces.Tuple)
            if len(seen) != len(actions) if several else _count(env) not in (None, 1):
                raise UserError(
                    f"{key} has {_count(env) or len(actions)} agents' actions as {actions}, but observations as "
                    f"{seen}; they must be tuples of as many spaces."
                )
            if isinstance(actions, spaces.Tuple) and not several:
                remarks.say(
                    "agents",
                    "One agent that makes several choices at once; several agents would have a tuple of observations.",
                    doubtful=True,
                )
            self._alone = not several
            both = [(seen, actions)] if self._alone else list(zip(seen, actions, strict=True))
            pairs = {f"agent_{number}": pair for number, pair in enumerate(both)}
        self._spaces, self._by_name = pairs, isinstance(env.action_space, spaces.Dict) and not self._alone
        self.agents = tuple(pairs)

    def spaces(self, agent: Hashable) -> tuple[Space, Space]:
        return self._spaces[agent]

    def reset(self, seed: int | None, remarks: Remarks) -> Answer:
        answer = after_reset(ask_reset(self.env, seed, remarks), self.agents, remarks)
        return self._wrapped(answer)

    def step(self, actions: Mapping[Hashable, Any], remarks: Remarks) -> Answer:
        told: Any = dict(actions) if self._by_name else tuple(actions[agent] for agent in self.agents)
        return self._wrapped(after_step(self.env.step(told[0] if self._alone else told), remarks))

    def present(self) -> None:
        """There is no list: everybody stays to the end."""

    def _wrapped(self, answer: Answer) -> Answer:
        return answer._replace(seen=(answer.seen,)) if self._alone else answer


class OwnCallsFace:
    """Observations, masks and the state behind calls, as SMAC has them and EPyMARL's MultiAgentEnv asks for."""

    def __init__(self, key: str, env: Any) -> None:
        self.env = env
        info = env.get_env_info()
        try:
            agents, actions, seen = (int(np.prod(info[name])) for name in ("n_agents", "n_actions", "obs_shape"))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{key}: get_env_info() must say n_agents, n_actions and obs_shape, and says {info!r}."
            ) from error
        if agents < 1 or actions < 1 or seen < 1:
            raise UserError(
                f"{key}: get_env_info() says {info!r}; agents, actions and observations must be at least 1."
            )
        self.agents = tuple(f"agent_{number}" for number in range(agents))
        self._pair = (spaces.Box(-np.inf, np.inf, (seen,), np.float32), spaces.Discrete(actions))

    def spaces(self, agent: Hashable) -> tuple[Space, Space]:
        return self._pair

    def reset(self, seed: int | None, remarks: Remarks) -> Answer:
        ask_reset(self.env, seed, remarks)
        return Answer(self.env.get_obs(), {}, None, None, {})

    def step(self, actions: Mapping[Hashable, Any], remarks: Remarks) -> Answer:
        result = self.env.step([actions[agent] for agent in self.agents])
        if isinstance(result, tuple | list) and len(result) == 3:
            return Answer(self.env.get_obs(), result[0], result[1], None, result[2])
        return after_step(result, remarks)

    def present(self) -> None:
        """There is no list: everybody stays to the end."""


def caller(env: Any, names: Sequence[str]) -> Callable[[], Any] | None:
    """A call of one of these names."""
    for part in (env, getattr(env, "unwrapped", env)):
        for name in names:
            call = getattr(part, name, None)
            if callable(call):
                return call  # type: ignore[no-any-return]
    return None


def _named_agents(env: Any) -> tuple[Hashable, ...]:
    """The agents of an environment that speaks of them by name; none where it does not."""
    for name in ("possible_agents", "get_agent_ids", "_agent_ids"):
        value = getattr(env, name, None)
        if callable(value):
            value = value()
        if isinstance(value, Collection) and value and not isinstance(value, str):
            return tuple(value) if isinstance(value, Sequence) else tuple(sorted(value, key=str))
    return ()


def _count(env: Any) -> int | None:
    """How many agents a Gymnasium environment says that it has, if it does."""
    count = getattr(getattr(env, "unwrapped", env), "n_agents", None)
    return int(count) if isinstance(count, int | np.integer) else None
