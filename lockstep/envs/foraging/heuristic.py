# mypy: disable-error-code="no-any-return"
"""What a sensible programmer would write: a team that knows the whole field and shares it out. For reference.

The food that can be lifted soonest is given to the nearest players who are strong enough together, the next one to the
nearest of the others, and so on; who is not needed walks to food that is left. Everybody takes a shortest way around
food and waiting players to a free cell beside theirs, and loads when the others are there.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.compute.compiled import announce_compilation, compiled
from lockstep.envs.foraging.official import OfficialForaging
from lockstep.envs.foraging.simulator import ForagingSimulator

_FAR = 1_000_000
_LOAD = 5
_DOWN, _RIGHT = np.array([0, -1, 1, 0, 0]), np.array([0, 0, 0, -1, 1])
ROW, COLUMN, LEVEL = range(3)
CELLS_BESIDE = 4
"""So many players can load one food."""

Numbers = NDArray[np.int64]


class ForagingHeuristic:
    """A `lockstep.acting.policy.Policy` for one foraging environment, on either engine.

    It reads the environment's state instead of the observations, so `act` must be called between that environment's
    steps, as `collect` and `evaluate` do.
    """

    def __init__(self, env: ForagingSimulator | OfficialForaging) -> None:
        self.env = env

    def act(
        self, obs: Obs, available: Mask | None, last_actions: NDArray[np.int64], memory: Any
    ) -> tuple[NDArray[np.int64], Any]:
        """See `lockstep.acting.policy.Policy.act`; nothing is remembered."""
        announce_compilation("foraging heuristic", share_out)
        players, foods = arrays_of(self.env)
        actions = np.zeros(players.shape[:2], dtype=np.int64)
        share_out(*self.env.config.field_size, players, foods, actions)
        return actions, None


def arrays_of(env: ForagingSimulator | OfficialForaging) -> tuple[Numbers, Numbers]:
    """Players (lanes, players, 3) and foods (lanes, foods, 3): row, column, level; a level of 0 is no food."""
    players = np.zeros((env.num_envs, env.config.players, 3), dtype=np.int64)
    foods = np.zeros((env.num_envs, env.config.max_num_food, 3), dtype=np.int64)
    if isinstance(env, ForagingSimulator):
        state = env.get_state()
        players[:], foods[:] = state["players"], state["foods"]
        return players, foods
    for lane in range(env.num_envs):
        moment = env.moment(lane)
        for number, (place, level) in enumerate(zip(moment.players, moment.levels, strict=True)):
            players[lane, number] = *place, level
        for number, (place, level) in enumerate(moment.foods):
            foods[lane, number] = *place, level
    return players, foods


@compiled
def share_out(rows: int, columns: int, players: Numbers, foods: Numbers, actions: Numbers) -> None:
    """Write what everybody does. players: (lanes, players, 3), foods: (lanes, foods, 3), actions: (lanes, players)."""
    for lane in range(len(players)):
        goals = _assigned(rows, columns, players[lane], foods[lane])
        _walk_and_load(rows, columns, players[lane], foods[lane], goals, actions[lane])


@compiled
def _assigned(rows: int, columns: int, players: Numbers, foods: Numbers) -> Numbers:
    """The food that every player goes for, or -1. Soonest is the food whose last eater is there first."""
    goals = np.full(len(players), -1)
    steps = np.empty((len(foods), rows * columns), dtype=np.int64)
    blocked = np.zeros(rows * columns, dtype=np.bool_)
    for f in range(len(foods)):
        if foods[f, LEVEL] > 0:
            blocked[foods[f, ROW] * columns + foods[f, COLUMN]] = True
    for f in range(len(foods)):
        if foods[f, LEVEL] > 0:
            _fill_steps(rows, columns, blocked, foods[f], steps[f])
    taken = np.zeros(len(foods), dtype=np.bool_)
    eaters = np.empty(CELLS_BESIDE, dtype=np.int64)
    while True:
        soonest, chosen = _FAR, -1
        for f in range(len(foods)):
            if foods[f, LEVEL] > 0 and not taken[f]:
                last = _gathered(columns, players, foods[f], steps[f], goals, eaters)[1]
                if last < soonest:
                    soonest, chosen = last, f
        if chosen < 0:
            break
        count = _gathered(columns, players, foods[chosen], steps[chosen], goals, eaters)[0]
        goals[eaters[:count]] = chosen
        taken[chosen] = True
    for i in range(len(players)):
        nearest, ahead = _FAR, goals[i]
        for f in range(len(foods)):
            there = steps[f, players[i, ROW] * columns + players[i, COLUMN]]
            if goals[i] < 0 and foods[f, LEVEL] > 0 and not taken[f] and there < nearest:
                nearest, ahead = there, f
        goals[i] = ahead
    return goals


@compiled
def _gathered(
    columns: int, players: Numbers, food: Numbers, steps: Numbers, goals: Numbers, eaters: Numbers
) -> tuple[int, int]:
    """The nearest players without a goal who can lift a food together: how many, and the steps of the last to come.
    Where they cannot, _FAR steps. eaters: (4,), written"""
    count, together, last = 0, 0, 0
    while together < food[LEVEL]:
        nearest, best = _FAR, -1
        for i in range(len(players)):
            there = steps[players[i, ROW] * columns + players[i, COLUMN]]
            free = goals[i] < 0 and there < nearest
            for k in range(count):
                free &= eaters[k] != i
            if free:
                nearest, best = there, i
        if best < 0 or count == CELLS_BESIDE:
            return 0, _FAR
        eaters[count] = best
        count += 1
        together += players[best, LEVEL]
        last = nearest
    return count, last


@compiled
def _fill_steps(rows: int, columns: int, blocked: NDArray[np.bool_], food: Numbers, steps: Numbers) -> None:
    """How far every cell is from a free one beside a food, around what is blocked. steps: (cells,), written"""
    steps[:] = _FAR
    queue = np.empty(rows * columns, dtype=np.int64)
    first = last = 0
    for direction in range(1, 5):
        row, column = food[ROW] + _DOWN[direction], food[COLUMN] + _RIGHT[direction]
        if 0 <= row < rows and 0 <= column < columns and not blocked[row * columns + column]:
            steps[row * columns + column] = 0
            queue[last] = row * columns + column
            last += 1
    while first < last:
        cell = queue[first]
        first += 1
        for direction in range(1, 5):
            row, column = cell // columns + _DOWN[direction], cell % columns + _RIGHT[direction]
            if 0 <= row < rows and 0 <= column < columns:
                beside = row * columns + column
                if not blocked[beside] and steps[beside] == _FAR:
                    steps[beside] = steps[cell] + 1
                    queue[last] = beside
                    last += 1


@compiled
def _walk_and_load(rows: int, columns: int, players: Numbers, foods: Numbers, goals: Numbers, actions: Numbers) -> None:
    """Who is beside its food waits or loads; the others walk, one after the other, to cells that nobody has taken."""
    taken = np.zeros(rows * columns, dtype=np.bool_)
    cells = players[:, ROW] * columns + players[:, COLUMN]
    there = np.zeros(len(foods), dtype=np.int64)
    walking = np.ones(len(players), dtype=np.bool_)
    for f in range(len(foods)):
        if foods[f, LEVEL] > 0:
            taken[foods[f, ROW] * columns + foods[f, COLUMN]] = True
    for i in range(len(players)):
        food = foods[goals[i]]
        if goals[i] < 0:
            walking[i] = False
        elif abs(food[ROW] - players[i, ROW]) + abs(food[COLUMN] - players[i, COLUMN]) == 1:
            there[goals[i]] += players[i, LEVEL]
            walking[i] = False
        if not walking[i]:
            taken[cells[i]] = True
    steps = np.empty(rows * columns, dtype=np.int64)
    for i in range(len(players)):
        actions[i] = 0
        if not walking[i]:
            if goals[i] >= 0 and there[goals[i]] >= foods[goals[i], LEVEL]:
                actions[i] = _LOAD
            continue
        _fill_steps(rows, columns, taken, foods[goals[i]], steps)
        least = 2 * _FAR
        for direction in range(1, 5):
            row, column = players[i, ROW] + _DOWN[direction], players[i, COLUMN] + _RIGHT[direction]
            if 0 <= row < rows and 0 <= column < columns and not taken[row * columns + column]:
                cell = row * columns + column
                cost = 2 * steps[cell] + np.any(cells == cell)
                if cost < min(least, 2 * _FAR):
                    least, actions[i] = cost, direction
        taken[(players[i, ROW] + _DOWN[actions[i]]) * columns + players[i, COLUMN] + _RIGHT[actions[i]]] = True
