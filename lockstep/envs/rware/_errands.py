# mypy: disable-error-code="no-any-return, arg-type, assignment"
"""Who fetches what, and who puts down where: the heuristic team's decisions before anybody moves.

A pose is 4 * cell + direction. An errand is a row of `Routes.steps`: the steps left to where it ends, from any pose.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled

CELL, DIRECTION, CARRIED = range(3)
WANTED, PLACE, TURN, LEAVING, SETTLED = range(5)
DELIVER, PUT_DOWN, FETCH, WAIT = range(4)
FAR = 20_000
"""Steps to where no way leads."""
_IMPOSSIBLE = 1 << 30
_LOYALTY = 6
"""Half steps by which another shelf or place must be nearer before a robot changes its mind: else two robots may trade
errands for ever."""


class Routes(NamedTuple):
    """A floor, with the way to everywhere. Never changes."""

    ahead: NDArray[np.int64]
    """(cells, 4): the next cell in a direction, -1 at a wall"""
    highways: NDArray[np.uint8]
    """(cells,)"""
    places: NDArray[np.int64]
    """(places,) cells of the shelf places"""
    steps: NDArray[np.int16]
    """(2 * places + 2, poses): to each place unloaded, to each place loaded (loaded robots keep to highways), to the
    nearest goal loaded, and zeros for having nowhere to go"""
    between: NDArray[np.int16]
    """(places, places): unloaded steps from the second to the first, in the best heading"""
    to_goal: NDArray[np.int16]
    """(places,): loaded steps to the nearest goal, in the best heading"""
    central: NDArray[np.int64]
    """(places,): numbers of the places, the one nearest to all others first: where to wait"""


@compiled
def fill_steps(
    ahead: NDArray[np.int64], enterable: NDArray[np.uint8], ends: NDArray[np.int64], steps: NDArray[np.int16]
) -> None:
    """Steps (poses,) to the nearest of the cells `ends`, breadth first and backwards. Turning is a step. Only cells of
    `enterable` and the ends are entered; a way may begin anywhere."""
    left_of, right_of, behind = np.array([2, 3, 1, 0]), np.array([3, 2, 0, 1]), np.array([1, 0, 3, 2])
    front = np.empty(len(steps), dtype=np.int64)
    done = found = 0
    steps[:] = FAR
    for cell in ends:
        for direction in range(4):
            steps[4 * cell + direction] = 0
            front[found] = 4 * cell + direction
            found += 1
    while done < found:
        pose = front[done]
        done += 1
        cell, direction = pose // 4, pose % 4
        back = ahead[cell, behind[direction]] if enterable[cell] or steps[pose] == 0 else -1
        for before in (
            4 * cell + left_of[direction],
            4 * cell + right_of[direction],
            4 * back + direction if back >= 0 else pose,
        ):
            if steps[before] == FAR:
                steps[before] = steps[pose] + 1
                front[found] = before
                found += 1


@compiled
def give_errands(
    routes: Routes,
    robots: NDArray[np.int64],
    shelves: NDArray[np.int16],
    queue: NDArray[np.int16],
    informed: NDArray[np.bool_],
    memory: NDArray[np.int64],
    jobs: NDArray[np.int64],
    errands: NDArray[np.int64],
) -> None:
    """Decide for one warehouse. Writes jobs (agents,) and errands (agents,), rows of `routes.steps`.

    robots: (agents, 3) CELL, DIRECTION, CARRIED. shelves: (cells,) shelf numbers, standing or carried, or 0. queue:
    (requests,) shelf numbers. informed: (agents, requests), who may fetch what. memory: (agents, 5), of which the shelf
    WANTED and the PLACE chosen a step ago are used and renewed here.
    """
    num_robots, num_places, num_requests = len(robots), len(routes.places), len(queue)
    goal_row, nowhere = 2 * num_places, 2 * num_places + 1
    standing = np.zeros(num_places, dtype=np.int64)
    for p in range(num_places):
        standing[p] = shelves[routes.places[p]]
    for i in range(num_robots):
        jobs[i], errands[i] = FETCH, nowhere
        if robots[i, CARRIED]:
            jobs[i] = PUT_DOWN
            for p in range(num_places):
                if routes.places[p] == robots[i, CELL]:
                    standing[p] = 0  # this one is on the robot
            for request in queue:
                if request == robots[i, CARRIED]:
                    jobs[i], errands[i] = DELIVER, goal_row
    wanted_at = np.full(num_requests, -1, dtype=np.int64)
    for p in range(num_places):
        for j in range(num_requests):
            if standing[p] == queue[j]:
                wanted_at[j] = p
    chosen = _share_requests(routes, robots, queue, informed, memory, jobs, standing, wanted_at)
    for i in range(num_robots):
        memory[i, WANTED] = queue[chosen[i]] if chosen[i] >= 0 else 0
        if jobs[i] == FETCH:
            if chosen[i] >= 0:
                errands[i] = wanted_at[chosen[i]]
            else:
                jobs[i] = WAIT
    _share_places(routes, robots, memory, jobs, standing, wanted_at, chosen, errands)
    rank = 0
    for i in range(num_robots):
        if errands[i] == nowhere and robots[i, CARRIED]:
            jobs[i] = WAIT  # there is no place that it could reach
        while errands[i] == nowhere and not robots[i, CARRIED] and rank < num_places:
            if not (errands == routes.central[rank]).any():
                errands[i] = routes.central[rank]
            rank += 1


@compiled
def _share_requests(
    routes: Routes,
    robots: NDArray[np.int64],
    queue: NDArray[np.int16],
    informed: NDArray[np.bool_],
    memory: NDArray[np.int64],
    jobs: NDArray[np.int64],
    standing: NDArray[np.int64],
    wanted_at: NDArray[np.int64],
) -> NDArray[np.int64]:
    """(agents,) the request for every robot that delivers nothing now, or -1: nearest pairs first, then trades.

    The cost is in half steps: twice the way to the shelf (by way of a free place for who must put down first), and once
    the shelf's way to a goal.
    """
    num_robots, num_places, num_requests = len(robots), len(standing), len(queue)
    cost = np.full((num_robots, num_requests), _IMPOSSIBLE, dtype=np.int64)
    for i in range(num_robots):
        pose = 4 * robots[i, CELL] + robots[i, DIRECTION]
        for j in range(num_requests):
            at = wanted_at[j]
            if at < 0 or jobs[i] == DELIVER or routes.to_goal[at] == FAR or not informed[i, j]:
                continue
            way = np.int64(routes.steps[at, pose])
            if jobs[i] == PUT_DOWN:
                way = FAR
                for p in range(num_places):
                    if not standing[p]:
                        way = min(way, np.int64(routes.steps[num_places + p, pose]) + 1 + routes.between[at, p])
            if way < FAR:
                cost[i, j] = 2 * way + routes.to_goal[at] - (_LOYALTY if memory[i, WANTED] == queue[j] else 0)
    chosen = np.full(num_robots, -1, dtype=np.int64)
    given = np.zeros(num_requests, dtype=np.bool_)
    for _ in range(min(num_robots, num_requests)):
        best, robot, request = _IMPOSSIBLE, -1, -1
        for i in range(num_robots):
            for j in range(num_requests):
                if chosen[i] < 0 and not given[j] and cost[i, j] < best:
                    best, robot, request = cost[i, j], i, j
        if robot < 0:
            break
        chosen[robot] = request
        given[request] = True
    for _ in range(num_robots):
        for i in range(num_robots):
            for k in range(num_robots):
                if chosen[i] < 0 or jobs[k] == DELIVER:
                    continue
                now, then = cost[i, chosen[i]], cost[k, chosen[i]]
                if chosen[k] >= 0:
                    now += cost[k, chosen[k]]
                    then += cost[i, chosen[k]]
                if then < now:
                    chosen[i], chosen[k] = chosen[k], chosen[i]
    return chosen


@compiled
def _share_places(
    routes: Routes,
    robots: NDArray[np.int64],
    memory: NDArray[np.int64],
    jobs: NDArray[np.int64],
    standing: NDArray[np.int64],
    wanted_at: NDArray[np.int64],
    chosen: NDArray[np.int64],
    errands: NDArray[np.int64],
) -> None:
    """A free place for every robot that must put down, each a different one, on the way to what it fetches next."""
    num_robots, num_places = len(robots), len(standing)
    taken = np.zeros(num_places, dtype=np.bool_)
    for _ in range(num_robots):
        best, robot, place = _IMPOSSIBLE, -1, -1
        for i in range(num_robots):
            if jobs[i] != PUT_DOWN or errands[i] != 2 * num_places + 1:
                continue
            pose = 4 * robots[i, CELL] + robots[i, DIRECTION]
            for p in range(num_places):
                way = 2 * np.int64(routes.steps[num_places + p, pose])
                if standing[p] or taken[p] or way == 2 * FAR:
                    continue
                if chosen[i] >= 0:
                    way += 2 * routes.between[wanted_at[chosen[i]], p]
                else:
                    way += 4 * FAR  # who fetches nothing next takes what is left
                if memory[i, PLACE] == p:
                    way -= _LOYALTY
                if way < best:
                    best, robot, place = way, i, p
        if robot < 0:
            return
        errands[robot] = num_places + place
        memory[robot, PLACE] = place
        taken[place] = True
