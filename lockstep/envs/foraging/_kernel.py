# mypy: disable-error-code="no-any-return, arg-type, assignment"
"""One step of many fields of food, compiled: arrays in, arrays out. Only `simulator` calls this.

The package keeps a grid of food and looks into it; here food is a short list in reading order, and whoever asks what
lies on a cell goes through it. No two foods are so near that a player could stand beside both, so who loads, loads one.

Line numbers cite lbforaging 2.0.0's foraging/environment.py.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled, inlined
from lockstep.envs.random_streams import draw_below, permute, seed_stream

STAY, NORTH, SOUTH, WEST, EAST, LOAD = range(6)
ROW, COLUMN, LEVEL = range(3)
NOWHERE = -1
"""Row of a player who was never placed."""
ATTEMPTS = 1000
"""Cells that are tried for each player, and for all food together."""
GATHERED = 3
NOTHING = -1
"""No food."""
_ROW_STEP = np.array([0, -1, 1, 0, 0, 0])
_COLUMN_STEP = np.array([0, 0, 0, -1, 1, 0])

Numbers = NDArray[np.int64]
Rows = NDArray[np.int32]


class FieldRules(NamedTuple):
    """What is the same for all lanes."""

    rows: int
    columns: int
    sight: int
    time_limit: int
    force_coop: bool
    normalize_reward: bool
    observe_levels: bool
    grid: bool
    penalty: float
    player_levels: Numbers
    """(2, players): lowest and highest, before they are shuffled"""
    food_levels: Numbers
    """(2, foods): lowest and highest, before they are shuffled; a highest of -1 is what three players lift together"""
    num_features: int
    """Of one player's observation."""


class FieldLanes(NamedTuple):
    """What decides the future of every lane: arrays whose first axis is the lane."""

    streams: NDArray[np.uint64]
    """(lanes, 6), see random_streams"""
    players: Rows
    """(lanes, players, 3): ROW, COLUMN, LEVEL"""
    foods: Rows
    """(lanes, foods, 3): ROW, COLUMN, LEVEL in reading order; those that are eaten, or found no place, have level 0"""
    spawned: Numbers
    """(lanes,) sum of the levels of all food at the beginning"""
    steps: Numbers
    """(lanes,)"""


@compiled
def seed_fields(lanes: FieldLanes, chosen: Numbers, seeds: NDArray[np.uint64]) -> None:
    """Restart the random streams of the chosen lanes, each from its own seed, and forget where players stood: so begins
    a field that was just made. chosen, seeds: (chosen lanes,)"""
    for c in range(len(chosen)):
        seed_stream(lanes.streams[chosen[c]], seeds[c])
        lanes.players[chosen[c], :, ROW] = NOWHERE


@compiled
def reset_fields(rules: FieldRules, lanes: FieldLanes, chosen: Numbers) -> None:
    """Start a new episode in every chosen lane: players, then food (line 597)."""
    for lane in chosen:
        stream, players, foods = lanes.streams[lane], lanes.players[lane], lanes.foods[lane]
        _place_players(rules, stream, players)
        highest = rules.food_levels[1].copy()
        if len(highest) and highest[0] < 0:
            highest[:] = np.sort(players[:, LEVEL])[:GATHERED].sum()
        _place_food(rules, stream, players, foods, highest)
        lanes.spawned[lane] = foods[:, LEVEL].sum()
        lanes.steps[lane] = 0


@compiled
def _place_players(rules: FieldRules, stream: NDArray[np.uint64], players: Rows) -> None:
    """Line 390. A cell is taken, too, where a player who is still to be placed stood in the episode before, this one
    included. Who finds no place in a thousand tries stays there, level and all."""
    order = np.empty(len(players), dtype=np.int64)
    permute(stream, order)
    for i in range(len(players)):
        lowest, highest = rules.player_levels[0, order[i]], rules.player_levels[1, order[i]]
        attempts = 0
        while attempts < ATTEMPTS or players[i, ROW] == NOWHERE:
            row, column = draw_below(stream, rules.rows), draw_below(stream, rules.columns)
            if _player_at(players, row, column) == NOWHERE:
                players[i, ROW], players[i, COLUMN] = row, column
                players[i, LEVEL] = lowest + draw_below(stream, highest - lowest + 1)
                break
            attempts += 1


@compiled
def _place_food(
    rules: FieldRules, stream: NDArray[np.uint64], players: Rows, foods: Rows, highest_levels: Numbers
) -> None:
    """Line 345: never at the edge, nor beside other food, nor two cells beside or above it, nor under a player."""
    order = np.empty(len(foods), dtype=np.int64)
    permute(stream, order)
    count = attempts = 0
    foods[:] = 0
    while count < len(foods) and attempts < ATTEMPTS:
        attempts += 1
        row, column = 1 + draw_below(stream, rules.rows - 2), 1 + draw_below(stream, rules.columns - 2)
        if _too_near(foods, count, row, column) or _player_at(players, row, column) != NOWHERE:
            continue
        highest = highest_levels[order[count]]
        lowest = highest if rules.force_coop else rules.food_levels[0, order[count]]
        level = lowest + draw_below(stream, highest - lowest + 1)
        place, cell = count, row * rules.columns + column
        while place > 0 and foods[place - 1, ROW] * rules.columns + foods[place - 1, COLUMN] > cell:
            foods[place] = foods[place - 1]
            place -= 1
        foods[place, ROW], foods[place, COLUMN], foods[place, LEVEL] = row, column, level
        count += 1


@compiled
def _too_near(foods: Rows, count: int, row: int, column: int) -> bool:
    """Whether one of the first `count` foods, of a level above 0, lies beside a cell or two away along its axes."""
    for f in range(count):
        down, right = abs(foods[f, ROW] - row), abs(foods[f, COLUMN] - column)
        if foods[f, LEVEL] > 0 and (max(down, right) <= 1 or (min(down, right) == 0 and max(down, right) <= 2)):
            return True
    return False


@compiled
def _player_at(players: Rows, row: int, column: int) -> int:
    """The first player on a cell, or NOWHERE."""
    for i in range(len(players)):
        if players[i, ROW] == row and players[i, COLUMN] == column:
            return i
    return NOWHERE


@compiled
def advance_fields(
    rules: FieldRules,
    lanes: FieldLanes,
    chosen: Numbers,
    num_steps: int,
    actions: Numbers,
    reward: NDArray[np.floating[Any]],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
) -> None:
    """`num_steps` steps of every chosen lane (line 619), or fewer: a lane stops for good where its episode ends.

    actions (0..5), reward: (num_steps * lanes * players,), all rewards 0 before. terminated, truncated: (lanes,), of
    which the chosen are written.
    """
    # Taken out of their tuples here: in the loop, every use would count references.
    players, foods, spawned, steps = lanes.players, lanes.foods, lanes.spawned, lanes.steps
    rows, columns, time_limit = rules.rows, rules.columns, rules.time_limit
    penalty, normalize = rules.penalty, rules.normalize_reward
    num_lanes, num_players = players.shape[:2]
    wanted, meals = np.empty(num_players, dtype=np.int64), np.empty(num_players, dtype=np.int64)
    for c in range(len(chosen)):
        lane = chosen[c]
        for t in range(num_steps):
            at = (t * num_lanes + lane) * num_players
            loading = _choose(lane, actions, at, players, foods, rows, columns, wanted, meals)
            _move(lane, players, columns, wanted)
            if loading:
                _eat(lane, players, foods, spawned[lane], penalty, normalize, meals, reward, at)
            steps[lane] += 1
            left = False
            for f in range(foods.shape[1]):
                left |= foods[lane, f, LEVEL] > 0
            terminated[lane] = not left
            truncated[lane] = left and steps[lane] >= time_limit
            if terminated[lane] or truncated[lane]:
                break


@inlined
def _choose(
    lane: int,
    actions: Numbers,
    at: int,
    players: Rows,
    foods: Rows,
    rows: int,
    columns: int,
    wanted: Numbers,
    meals: Numbers,
) -> bool:
    """Write the cell that every player wants, its own if it stays, and the food that it loads, or NOTHING. What cannot
    be done is to stay (line 429). Returns whether anybody loads."""
    loading = False
    for i in range(len(wanted)):
        row, column, action = players[lane, i, ROW], players[lane, i, COLUMN], actions[at + i]
        meals[i] = NOTHING
        wanted[i] = row * columns + column
        if action == LOAD:
            for f in range(foods.shape[1]):
                apart = abs(foods[lane, f, ROW] - row) + abs(foods[lane, f, COLUMN] - column)
                if apart == 1 and foods[lane, f, LEVEL] > 0:
                    meals[i] = f
                    loading = True
        elif action != STAY:
            row, column = row + _ROW_STEP[action], column + _COLUMN_STEP[action]
            free = 0 <= row < rows and 0 <= column < columns
            for f in range(foods.shape[1]):
                if foods[lane, f, ROW] == row and foods[lane, f, COLUMN] == column and foods[lane, f, LEVEL] > 0:
                    free = False
            if free:
                wanted[i] = row * columns + column
    return loading


@inlined
def _move(lane: int, players: Rows, columns: int, wanted: Numbers) -> None:
    """Whoever wants a cell that nobody else wants goes there (line 643). A cell counts as wanted by who stays on it by
    choice, and not by who only fails to leave it: so two may come to stand on one."""
    for i in range(len(wanted)):
        alone = True
        for j in range(len(wanted)):
            alone &= j == i or wanted[j] != wanted[i]
        if alone:
            players[lane, i, ROW], players[lane, i, COLUMN] = wanted[i] // columns, wanted[i] % columns


@inlined
def _eat(
    lane: int,
    players: Rows,
    foods: Rows,
    spawned: int,
    penalty: float,
    normalize: bool,
    meals: Numbers,
    reward: NDArray[np.floating[Any]],
    at: int,
) -> None:
    """All who load the same food lift it, if their levels together are enough; else each of them pays (line 671)."""
    for f in range(foods.shape[1]):
        together = 0
        eaters = 0
        for i in range(len(meals)):
            if meals[i] == f:
                together += players[lane, i, LEVEL]
                eaters += 1
        if eaters == 0:
            continue
        food = foods[lane, f, LEVEL]
        for i in range(len(meals)):
            if meals[i] == f:
                if together < food:
                    reward[at + i] = -penalty
                elif normalize:
                    reward[at + i] = float(players[lane, i, LEVEL] * food) / float(together * spawned)
                else:
                    reward[at + i] = float(players[lane, i, LEVEL] * food)
        if together >= food:
            foods[lane, f, LEVEL] = 0


@compiled
def observe_fields(rules: FieldRules, lanes: FieldLanes, chosen: Numbers, obs: NDArray[np.float32]) -> None:
    """What players see. obs: (lanes * players * features,)"""
    players, foods, num_features = lanes.players, lanes.foods, rules.num_features
    num_players = players.shape[1]
    for c in range(len(chosen)):
        lane = chosen[c]
        for i in range(num_players):
            first = (lane * num_players + i) * num_features
            seen = obs[first : first + num_features]
            if rules.grid:
                _write_layers(rules, players[lane], foods[lane], i, seen)
            else:
                _write_list(lane, players, foods, i, rules.sight, rules.observe_levels, seen)


@inlined
def _write_list(
    lane: int, players: Rows, foods: Rows, i: int, sight: int, observe_levels: bool, seen: NDArray[np.float32]
) -> None:
    """Food in sight in reading order, then the player itself, then others (line 487). Places count from the corner of
    what is seen, cut off at the field's edge; there players are seen further off than food, as in the package."""
    row, column = players[lane, i, ROW], players[lane, i, COLUMN]
    top, left = max(row - sight, 0), max(column - sight, 0)
    at = 0
    for f in range(foods.shape[1]):
        down, right = foods[lane, f, ROW], foods[lane, f, COLUMN]
        if foods[lane, f, LEVEL] > 0 and abs(down - row) <= sight and abs(right - column) <= sight:
            seen[at], seen[at + 1], seen[at + 2] = down - top, right - left, foods[lane, f, LEVEL]
            at += 3
    while at < 3 * foods.shape[1]:
        seen[at], seen[at + 1], seen[at + 2] = -1, -1, 0
        at += 3
    seen[at], seen[at + 1] = row - top, column - left
    at += 2
    if observe_levels:
        seen[at] = players[lane, i, LEVEL]
        at += 1
    for j in range(players.shape[1]):
        if j == i:
            continue
        down, right = players[lane, j, ROW] - top, players[lane, j, COLUMN] - left
        if 0 <= down <= 2 * sight and 0 <= right <= 2 * sight:
            seen[at], seen[at + 1] = down, right
            at += 2
            if observe_levels:
                seen[at] = players[lane, j, LEVEL]
                at += 1
    while at < len(seen):
        seen[at], seen[at + 1] = -1, -1
        at += 2
        if observe_levels:
            seen[at] = 0
            at += 1


@compiled
def _write_layers(rules: FieldRules, players: Rows, foods: Rows, i: int, seen: NDArray[np.float32]) -> None:
    """Three layers around a player: levels of players, levels of food, and what is free (line 524)."""
    sight = rules.sight
    side = 2 * sight + 1
    cells = side * side
    top, left = players[i, ROW] - sight, players[i, COLUMN] - sight
    seen[:] = 0
    first, last = max(-left, 0), min(rules.columns - left, side)
    for down in range(max(-top, 0), min(rules.rows - top, side)):
        row = 2 * cells + down * side
        seen[row + first : row + last] = 1
    for j in range(len(players)):
        down, right = players[j, ROW] - top, players[j, COLUMN] - left
        if 0 <= down < side and 0 <= right < side:
            seen[down * side + right] = players[j, LEVEL] if rules.observe_levels else 1
            seen[2 * cells + down * side + right] = 0
    for f in range(len(foods)):
        down, right = foods[f, ROW] - top, foods[f, COLUMN] - left
        if foods[f, LEVEL] > 0 and 0 <= down < side and 0 <= right < side:
            seen[cells + down * side + right] = foods[f, LEVEL]
            seen[2 * cells + down * side + right] = 0
