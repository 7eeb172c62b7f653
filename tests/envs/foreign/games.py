"""Small environments of other people: every kind that the adapter must understand."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv


class Unequal(ParallelEnv[str, Any, int]):  # type: ignore[misc]
    """`short` sees 2 numbers, has 2 actions and leaves after 2 steps; `long` sees 3, has 4 and stays for `steps`.

    Rewards are 1 for short and 10 for long. Action 3 of long is never allowed.
    """

    metadata: dict[str, Any] = {"name": "unequal"}  # noqa: RUF012, as in PettingZoo

    def __init__(self, steps: int = 4, cut: bool = False) -> None:
        self.possible_agents = ["short", "long"]
        self.steps, self.cut = steps, cut
        self.max_cycles = 9
        self.heard: list[dict[str, int]] = []

    def observation_space(self, agent: str) -> spaces.Box:
        return spaces.Box(-1.0, 9.0, (2,) if agent == "short" else (3,))

    def action_space(self, agent: str) -> spaces.Discrete:
        return spaces.Discrete(2 if agent == "short" else 4)

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        self.agents, self.t = list(self.possible_agents), 0
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        return self._see(), self._infos()

    def step(self, actions: dict[str, int]) -> tuple[dict[str, Any], ...]:
        self.heard.append(actions)
        self.t += 1
        here, seen, infos = list(self.agents), self._see(), self._infos()
        over = {agent: self.t >= (2 if agent == "short" else self.steps) for agent in here}
        self.agents = [agent for agent in here if not over[agent]]
        cut = {agent: over[agent] and self.cut and agent == "long" for agent in here}
        ended = {agent: over[agent] and not cut[agent] for agent in here}
        return seen, {agent: 1.0 if agent == "short" else 10.0 for agent in here}, ended, cut, infos

    def _see(self) -> dict[str, Any]:
        drawn = float(self.rng.random())
        return {agent: np.full(2 if agent == "short" else 3, drawn, np.float32) for agent in self.agents}

    def _infos(self) -> dict[str, Any]:
        return {agent: {"action_mask": np.array([1, 1, 1, 0])} if agent == "long" else {} for agent in self.agents}


class Endless(Unequal):
    """Unequal that does not say how long it may last."""

    def __init__(self) -> None:
        super().__init__()
        del self.max_cycles


class Mortal(Unequal):
    """Unequal that dies, hangs or raises in the second step of `times` episodes in all, counted by files in `marks`."""

    def __init__(self, marks: str, how: str = "die", times: int = 1, steps: int = 4) -> None:
        super().__init__(steps)
        self.marks, self.how, self.times = Path(marks), how, times

    def step(self, actions: dict[str, int]) -> tuple[dict[str, Any], ...]:
        if self.t == 1 and self._takes_a_turn():
            if self.how == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.how == "hang":
                threading.Event().wait()
            raise ZeroDivisionError("a mistake in somebody's world")
        return super().step(actions)

    def _takes_a_turn(self) -> bool:
        """Whether this fault is one of `times`: of processes that ask at once, one has each."""
        for number in range(self.times):
            with suppress(FileExistsError):
                (self.marks / str(number)).touch(exist_ok=False)
                return True
        return False


RAISED: dict[str, Callable[[], BaseException]] = {
    "pipe": BrokenPipeError,
    "exit": lambda: SystemExit(0),
    "value": lambda: ValueError("first line\nsecond line"),
    "generator": GeneratorExit,
    "stop": StopIteration,
    "memory": lambda: MemoryError("out of memory"),
    "full": lambda: OSError(28, "No space left on device"),
    "own": lambda: type("Odd", (BaseException,), {})("no Exception at all"),
}


class Raising(Unequal):
    """Unequal that raises one of `RAISED` after so many steps of all of them together, once in every `marks`."""

    taken = 0

    def __init__(self, how: str, marks: str, after: int = 0, where: str = "step") -> None:
        super().__init__()
        self.how, self.mark, self.after, self.where = how, Path(marks) / "raised", after, where

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        self._raise("reset")
        return super().reset(seed, options)

    def step(self, actions: dict[str, int]) -> tuple[dict[str, Any], ...]:
        Raising.taken += 1
        self._raise("step")
        return super().step(actions)

    def _raise(self, where: str) -> None:
        if where == self.where and Raising.taken >= self.after and not self.mark.exists():
            self.mark.touch()
            raise RAISED[self.how]()


class Twins(gymnasium.Env[Any, Any]):
    """Two agents in tuples; ends itself after 3 steps and calls that termination."""

    def __init__(self, shared: bool = False, box: bool = False, named: bool = False) -> None:
        one: Any = spaces.Dict({"eye": spaces.Discrete(2)}) if named else spaces.Box(0, 255, (2, 2), np.uint8)
        self.observation_space = spaces.Tuple((one, one))
        self.action_space = spaces.Tuple((spaces.Box(0, 1, (1,)),) * 2 if box else (spaces.Discrete(3, start=5),) * 2)
        self.shared, self._max_episode_steps = shared, 3
        self.heard: list[tuple[int, ...]] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.t = 0
        return self._see(), {}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self.heard.append(action)
        self.t += 1
        return self._see(), (7.0 if self.shared else [1.0, 2.0]), self.t >= 3, False, {}

    def _see(self) -> tuple[Any, Any]:
        first = np.arange(4, dtype=np.uint8).reshape(2, 2)
        return first, first + 10


def in_turns() -> Any:
    """Played one after the other."""
    from pettingzoo.utils.conversions import parallel_to_aec

    return parallel_to_aec(Unequal())


def nothing() -> int:
    """No environment at all."""
    return 7


TAKEN_NAMES = ("num_envs", "seed", "engine", "workers", "time_limit", "key", "num_threads", "arguments")


class WellNamed(Unequal):
    """Its constructor's arguments are called like those of the functions that it comes through; it shows them."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        self.given = np.array([float(arguments[name]) for name in TAKEN_NAMES], dtype=np.float32)

    def observation_space(self, agent: str) -> spaces.Box:
        return spaces.Box(-1.0, 99.0, self.given.shape)

    def _see(self) -> dict[str, Any]:
        return dict.fromkeys(self.agents, self.given)


class Wide(Unequal):
    """Both see 9,000 numbers."""

    def observation_space(self, agent: str) -> spaces.Box:
        return spaces.Box(-1.0, 9.0, (9_000,))

    def _see(self) -> dict[str, Any]:
        drawn = float(self.rng.random())
        return {agent: np.full(9_000, drawn, np.float32) for agent in self.agents}
