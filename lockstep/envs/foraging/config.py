"""The rules of a field of food, by the names of the official package's `ForagingEnv(...)` arguments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from math import isfinite
from typing import Any

import numpy as np

from lockstep.envs.foraging.keys import foraging_arguments
from lockstep.errors import UnknownArgumentError, UserError
from lockstep.spec import BYTE_BITS, FLAG_BITS, FLOAT_BITS, EnvSpec

ACTION_NAMES = ("stay", "north", "south", "west", "east", "load")
NUM_ACTIONS = len(ACTION_NAMES)
GRID_LAYERS = ("level of a player", "level of food", "free")
MAX_PLAYERS, MAX_FOODS, MAX_SIDE, MAX_LEVEL = 100, 400, 250, 1_000
MAX_FEATURES = 250_000
MAX_CROWDING = 0.97
"""Share of the cells that may be taken when the last player looks for one: the package tries a thousand times, and
crashes where that was not enough; then it is once in 10^13 times."""
GATHERED = 3
"""Where no level is given for food, it is at most that of the three weakest players together."""
_IGNORED_ARGUMENTS = ("render_mode",)
"""Belongs to drawing, which the faces do."""


@dataclass(frozen=True)
class ForagingConfig:
    """What `ForagingEnv(...)` takes, with plain values. Levels are one for all, or one for each.

    Raises UserError for what cannot work, also where the package would only fail later.
    """

    players: int = 2
    min_player_level: int | tuple[int, ...] = 1
    max_player_level: int | tuple[int, ...] = 2
    min_food_level: int | tuple[int, ...] = 1
    max_food_level: int | tuple[int, ...] | None = None
    field_size: tuple[int, int] = (8, 8)
    max_num_food: int = 2
    sight: int = 8
    max_episode_steps: int = 50
    force_coop: bool = False
    normalize_reward: bool = True
    grid_observation: bool = False
    observe_agent_levels: bool = True
    penalty: float = 0.0

    def __post_init__(self) -> None:
        _check_count("players", self.players, 1, MAX_PLAYERS)
        _check_count("max_num_food", self.max_num_food, 1, MAX_FOODS)
        _check_count("max_episode_steps", self.max_episode_steps, 1, 1_000_000_000)
        for name in ("force_coop", "normalize_reward", "grid_observation", "observe_agent_levels"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise UserError(f"{name}={getattr(self, name)!r} must be true or false.")
        size = self.field_size
        if not isinstance(size, Iterable) or isinstance(size, str) or len(tuple(size)) != 2:
            raise UserError(f"field_size={size!r} must be two numbers of cells: rows and columns.")
        for side in size:
            _check_count("field_size", side, 3, MAX_SIDE)
        put = object.__setattr__
        put(self, "field_size", tuple(int(side) for side in size))
        _check_count("sight", self.sight, 1 if self.grid_observation else 0, 1_000_000)
        penalty: Any = self.penalty
        if isinstance(penalty, bool) or not isinstance(penalty, int | float | np.number) or not isfinite(penalty):
            raise UserError(f"penalty={penalty!r} must be a number.")
        put(self, "penalty", float(penalty))
        for name, count in (("player_level", self.players), ("food_level", self.max_num_food)):
            for bound in ("min", "max"):
                put(self, f"{bound}_{name}", _levels(f"{bound}_{name}", getattr(self, f"{bound}_{name}"), count))
            self._check_order(f"min_{name}", f"max_{name}")
        self._check_reach()

    def _check_order(self, least: str, most: str) -> None:
        lows, highs = getattr(self, least), getattr(self, most)
        for low, high in zip(lows, highs or lows, strict=True):
            if low > high:
                raise UserError(f"{least}={low} is above {most}={high}; give a range that holds a level.")

    def _check_reach(self) -> None:
        rows, columns = self.field_size
        if self.players - 1 > MAX_CROWDING * rows * columns:
            raise UserError(f"{self.players} players find no place on {rows} x {columns} cells; ask for fewer.")
        gathered = sum(sorted(_each(self.min_player_level))[:GATHERED])
        lowest = max(_each(self.min_food_level))
        if self.max_food_level is None and not self.force_coop and lowest > gathered:
            raise UserError(
                f"min_food_level={lowest} may be above what the three weakest players lift together, {gathered}, which "
                "is the highest level of food where max_food_level is none; give max_food_level."
            )
        seen_rows, seen_columns = (min(2 * self.sight, side - 1) for side in (rows, columns))
        if not self.grid_observation and (seen_rows > columns - 1 or seen_columns > rows - 1):
            raise UserError(
                f"field_size={rows} x {columns} with sight={self.sight}: the official package swaps rows and columns "
                "in the bounds of what players see, and fails; take a square, a shorter sight or grid_observation."
            )
        if self.obs_dim > MAX_FEATURES:
            raise UserError(f"Each player would see {self.obs_dim:,} numbers, above {MAX_FEATURES:,}; lower sight.")

    @property
    def cells(self) -> int:
        """Cells of the field."""
        return self.field_size[0] * self.field_size[1]

    @property
    def view(self) -> int:
        """Cells on each side of the square that a player sees."""
        return 2 * self.sight + 1

    @property
    def highest_player(self) -> int:
        """The highest level of a player."""
        return max(_each(self.max_player_level))

    @property
    def highest_food(self) -> int:
        """The highest level of food."""
        if self.max_food_level is not None:
            return max(_each(self.max_food_level))
        return sum(sorted(_each(self.max_player_level))[:GATHERED])

    @property
    def obs_dim(self) -> int:
        """Numbers that a player sees: three for every food and player (without levels, two a player), or layers."""
        if self.grid_observation:
            return len(GRID_LAYERS) * self.view**2
        return 3 * self.max_num_food + (3 if self.observe_agent_levels else 2) * self.players

    @property
    def obs_bits(self) -> tuple[int, ...]:
        """Storage width of every number, see EnvSpec: what is not seen is at -1, so only one's own place is a byte."""
        food, player = (_width(level) for level in (self.highest_food, self.highest_player))
        if self.grid_observation:
            layers = (player if self.observe_agent_levels else FLAG_BITS, food, FLAG_BITS)
            return tuple(bits for bits in layers for _ in range(self.view**2))
        level = (player,) if self.observe_agent_levels else ()
        others = (FLOAT_BITS, FLOAT_BITS, *level) * (self.players - 1)
        return (FLOAT_BITS, FLOAT_BITS, food) * self.max_num_food + (BYTE_BITS, BYTE_BITS, *level) + others

    def spec(self, key: str) -> EnvSpec:
        """What a learner must know, the same for both engines."""
        return EnvSpec(
            key=key,
            num_agents=self.players,
            obs_dim=self.obs_dim,
            num_actions=NUM_ACTIONS,
            time_limit=self.max_episode_steps,
            obs_bits=self.obs_bits,
        )


def foraging_config(key: str, time_limit: int | None, arguments: Mapping[str, Any]) -> ForagingConfig:
    """The rules behind a key with `ForagingEnv(...)` arguments changed; `time_limit` is its `max_episode_steps`."""
    if time_limit is not None:
        if "max_episode_steps" in arguments:
            raise UserError("time_limit and max_episode_steps are two names of one thing; give one of them.")
        arguments = {**arguments, "max_episode_steps": time_limit}
    known = [one.name for one in fields(ForagingConfig)]
    for name in arguments:
        if name not in (*known, *_IGNORED_ARGUMENTS):
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "known are: " + ", ".join(known) + "."
            raise UnknownArgumentError(f"{name!r} is no argument of a field of food; {hint}")
    chosen = {name: value for name, value in arguments.items() if name in known}
    return ForagingConfig(**{**foraging_arguments(key), **chosen})


def _each(levels: Any) -> tuple[int, ...]:
    """Levels after the checks: one for each."""
    return tuple(levels)


def _levels(name: str, given: Any, count: int) -> tuple[int, ...] | None:
    """One for each of `count`, from one for all or a row of them; None where no highest level of food is given."""
    if given is None and name == "max_food_level":
        return None
    many = isinstance(given, Iterable) and not isinstance(given, str)
    levels = tuple(given) if many else (given,) * count
    if len(levels) != count:
        raise UserError(f"{name} has {len(levels)} levels for {count}; give one for each, or one for all.")
    for level in levels:
        _check_count(name, level, 0, MAX_LEVEL)
    return tuple(int(level) for level in levels)


def _width(level: int) -> int:
    return BYTE_BITS if level < 256 else FLOAT_BITS


def _check_count(name: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise UserError(f"{name}={value!r} must be a whole number from {least} to {most:,}.")
