"""Both engines side by side, step by step, until they differ or the steps are used up: `lockstep verify foraging`."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.foraging.config import ForagingConfig, foraging_config
from lockstep.envs.foraging.keys import FOODS, PLAYERS, SIZES
from lockstep.envs.foraging.moment import FieldMoment
from lockstep.envs.foraging.official import OfficialForaging
from lockstep.envs.foraging.simulator import ForagingSimulator
from lockstep.envs.side_by_side import parts_of
from lockstep.errors import UserError

PLAYER_STEPS_PER_FIELD = 400
"""Few players play longer on one field than many: the official package's time goes with the players."""
STEPS_PER_DRIVER = 10

Actions = NDArray[np.int64]
"""(players,)"""
Progress = Callable[[str, int, int], None]
"""Called with the kind of field, the steps compared so far, and all steps."""
Setting = tuple[str, dict[str, Any]]
"""A key, and arguments instead of what it says."""

_STEPS = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)])
_LOAD = 5


@dataclass
class FieldRow:
    """What was compared on one kind of field."""

    kind: str
    fields: int = 0
    """Each with rules and a seed of its own."""
    episodes: int = 0
    steps: int = 0
    player_steps: int = 0
    meals: int = 0
    """Steps in which food was eaten."""
    refusals: int = 0
    """Steps in which somebody loaded too heavy food."""
    crowds: int = 0
    """Steps that ended with two players on one cell, or in which two wanted the same."""


@dataclass
class ForagingReport:
    """What `verify` found."""

    seed: int
    seconds: float = 0.0
    kinds: list[FieldRow] = field(default_factory=list)
    difference: str | None = None
    """The first thing in which the engines differed, and how to see it again."""

    @property
    def steps(self) -> int:
        """Steps compared, over all kinds."""
        return sum(row.steps for row in self.kinds)

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps({"steps": self.steps, "differences": int(self.difference is not None), **asdict(self)})

    def text(self) -> str:
        """A table of the kinds, and the difference if there is one."""
        lines = [f"{'kind':<12}{'fields':>9}{'episodes':>10}{'steps':>11}{'meals':>10}{'refusals':>10}{'crowds':>10}"]
        lines += [
            f"{row.kind:<12}{row.fields:>9,}{row.episodes:>10,}{row.steps:>11,}{row.meals:>10,}{row.refusals:>10,}"
            f"{row.crowds:>10,}"
            for row in self.kinds
            if row.steps or self.difference
        ]
        summary = self.difference or f"{self.steps:,} steps compared (seed {self.seed}), no difference."
        return "\n".join([*lines, "", summary])


def verify(
    keys_pattern: str | None = None, steps: int = 100_000, seed: int | None = None, progress: Progress | None = None
) -> ForagingReport:
    """Compare `steps` steps of one field, stopping at the first difference. The kinds share the steps so that as many
    players act in each.

    keys_pattern: only keys that match (`*` and `?`) or contain it. seed: of the fields and the drivers; None: a fresh
    one, in the report.
    """
    if steps < 1:
        raise UserError(f"steps={steps} must be at least 1.")
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
    report, started = ForagingReport(seed), time.perf_counter()
    rng = np.random.default_rng(seed)
    report.kinds = [FieldRow(kind) for kind in KINDS if _matching(kind, keys_pattern, rng) is not None]
    if not report.kinds:
        raise UserError(f"No foraging key matches {keys_pattern!r}; `lockstep envs Foraging` lists them.")
    while report.difference is None and report.steps < steps:
        row = min(report.kinds, key=lambda one: one.player_steps)
        setting = _matching(row.kind, keys_pattern, rng)
        if setting is not None:
            key, arguments = setting
            length = max(50, PLAYER_STEPS_PER_FIELD // foraging_config(key, None, arguments).players)
            report.difference = _Match(key, arguments, rng, row).play(min(length, steps - report.steps))
        if progress is not None:
            progress(row.kind, report.steps, steps)
    report.seconds = time.perf_counter() - started
    return report


class _Match:
    """One field in both engines."""

    def __init__(self, key: str, arguments: dict[str, Any], rng: np.random.Generator, row: FieldRow) -> None:
        self.key, self.arguments, self.rng, self.row = key, arguments, rng, row
        self.config: ForagingConfig = foraging_config(key, None, arguments)
        self.seed = int(rng.integers(2**31))
        self.ours = ForagingSimulator(key, self.config, 1, self.seed)
        self.truth = OfficialForaging(key, self.config, 1, self.seed)

    def play(self, steps: int) -> str | None:
        """Compare `steps` steps. Episodes follow each other; only the first is seeded."""
        self.row.fields += 1
        over, driver = True, _at_random
        for step in range(steps):
            actions: Actions | None = None
            if over:
                self.row.episodes += 1
                pairs: dict[str, tuple[Any, Any]] = {"The reset": (self.truth.reset(), self.ours.reset())}
                over = False
            else:
                if step % STEPS_PER_DRIVER == 1:
                    driver = DRIVERS[int(self.rng.integers(len(DRIVERS)))]
                before = self.ours.moment(0)
                actions = driver(before, self.rng)
                a, b = self.truth.step(actions[None]), self.ours.step(actions[None])
                over = bool((a.terminated | a.truncated)[0])
                pairs = parts_of(a, b)
                self._count(before, actions, self.ours.moment(0))
            self.row.steps += 1
            self.row.player_steps += self.config.players
            wrong = [what for what, (left, right) in pairs.items() if not np.array_equal(left, right)]
            official, ours = self.truth.moment(0), self.ours.moment(0)
            if wrong or official != ours:
                what, done = wrong[0] if wrong else "Something unseen", None if actions is None else actions.tolist()
                return (
                    f"{what} differs in {self.key} {self.arguments} seed {self.seed}, step {step}, after actions "
                    f"{done}.\n\nofficial\n{official.text()}\n\nlockstep\n{ours.text()}"
                )
        return None

    def _count(self, before: FieldMoment, actions: Actions, after: FieldMoment) -> None:
        loads = [place for place, action in zip(before.players, actions, strict=True) if action == _LOAD]
        eaten = set(before.foods) - set(after.foods)
        self.row.meals += bool(eaten)
        self.row.refusals += any(_apart(place, food) == 1 for place in loads for food, _ in after.foods)
        wanted = np.array(before.players) + _STEPS[np.where(actions == _LOAD, 0, actions)]
        crowded = min(len(set(after.players)), len(np.unique(wanted, axis=0))) < len(wanted)
        self.row.crowds += crowded


def _at_random(moment: FieldMoment, rng: np.random.Generator) -> Actions:
    return rng.integers(6, size=len(moment.players))


def _all_load(moment: FieldMoment, rng: np.random.Generator) -> Actions:
    return np.full(len(moment.players), _LOAD)


def _all_stay(moment: FieldMoment, rng: np.random.Generator) -> Actions:
    return np.zeros(len(moment.players), dtype=np.int64)


def _straight_on(moment: FieldMoment, rng: np.random.Generator) -> Actions:
    """All to one side, where the wall is."""
    return np.full(len(moment.players), rng.integers(1, 5))


def _collide(moment: FieldMoment, rng: np.random.Generator) -> Actions:
    """Everybody towards the first player."""
    return np.array([_towards(place, moment.players[0], rng) for place in moment.players])


def _gather(moment: FieldMoment, rng: np.random.Generator) -> Actions:
    """Everybody to the first food, and loads beside it."""
    return _eat(moment, rng, lambda place: moment.foods[0][0])


def _graze(moment: FieldMoment, rng: np.random.Generator) -> Actions:
    """Everybody to the nearest food, and loads beside it."""
    return _eat(
        moment, rng, lambda place: min((food for food, _ in moment.foods), key=lambda food: _apart(place, food))
    )


DRIVERS = (_at_random, _all_load, _all_stay, _straight_on, _collide, _gather, _gather, _graze, _graze)


def _eat(
    moment: FieldMoment, rng: np.random.Generator, choose: Callable[[tuple[int, int]], tuple[int, int]]
) -> Actions:
    if not moment.foods:
        return _at_random(moment, rng)
    goals = [choose(place) for place in moment.players]
    return np.array(
        [
            _LOAD if _apart(place, goal) == 1 else _towards(place, goal, rng)
            for place, goal in zip(moment.players, goals, strict=True)
        ]
    )


def _towards(place: tuple[int, int], goal: tuple[int, int], rng: np.random.Generator) -> int:
    """Along one axis or the other, now and then astray."""
    down, right = goal[0] - place[0], goal[1] - place[1]
    if rng.random() < 0.1 or (down == 0 and right == 0):
        return int(rng.integers(6))
    if rng.random() * (abs(down) + abs(right)) < abs(down):
        return 2 if down > 0 else 1
    return 4 if right > 0 else 3


def _apart(a: tuple[int, int], b: tuple[int, int]) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _registered(rng: np.random.Generator) -> Setting:
    size, players, foods = _one_of(rng, SIZES), _one_of(rng, PLAYERS), _one_of(rng, FOODS)
    return f"Foraging{_one_of(rng, ('', '-2s'))}-{size}x{size}-{players}p-{foods}f{_coop(rng)}-v3", {}


def _grid(rng: np.random.Generator) -> Setting:
    size, players, foods = _one_of(rng, SIZES), _one_of(rng, PLAYERS), _one_of(rng, FOODS)
    sight = int(rng.integers(1, min(size, 6)))
    arguments = {"observe_agent_levels": bool(rng.integers(2))}
    return f"Foraging-grid-{sight}s-{size}x{size}-{players}p-{foods}f{_coop(rng)}-v3", arguments


def _levels(rng: np.random.Generator) -> Setting:
    """Levels of each player and food, or one for all; zero among them."""
    players, foods = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    key = f"Foraging-7x7-{players}p-{foods}f{_coop(rng)}-v3"
    least, most = _range(rng, players), _range(rng, foods)
    arguments: dict[str, Any] = {"min_player_level": least[0], "max_player_level": least[1]}
    return key, arguments | {"min_food_level": most[0], "max_food_level": most[1]}


def _shapes(rng: np.random.Generator) -> Setting:
    """Fields that are no squares, seen in part."""
    rows, columns = rng.integers(3, 15, size=2).tolist()
    sight = int(rng.integers(0, (min(rows, columns) + 1) // 2))
    return f"Foraging-8x8-{rng.integers(1, 5)}p-2f-v3", {
        "field_size": (rows, columns),
        "sight": sight if rows != columns else int(rng.integers(0, 20)),
        "max_num_food": int(rng.integers(1, 8)),
    }


def _crowds(rng: np.random.Generator) -> Setting:
    """Small fields full of players, where some are never placed anew."""
    side = int(rng.integers(3, 6))
    players = int(rng.integers(side, side * side + 1))
    return f"Foraging-{side}x{side}-{players}p-{rng.integers(1, 4)}f{_coop(rng)}-v3", {"sight": int(rng.integers(0, 6))}


def _rewards(rng: np.random.Generator) -> Setting:
    return f"Foraging-6x6-{rng.integers(1, 6)}p-{rng.integers(1, 5)}f-pen-v3", {
        "penalty": float(rng.choice([0.0, 0.1, 1.0, -0.5, 1 / 3])),
        "normalize_reward": bool(rng.integers(2)),
        "observe_agent_levels": bool(rng.integers(2)),
        "max_episode_steps": int(rng.integers(1, 80)),
    }


def _plenty(rng: np.random.Generator) -> Setting:
    """More food than finds a place."""
    side = int(rng.integers(5, 20))
    return f"Foraging-{side}x{side}-4p-{rng.integers(5, 60)}f-ind-v3", {"sight": int(rng.integers(1, 20))}


KINDS: dict[str, Callable[[np.random.Generator], Setting]] = {
    "registered": _registered,
    "grid": _grid,
    "levels": _levels,
    "shapes": _shapes,
    "crowds": _crowds,
    "rewards": _rewards,
    "plenty": _plenty,
}


def _matching(kind: str, pattern: str | None, rng: np.random.Generator) -> Setting | None:
    """A field of a kind whose key matches; None after many others."""
    for _ in range(2_000):
        key, arguments = KINDS[kind](rng)
        if pattern is None or pattern in key or fnmatchcase(key, pattern):
            return key, arguments
    return None


def _one_of(rng: np.random.Generator, values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def _coop(rng: np.random.Generator) -> str:
    return "-coop" if rng.integers(2) else ""


def _range(rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Lowest and highest levels: one for all, or one for each."""
    if rng.integers(2):
        low = int(rng.integers(0, 4))
        return low, low + int(rng.integers(0, 4))
    lows = rng.integers(0, 4, size=count)
    return tuple(lows.tolist()), tuple((lows + rng.integers(0, 4, size=count)).tolist())
