"""Worlds with any number of odd habits at once, around a plain game whose numbers are known.

`Plain` is the game: what everybody sees, earns and may do. `Odd` and `OddGym` tell the same in the ways that are about.
"""

import os
import random
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

SIZES = (2, 3)
"""Of the two small choices that an action is made of."""
FEATURES = 4


@dataclass(frozen=True)
class Habits:
    """How a world tells what happens; the defaults keep every promise."""

    agents: int = 2
    length: int = 4
    end: str = "truncated"  # or terminated, limit: it calls its own limit termination
    flags: str = "each"  # or all, scalar, list, silent: nobody is listed any more
    leaving: bool = False  # the first agent leaves after half of the episode
    reset: str = "both"  # or alone: without infos
    seeding: str = "reset"  # or call, global, python: where its chance comes from
    results: int = 5  # or 4
    rewards: str = "floats"  # or arrays, team, omitted: those of 0 are left out
    observation: str = "box"  # or bytes, dictionary, tuple, wrapped, bare: declared as wrapped, sent without
    actions: str = "discrete"  # or multi, tuple, dictionary
    masks: str = "none"  # or observation, infos, common, call
    mask_name: str = "action_mask"
    state: str = "none"  # or call, infos, observation
    manners: str = "good"  # or prints, moves: changes the working folder
    fault: str = "none"  # or one of FAULTS


FAULTS = ("nan", "nothing", "wide", "short mask", "no action", "none reward", "nan reward", "gone", "strange flags")


class Plain:
    """The game itself. An action is a number from 0 to 5; of the six the last is never allowed."""

    def __init__(self, habits: Habits) -> None:
        self.habits, self.t = habits, 0
        self.rng: Any = None

    def begin(self, rng: Any) -> None:
        self.rng, self.t, self.earned = rng, 0, np.zeros(self.habits.agents)
        self.numbers = self._drawn()

    def move(self, actions: dict[int, int]) -> None:
        self.t += 1
        self.earned = np.zeros(self.habits.agents)
        for agent, action in actions.items():
            self.earned[agent] = action * (agent + 1) + self.numbers[agent, 0]
        self.numbers = self._drawn()

    def _drawn(self) -> NDArray[np.float64]:
        draws = [self.rng.random() for _ in range(self.habits.agents * FEATURES)]
        return np.array(draws).reshape(self.habits.agents, FEATURES)

    @property
    def over(self) -> bool:
        return self.t >= self.habits.length

    def here(self, agent: int) -> bool:
        """Whether an agent still acts."""
        gone_early = self.habits.leaving and agent == 0 and self.habits.agents > 1 and self.t >= self.habits.length // 2
        return not self.over and not gone_early

    def allowed(self, agent: int) -> NDArray[np.bool_]:
        """(6,)"""
        return np.asarray(np.arange(6) != (5 if self.habits.masks != "none" else 6))


class Drawing:
    """Where a world's chance comes from."""

    def __init__(self, habits: Habits) -> None:
        self.habits = habits
        self.own = np.random.default_rng(0)

    def seed(self, seed: int | None) -> None:
        if seed is not None:
            self.own = np.random.default_rng(seed)

    def random(self) -> float:
        if self.habits.seeding == "global":
            return float(np.random.random())
        return random.random() if self.habits.seeding == "python" else float(self.own.random())


def observation_space(habits: Habits) -> Any:
    box = spaces.Box(0.0, 1.0, (FEATURES,), np.float32)
    if habits.observation == "bytes":
        return spaces.Box(0, 255, (FEATURES,), np.uint8)
    if habits.observation == "dictionary":
        return spaces.Dict({"near": spaces.Box(0, 1, (FEATURES - 1,)), "far": spaces.Box(0, 1, (1,))})
    if habits.observation == "tuple":
        return spaces.Tuple((spaces.Box(0, 1, (1,)), spaces.Box(0, 1, (1, FEATURES - 1))))
    if habits.observation in ("wrapped", "bare"):
        return spaces.Dict({"obs": box, habits.mask_name: spaces.MultiBinary(6)})
    return box


def seen(habits: Habits, numbers: NDArray[np.float64], mask: NDArray[np.bool_], state: float) -> Any:
    """What an agent is sent. state: of all, whoever is sent it."""
    if habits.observation == "dictionary":
        sent: Any = {"far": numbers[:1], "near": numbers[1:]}
    elif habits.observation == "tuple":
        sent = (numbers[:1], numbers[1:].reshape(1, -1))
    else:
        sent = numbers.copy()
    beside = {}
    if habits.masks == "observation":
        beside[habits.mask_name] = mask
    if habits.state == "observation":
        beside["state"] = np.full(3, state)
    if habits.observation == "wrapped" or (beside and habits.observation != "bare"):
        if habits.observation == "dictionary":
            return {**sent, **beside}
        return {"obs": sent, **beside}
    return sent


def action_space(habits: Habits) -> Any:
    parts = [spaces.Discrete(size) for size in SIZES]
    return {
        "discrete": spaces.Discrete(6, start=2),
        "multi": spaces.MultiDiscrete(list(SIZES)),
        "tuple": spaces.Tuple(parts),
        "dictionary": spaces.Dict({"a": parts[0], "b": parts[1]}),
    }[habits.actions]


def number_of(habits: Habits, action: Any) -> int:
    """The plain game's number of what the world is told."""
    if habits.actions == "discrete":
        return int(action) - 2
    first, second = (action["a"], action["b"]) if habits.actions == "dictionary" else action
    return int(first) * SIZES[1] + int(second)


class Odd(ParallelEnv[str, Any, Any]):  # type: ignore[misc]
    """The plain game as a parallel environment of PettingZoo or RLlib."""

    metadata: dict[str, Any] = {"name": "odd"}  # noqa: RUF012, as in PettingZoo

    def __init__(self, **habits: Any) -> None:
        self.habits = Habits(**habits)
        self.game, self.drawing = Plain(self.habits), Drawing(self.habits)
        self.possible_agents = [f"r{number}" for number in range(self.habits.agents)]
        self.agents: list[str] = []
        self.max_cycles = self.habits.length if self.habits.end == "limit" else 50
        if self.habits.state == "call":
            self.state = lambda: np.full(3, self.game.numbers[0].sum())
        if self.habits.masks == "call":
            self.get_avail_actions = self._all_masks
        if self.habits.seeding == "call":
            self.seed = self.drawing.seed
        if self.habits.seeding != "reset":
            self.reset = self._reset_without_seed  # type: ignore[method-assign, assignment]

    def observation_space(self, agent: str) -> Any:
        return observation_space(self.habits)

    def action_space(self, agent: str) -> Any:
        return action_space(self.habits)

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.drawing.seed(seed)
        return self._reset_without_seed()

    def _reset_without_seed(self) -> Any:
        self.agents = list(self.possible_agents)
        self.game.begin(self.drawing)
        sight = self._seen()
        return sight if self.habits.reset == "alone" else (sight, self._infos())

    def step(self, actions: dict[str, Any]) -> Any:
        habits, game = self.habits, self.game
        if habits.manners == "prints":
            print("hello from the world")
        if habits.manners == "moves":
            os.chdir("/")
        before = [number for number in range(habits.agents) if game.here(number)]
        game.move({int(name[1:]): number_of(habits, action) for name, action in actions.items()})
        gone = {f"r{number}": not game.here(number) for number in before}
        if habits.flags != "all":
            self.agents = [f"r{number}" for number in before if game.here(number)]
        rewards: Any = {f"r{number}": float(game.earned[number]) for number in before}
        if habits.fault in ("none reward", "nan reward") and game.t == 2:
            rewards = dict.fromkeys(rewards, None if habits.fault == "none reward" else np.nan)
        elif habits.rewards == "arrays":
            rewards = {name: np.array([value]) for name, value in rewards.items()}
        elif habits.rewards == "omitted":
            rewards = {name: value for name, value in rewards.items() if value != 0.0}
        elif habits.rewards == "team":
            rewards = float(game.earned.sum())
        ended = {name: flag and (habits.end != "truncated" or not game.over) for name, flag in gone.items()}
        cut = {name: flag and not ended[name] for name, flag in gone.items()}
        told = self._flags(ended, habits.end != "truncated"), self._flags(cut, habits.end == "truncated")
        if habits.fault == "strange flags":
            told = ("no", "never")
        sight = self._seen([f"r{number}" for number in before])
        if habits.results == 4:
            return sight, rewards, self._flags(gone, True), self._infos()
        return sight, rewards, *told, self._infos()

    def _flags(self, by_agent: dict[str, bool], of_this_kind: bool) -> Any:
        over = self.game.over and of_this_kind
        if self.habits.flags == "all":
            return {**dict.fromkeys(by_agent, False), "__all__": over}
        if self.habits.flags == "scalar":
            return over
        if self.habits.flags == "silent":
            return {}
        return by_agent

    def _seen(self, names: list[str] | None = None) -> dict[str, Any]:
        habits, game = self.habits, self.game
        if habits.fault == "gone" and game.t == 1:
            return {}
        sent: dict[str, Any] = {}
        for name in names or self.agents:
            number = int(name[1:])
            sent[name] = seen(habits, game.numbers[number], self._mask(number), game.numbers[0].sum())
            if game.t == 1 and habits.fault in ("nan", "nothing", "wide"):
                wrong = {"nan": np.full(FEATURES, np.nan), "nothing": [None] * FEATURES, "wide": np.zeros(FEATURES + 1)}
                sent[name] = wrong[habits.fault]
        return sent

    def _all_masks(self) -> list[Any]:
        return [self.game.allowed(number).astype(int) for number in range(self.habits.agents)]

    def _mask(self, number: int) -> Any:
        mask = self.game.allowed(number)
        if self.habits.fault == "short mask" and self.game.t == 1:
            return mask[:4]
        if self.habits.fault == "no action" and self.game.t == 1:
            return np.zeros_like(mask)
        return mask

    def _infos(self) -> Any:
        habits = self.habits
        names = [f"r{number}" for number in range(habits.agents)]
        infos: dict[str, Any] = {}
        if habits.masks == "infos":
            infos = {name: {habits.mask_name: self._mask(int(name[1:]))} for name in names}
        if habits.masks == "common":
            infos = {habits.mask_name: [self._mask(number) for number in range(habits.agents)]}
        if habits.state == "infos":
            infos["state"] = np.full(3, self.game.numbers[0].sum())
        return infos


class OddGym(gymnasium.Env[Any, Any]):
    """The plain game as a Gymnasium environment with agents in tuples."""

    def __init__(self, **habits: Any) -> None:
        self.inner = Odd(**habits)
        self.habits = self.inner.habits
        self.observation_space = spaces.Tuple([observation_space(self.habits)] * self.habits.agents)
        self.action_space = spaces.Tuple([action_space(self.habits)] * self.habits.agents)
        self.max_steps = self.inner.max_cycles
        if self.habits.masks == "call":
            self.get_avail_actions = self.inner.get_avail_actions

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        result = self.inner.reset(seed=seed) if self.habits.seeding == "reset" else self.inner.reset()
        seen, infos = result if isinstance(result, tuple) else (result, None)
        listed = tuple(seen.values())
        return listed if infos is None else (listed, infos)

    def step(self, action: Any) -> Any:
        named = {f"r{number}": part for number, part in enumerate(action)}
        seen, rewards, *flags, infos = self.inner.step(named)
        told = [all(flag.values()) if isinstance(flag, dict) else flag for flag in flags]
        if self.habits.flags == "list":
            told = [[flag] * self.habits.agents for flag in told]
        return tuple(seen.values()), list(rewards.values()) if isinstance(rewards, dict) else rewards, *told, infos
