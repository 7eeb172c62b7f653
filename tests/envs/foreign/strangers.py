"""Worlds as other libraries' users write them, and worlds that behave badly as programs."""

import os
import sys
import time
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv


class SmacLike:
    """EPyMARL's habit: a MultiAgentEnv that is no Gymnasium environment, with everything behind calls.

    Two agents walk on five cells; agent 0 alone may take the last action. Both at 4 is worth 5 and ends it.
    """

    def __init__(self, map_name: str = "five", seed: int = 0, episode_limit: int = 8) -> None:
        self.n_agents, self.episode_limit, self.map_name = 2, episode_limit, map_name
        self.rng = np.random.default_rng(seed)

    def seed(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def reset(self) -> tuple[list[Any], Any]:
        self.cells, self.t = self.rng.integers(3, size=2), 0
        return self.get_obs(), self.get_state()

    def step(self, actions: Any) -> tuple[float, bool, dict[str, Any]]:
        assert [int(action) for action in actions][1] < 3, "an action that is not available"
        self.t += 1
        self.cells = np.clip(self.cells + (np.array(actions) == 1) - (np.array(actions) == 2), 0, 4)
        won = bool((self.cells == 4).all())
        over = won or self.t >= self.episode_limit
        return (5.0 if won else -0.1), over, {"episode_limit": over and not won}

    def get_obs(self) -> list[Any]:
        return [np.array([self.cells[number], self.t], np.float32) for number in range(2)]

    def get_obs_size(self) -> int:
        return 2

    def get_state(self) -> Any:
        return np.array([*self.cells, self.t, 1.0], np.float32)

    def get_avail_actions(self) -> list[list[int]]:
        return [[1, 1, 1, 1], [1, 1, 1, 0]]

    def get_env_info(self) -> dict[str, Any]:
        return {
            "state_shape": 4,
            "obs_shape": 2,
            "n_actions": 4,
            "n_agents": 2,
            "episode_limit": self.episode_limit,
        }


class RllibLike(gymnasium.Env[Any, Any]):
    """RLlib's habit: agents are numbers, spaces dictionaries, `__all__` ends it, infos are empty, rewards partial."""

    def __init__(self, config: Any = None) -> None:
        self.horizon = (config or {}).get("length", 6)
        self.possible_agents = [0, 1]
        self.agents = [0, 1]
        one = spaces.Dict({"observations": spaces.Box(-1, 1, (2,)), "action_mask": spaces.Box(0, 1, (3,), np.int8)})
        self.observation_space = spaces.Dict({"0": one, "1": one})
        self.observation_spaces = {0: one, 1: one}
        self.action_spaces = {0: spaces.Discrete(3), 1: spaces.Discrete(3)}
        self.action_space = spaces.Dict({"0": spaces.Discrete(3), "1": spaces.Discrete(3)})

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.t = 0
        return self._see(), {}

    def step(self, action: Any) -> Any:
        assert all(choice != 2 for choice in action.values()), "an action that is masked"
        self.t += 1
        over = self.t >= self.horizon
        rewards = {agent: 1.0 for agent, choice in action.items() if choice == 1}
        return self._see(), rewards, {"__all__": False}, {"__all__": over}, {}

    def _see(self) -> Any:
        drawn = self.np_random.random(2).astype(np.float32)
        return {agent: {"observations": drawn, "action_mask": np.array([1, 1, 0], np.int8)} for agent in self.agents}


class Step(ParallelEnv[str, Any, int]):  # type: ignore[misc]
    """Two agents, six steps of nothing; the worlds below do one thing besides."""

    metadata: dict[str, Any] = {"name": "step"}  # noqa: RUF012, as in PettingZoo

    def __init__(self, max_cycles: int = 6) -> None:
        self.possible_agents, self.max_cycles = ["a_0", "b_0"], max_cycles

    def observation_space(self, agent: str) -> Any:
        return spaces.Box(0, 1, (2,))

    def action_space(self, agent: str) -> Any:
        return spaces.Discrete(2)

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.agents, self.t, self.rng = list(self.possible_agents), 0, np.random.default_rng(seed)
        return self._see(), {}

    def step(self, actions: Any) -> Any:
        self.t += 1
        over = dict.fromkeys(self.agents, self.t >= self.max_cycles)
        return self._see(), self._paid(actions), dict.fromkeys(self.agents, False), over, {}

    def _paid(self, actions: Any) -> Any:
        return dict.fromkeys(self.agents, 1.0)

    def _see(self) -> Any:
        return {agent: self.rng.random(2).astype(np.float32) for agent in self.agents}


class Chase(Step):
    """a_0 wins what b_0 loses."""

    def _paid(self, actions: Any) -> Any:
        return {"a_0": float(actions["a_0"]), "b_0": -float(actions["a_0"])}


class Stubborn(Step):
    """Ends after its own number of steps, which it does not let anybody change."""

    def __init__(self) -> None:
        super().__init__(6)

    max_cycles = property(lambda self: 6, lambda self, value: None)


class Deaf(Step):
    """Lets its limit be written to, and ends after six steps all the same."""

    def step(self, actions: Any) -> Any:
        seen, rewards, ended, _, infos = super().step(actions)
        return seen, rewards, ended, dict.fromkeys(self.agents, self.t >= 6), infos


class Timed(Step):
    """Demands its limit by a name that is Lockstep's, too."""

    def __init__(self, time_limit: int) -> None:
        self.possible_agents, self.time_limit = ["a_0", "b_0"], time_limit

    def step(self, actions: Any) -> Any:
        self.t += 1
        over = dict.fromkeys(self.agents, self.t >= self.time_limit)
        return self._see(), self._paid(actions), dict.fromkeys(self.agents, False), over, {}


class Fresh(Step):
    """Draws from the system's entropy whatever its seed is."""

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        return super().reset(None)


class OnlyOne(Step):
    """There can be but one at a time, and it takes a while to start."""

    alive: ClassVar[list[object]] = []
    made: ClassVar[list[object]] = []

    def __init__(self) -> None:
        super().__init__()
        if OnlyOne.alive:
            raise ConnectionError("port 5005 is in use")
        OnlyOne.alive.append(self)
        OnlyOne.made.append(self)

    def close(self) -> None:
        OnlyOne.alive.clear()


class Sized(Step):
    """Takes a list and a table."""

    def __init__(self, size: Any, rules: Any = None) -> None:
        super().__init__()
        height, width = size
        assert (height, width) == (8, 9)
        assert rules == {"rain": True, "names": ["x", "y"]}


class Bad(Step):
    """Ends its process, hangs or raises: in its constructor, its first step, or when it is asked to exit politely."""

    def __init__(self, how: str, when: str) -> None:
        super().__init__()
        self.how, self.when = how, when
        if when == "make":
            self._misbehave()

    def step(self, actions: Any) -> Any:
        if self.when == "step":
            self._misbehave()
        return super().step(actions)

    def _misbehave(self) -> None:
        if self.how == "dies":
            os._exit(3)
        if self.how == "exits":
            sys.exit(4)
        if self.how == "hangs":
            time.sleep(60)
        if self.how == "needs":
            import a_package_that_nobody_has  # type: ignore[import-not-found]  # noqa: F401
        raise RuntimeError("two\nlines")
