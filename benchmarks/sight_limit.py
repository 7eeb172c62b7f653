"""What a planner earns that has only the robots' eyes: `python benchmarks/sight_limit.py --steps 100 --episodes 256`.

The programmed team of `lockstep.envs.rware.heuristic` knows every request. Here it learns of one only when a robot has
the shelf among the three by three cells around it, and until then sends robots where an unseen request is most likely
for the way. It stays better informed than a trained team: one planner shares all that any robot has ever seen, knows
which shelves are carried away, and is told when a request is new, though not where. Another keeps apart what each robot
has seen: nobody fetches, or seeks by, what another one saw; who goes first is still planned for all. Prints JSON, with
the same episodes played by the team that knows everything.
"""

import argparse
import json
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.envs.registry import make_vec
from lockstep.envs.rware._errands import CARRIED, CELL, DIRECTION
from lockstep.envs.rware._paths import decide
from lockstep.envs.rware.heuristic import HeuristicPolicy, arrays_of, fresh_memory
from lockstep.envs.rware.simulator import Simulator
from lockstep.experience.evaluate import evaluate

SEED = 5_000_000
UNKNOWN = -1
BESIDE_THE_WAY = 2
"""Steps added to every way when it is weighed against the chance at its end; 2 earned most of 0, 2, 3, 4, 6."""


class Sightings(NamedTuple):
    """What the team has seen so far in all lanes."""

    plans: NDArray[np.int64]
    """(lanes, agents, 5): the programmed team's own memory"""
    seen: NDArray[np.int64]
    """(lanes, shelves + 1), or (lanes, agents, shelves + 1): the step in which a shelf was last in sight, or UNKNOWN"""
    requests: NDArray[np.int16]
    """(lanes, requests): shelf numbers a step ago"""
    since: NDArray[np.int64]
    """(lanes, requests): the step in which each was made"""
    step: int


class SightedPolicy(HeuristicPolicy):
    """A `lockstep.acting.policy.Policy` that plans with what its robots have seen."""

    def __init__(self, env: Simulator) -> None:
        super().__init__(env)
        floor = env.config.floor
        y, x = np.divmod(np.arange(floor.height * floor.width), floor.width)
        self.in_view = np.maximum(abs(y[:, None] - y), abs(x[:, None] - x)) <= 1  # (cells, cells)

    def act(
        self, obs: Obs, available: Mask | None, last_actions: Any, memory: Sightings | None
    ) -> tuple[NDArray[np.int64], Sightings]:
        """See Policy.act."""
        robots, shelves, requests = arrays_of(self.env)
        lanes, agents = robots.shape[:2]
        if memory is None:
            seen = np.full((*self._eyes(lanes, agents), int(shelves.max()) + 1), UNKNOWN)
            memory = Sightings(fresh_memory(lanes, agents), seen, requests, np.zeros(requests.shape, dtype=np.int64), 0)
        plans, seen, step = memory.plans.copy(), memory.seen.copy(), memory.step
        since = np.where(requests == memory.requests, memory.since, step)
        queues, informed = self._known(robots, shelves, requests, seen, since, step)
        actions = np.zeros((lanes, agents), dtype=np.int64)
        decide(self.routes, robots, shelves, queues.astype(requests.dtype), informed, plans, actions)
        return actions, Sightings(plans, seen, requests, since, step + 1)

    def _eyes(self, lanes: int, agents: int) -> tuple[int, ...]:
        """The axes of `seen` before that of shelves: one memory for all robots of a lane."""
        return (lanes,)

    def _known(
        self,
        robots: NDArray[np.int64],
        shelves: NDArray[np.int16],
        requests: NDArray[np.int16],
        seen: NDArray[np.int64],
        since: NDArray[np.int64],
        step: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Look around, which is noted in `seen`. Returns what is fetched (lanes, shelves), requests that are known and
        then shelves that are sought, and who may fetch what (lanes, agents, shelves)."""
        lanes, agents = robots.shape[:2]
        visible = self.in_view[robots[..., CELL]].any(1)  # (lanes, cells)
        for lane in range(lanes):
            seen[lane, shelves[lane, visible[lane]]] = step
        known = np.take_along_axis(seen, requests.astype(np.int64), 1) >= since
        queue = np.where(known, requests, UNKNOWN)
        sought = [self._seek(robots[i], shelves[i], queue[i], seen[i], since[i]) for i in range(lanes)]
        queues = np.concatenate([queue, sought], 1)
        return queues, np.ones((lanes, agents, queues.shape[1]), dtype=np.bool_)

    def _seek(
        self,
        robots: NDArray[np.int64],
        shelves: NDArray[np.int16],
        queue: NDArray[np.int16],
        seen: NDArray[np.int64],
        since: NDArray[np.int64],
    ) -> NDArray[np.int16]:
        """(agents,) shelves to go for as if they were requested, or UNKNOWN: one for each robot that has no request.

        A robot sees what it came for before it gets there, and turns to the next.
        """
        sought = np.full(len(robots), UNKNOWN, dtype=np.int16)
        carried, places = robots[:, CARRIED], self.routes.places
        seekers = ~np.isin(carried, queue[queue > 0])
        standing = np.where(np.isin(shelves[places], carried), 0, shelves[places])  # (places,)
        chance = np.zeros(len(shelves))
        for made in since[queue == UNKNOWN]:
            possible = (standing > 0) & (seen[standing] < made) & ~np.isin(standing, queue)
            chance[places[possible]] += 1 / max(possible.sum(), 1)
        poses = 4 * robots[seekers, CELL] + robots[seekers, DIRECTION]
        for k in range(seekers.sum() - np.isin(queue[queue > 0], carried, invert=True).sum()):
            ways = self.routes.steps[: len(places), poses].min(1)
            worth = np.where(standing > 0, self.in_view[places] @ chance / (ways + BESIDE_THE_WAY), 0)
            if not worth.any():
                break
            best = int(worth.argmax())
            sought[k] = standing[best]
            chance[self.in_view[places[best]]] = 0
        return sought


class OwnEyesPolicy(SightedPolicy):
    """The same planner, where each robot may only fetch, and seek by, what it has seen itself."""

    def _eyes(self, lanes: int, agents: int) -> tuple[int, ...]:
        return lanes, agents

    def _known(
        self,
        robots: NDArray[np.int64],
        shelves: NDArray[np.int16],
        requests: NDArray[np.int16],
        seen: NDArray[np.int64],
        since: NDArray[np.int64],
        step: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        lanes, agents = robots.shape[:2]
        visible = self.in_view[robots[..., CELL]]  # (lanes, agents, cells)
        for lane, agent in np.ndindex(lanes, agents):
            seen[lane, agent, shelves[lane, visible[lane, agent]]] = step
        asked = np.broadcast_to(requests[:, None].astype(np.int64), (lanes, agents, requests.shape[1]))
        known = np.take_along_axis(seen, asked, 2) >= since[:, None]
        queue = np.where(known.any(1), requests, UNKNOWN)
        sought = np.full((lanes, agents), UNKNOWN)
        for lane in range(lanes):
            mine = self._nearest(robots[lane], shelves[lane], requests[lane], known[lane])
            for agent in range(agents):
                own = np.where(mine[agent], requests[lane], UNKNOWN)
                alone = robots[lane, agent : agent + 1]
                sought[lane, agent] = self._seek(alone, shelves[lane], own, seen[lane, agent], since[lane])[0]
        by_itself = np.broadcast_to(np.eye(agents, dtype=np.bool_), (lanes, agents, agents))
        return np.concatenate([queue, sought], 1), np.concatenate([known, by_itself], 2)

    def _nearest(
        self,
        robots: NDArray[np.int64],
        shelves: NDArray[np.int16],
        requests: NDArray[np.int16],
        known: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """(agents, requests): whether a robot is the nearest of those that know a request, or carries it: it seeks
        no other then."""
        mine = np.zeros(known.shape, dtype=np.bool_)
        poses = 4 * robots[:, CELL] + robots[:, DIRECTION]
        standing = shelves[self.routes.places]
        for j, request in enumerate(requests):
            carrier = np.flatnonzero(robots[:, CARRIED] == request)
            at = np.flatnonzero(standing == request)
            if len(carrier):
                mine[carrier[0], j] = True
            elif len(at) and known[:, j].any():
                ways = np.where(known[:, j], self.routes.steps[at[0], poses], np.iinfo(np.int16).max)
                mine[int(ways.argmin()), j] = True
        return mine


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--key", default="rware-tiny-2ag-v2")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--episodes", type=int, default=256)
    arguments = parser.parse_args()
    env = make_vec(arguments.key, arguments.episodes, seed=0, time_limit=arguments.steps)
    assert isinstance(env, Simulator)
    row: dict[str, Any] = vars(arguments)
    teams = {
        "each robot's own eyes": OwnEyesPolicy(env),
        "all robots' eyes": SightedPolicy(env),
        "knows everything": HeuristicPolicy(env),
    }
    for name, policy in teams.items():
        returns = evaluate(policy, env, arguments.episodes, SEED).returns
        row[name] = {"mean": returns.mean(), "standard error": returns.std(ddof=1) / len(returns) ** 0.5}
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
