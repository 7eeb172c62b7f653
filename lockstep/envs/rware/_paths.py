# mypy: disable-error-code="no-any-return, arg-type, assignment"
"""Ways past each other: the heuristic team plans some steps ahead, one robot after the other.

Whoever plans reserves its cells, step by step; who plans later goes around, waits or backs out (cooperative A* in a
window, Silver 2005, planned anew at every step). A robot that finds itself run over goes first in the next attempt, and
the others leave it some steps to get away. An order found that way is kept for some steps.
"""

import numpy as np
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled
from lockstep.envs.rware._errands import (
    CARRIED,
    CELL,
    DELIVER,
    DIRECTION,
    FAR,
    FETCH,
    LEAVING,
    PUT_DOWN,
    SETTLED,
    TURN,
    WAIT,
    Routes,
    give_errands,
)

NOOP, FORWARD, LEFT, RIGHT, TOGGLE_LOAD = range(5)
WINDOW = 12
"""Steps planned ahead: enough to back out of a corridor of eight cells."""
_TIME_TO_LEAVE = 3
"""Steps that a cornered robot is given at first: two turns and one forward."""
_SETTLED_STEPS = 12
"""Steps for which an order that was hard to find is kept: else two robots may make way for each other in turns."""


@compiled
def decide(
    routes: Routes,
    robots: NDArray[np.int64],
    shelves: NDArray[np.int16],
    queues: NDArray[np.int16],
    informed: NDArray[np.bool_],
    memory: NDArray[np.int64],
    actions: NDArray[np.int64],
) -> None:
    """One action for every robot of every lane, into actions (lanes, agents). The rest as in `give_errands`, with the
    lane as the first axis."""
    num_lanes, num_robots = robots.shape[:2]
    cells = len(routes.highways)
    jobs, errands = np.empty(num_robots, dtype=np.int64), np.empty(num_robots, dtype=np.int64)
    paths = np.empty((num_robots, WINDOW + 1), dtype=np.int64)
    lengths = np.empty(num_robots, dtype=np.int64)
    reserved = np.full((WINDOW + 1, cells), -1, dtype=np.int16)
    blocked = np.zeros(cells, dtype=np.int64)
    seen = np.zeros((WINDOW + 1, 4 * cells), dtype=np.int64)
    before = np.empty((WINDOW + 1, 4 * cells), dtype=np.int64)
    layers = np.empty((2, 4 * cells), dtype=np.int64)
    searches = 0
    for lane in range(num_lanes):
        team, kept = robots[lane], memory[lane]
        give_errands(routes, team, shelves[lane], queues[lane], informed[lane], kept, jobs, errands)
        order = _order(routes, team, kept, jobs, errands)
        planned = 0
        for attempt in range(4 * num_robots):
            for i in range(num_robots):
                blocked[team[i, CELL]] = kept[i, LEAVING]
            planned = num_robots
            for turn in range(num_robots):
                i = order[turn]
                cell = team[i, CELL]
                paths[i, 0] = 4 * cell + team[i, DIRECTION]
                blocked[cell] = 0
                loaded = team[i, CARRIED] > 0
                lengths[i] = _straight(routes, jobs[i], errands[i], loaded, reserved, blocked, paths[i])
                if lengths[i] == 0:
                    searches += 1
                    lengths[i] = _around(
                        routes, jobs[i], errands[i], loaded, reserved, blocked, paths[i], seen, before, layers, searches
                    )
                if lengths[i] == 0:
                    planned = turn
                    break
                for t in range(lengths[i] + 1):
                    reserved[t, paths[i, t] // 4] = i
            for turn in range(planned):
                i = order[turn]
                for t in range(lengths[i] + 1):
                    reserved[t, paths[i, t] // 4] = -1
            if planned == num_robots:
                break
            cornered = order[planned]
            kept[cornered, LEAVING] = _TIME_TO_LEAVE + 2 * (attempt // num_robots)
            kept[:, SETTLED] = _SETTLED_STEPS
            for turn in range(planned, 0, -1):
                order[turn] = order[turn - 1]
            order[0] = cornered
        for turn in range(num_robots):
            i = order[turn]
            blocked[team[i, CELL]] = 0
            actions[lane, i] = _action(jobs[i], errands[i], routes, paths[i]) if turn < planned else NOOP
            kept[i, TURN] = turn
            kept[i, LEAVING] = max(kept[i, LEAVING] - 1, 0)
            kept[i, SETTLED] = max(kept[i, SETTLED] - 1, 0)


@compiled
def _order(
    routes: Routes,
    robots: NDArray[np.int64],
    kept: NDArray[np.int64],
    jobs: NDArray[np.int64],
    errands: NDArray[np.int64],
) -> NDArray[np.int64]:
    """(agents,) who plans first: as it was settled a few steps ago, else by job, then who is nearest to its end."""
    num_robots = len(robots)
    keys = np.empty(num_robots, dtype=np.int64)
    for i in range(num_robots):
        if kept[i, SETTLED]:
            keys[i] = kept[i, TURN]
        else:
            keys[i] = jobs[i] * 2 * FAR + routes.steps[errands[i], 4 * robots[i, CELL] + robots[i, DIRECTION]]
    return np.argsort(keys, kind="mergesort")


@compiled
def _may_go(t: int, here: int, there: int, reserved: NDArray[np.int16], blocked: NDArray[np.int64]) -> bool:
    """Whether the cell `there` can be had at t + 1 by who is `here` at t: neither taken nor traded head-on."""
    if reserved[t + 1, there] >= 0 or t + 1 <= blocked[there]:
        return False
    return here == there or reserved[t, there] < 0 or reserved[t, there] != reserved[t + 1, here]


@compiled
def _next_pose(routes: Routes, errand: int, loaded: bool, pose: int, action: int) -> int:
    """Where an action leads, or -1. A loaded robot enters highways and where its errand ends, nothing else."""
    cell, direction = pose // 4, pose % 4
    if action == LEFT:
        return 4 * cell + (2, 3, 1, 0)[direction]
    if action == RIGHT:
        return 4 * cell + (3, 2, 0, 1)[direction]
    there = routes.ahead[cell, direction]
    if there < 0 or (loaded and not routes.highways[there] and routes.steps[errand, 4 * there] > 0):
        return -1
    return 4 * there + direction


@compiled
def _straight(
    routes: Routes,
    job: int,
    errand: int,
    loaded: bool,
    reserved: NDArray[np.int16],
    blocked: NDArray[np.int64],
    path: NDArray[np.int64],
) -> int:
    """Fill `path` from path[0] with a shortest way and return its length; 0 where that is not free all along.

    A way ends a step after its errand, when the shelf is lifted or put down, at once on a goal, or with the window.
    """
    if errand == len(routes.steps) - 1:
        return 0
    t, pose = 0, path[0]
    while t < WINDOW:
        left = routes.steps[errand, pose]
        if left == FAR:
            return 0
        best = pose
        if left > 0:
            for action in (FORWARD, LEFT, RIGHT):
                there = _next_pose(routes, errand, loaded, pose, action)
                if there >= 0 and routes.steps[errand, there] < left and best == pose:
                    best = there
        elif job == DELIVER and t > 0:
            return t
        if not _may_go(t, pose // 4, best // 4, reserved, blocked):
            return 0
        pose = best
        t += 1
        path[t] = pose
        if left == 0 and job != WAIT:
            return t
    return t


@compiled
def _around(
    routes: Routes,
    job: int,
    errand: int,
    loaded: bool,
    reserved: NDArray[np.int16],
    blocked: NDArray[np.int64],
    path: NDArray[np.int64],
    seen: NDArray[np.int64],
    before: NDArray[np.int64],
    layers: NDArray[np.int64],
    search: int,
) -> int:
    """Fill `path` with the best way past what is reserved and return its length; 0 where nobody could stay unhurt.

    All poses that can be had at each step, in turn; the best way arrives first, or ends the window nearest to its end.
    seen, before, layers: room to work in; `search` is a number not used before.
    """
    layers[0, 0], count = path[0], 1
    last, end = 0, -1
    for t in range(WINDOW):
        here, there = layers[t % 2], layers[(t + 1) % 2]
        found = 0
        for waiting in (True, False):  # staying first: a way that moves early and waits is better than one that dawdles
            for n in range(count):
                pose = here[n]
                for action in range(FORWARD, TOGGLE_LOAD):
                    pose_then = pose if waiting else _next_pose(routes, errand, loaded, pose, action)
                    if (
                        pose_then >= 0
                        and seen[t + 1, pose_then] != search
                        and _may_go(t, pose // 4, pose_then // 4, reserved, blocked)
                    ):
                        seen[t + 1, pose_then] = search
                        before[t + 1, pose_then] = pose
                        there[found] = pose_then
                        found += 1
        count = found
        best = 2 * FAR
        for n in range(count):
            left = routes.steps[errand, there[n]]
            arrived = left == 0 and job != WAIT
            if (arrived or t + 1 == WINDOW) and left < best:
                best, last, end = left, t + 1, there[n]
        if end >= 0:
            break
    pose = end
    for t in range(last, 0, -1):
        path[t] = pose
        pose = before[t, pose]
    return last


@compiled
def _action(job: int, errand: int, routes: Routes, path: NDArray[np.int64]) -> int:
    """The first action of a path."""
    now, then = path[0], path[1]
    if now == then:
        there = routes.steps[errand, now] == 0 and job in (PUT_DOWN, FETCH)
        return TOGGLE_LOAD if there else NOOP
    if now // 4 != then // 4:
        return FORWARD
    return LEFT if then % 4 == (2, 3, 1, 0)[now % 4] else RIGHT
