"""One episode, remembered: what pictures, films and the replay player are made from. Plain data, no torch."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.particles.plane import ParticleScene
from lockstep.envs.rware.snapshot import Robot, Snapshot

SCHEMA_VERSION = 1
ACTION_NAMES = ("stay", "forward", "left", "right", "load")
_FORWARD = 1
_AHEAD = ((0, -1), (0, 1), (-1, 0), (1, 0))

EventKind = Literal["pick-up", "put-down", "delivery", "conflict"]
Picture = NDArray[np.uint8]
"""(height, width, 3)"""


@dataclass(frozen=True)
class Event:
    """Something worth a mark on the timeline."""

    kind: EventKind
    agent: int
    place: tuple[int, int]
    """(x, y) where the robot is afterwards"""


@dataclass(frozen=True)
class Step:
    """What happened between two frames."""

    actions: tuple[int, ...]
    """(agents,)"""
    reward: tuple[float, ...]
    """(agents,)"""
    events: tuple[Event, ...] = ()
    values: tuple[tuple[float, ...], ...] | None = None
    """(agents, actions): each agent's utilities, for a policy that has some"""
    weights: tuple[float, ...] | None = None
    """(agents,): dQ_tot/dQ_i of the utilities chosen, for a team whose mixer is known"""
    team_value: float | None = None
    """Q_tot"""


@dataclass(frozen=True)
class Recording:
    """An episode of one lane: one frame more than steps. It has snapshots (warehouses), planes or pictures."""

    env: str
    policy: str
    """Who played, in words: `solve-s1 at 11.8M env steps`."""
    seed: int
    engine: str = "lockstep"
    sensor_range: int = 1
    steps: tuple[Step, ...] = ()
    action_names: tuple[str, ...] = ACTION_NAMES
    snapshots: tuple[Snapshot, ...] = ()
    planes: tuple[ParticleScene, ...] = ()
    pictures: tuple[Picture, ...] = field(default=(), compare=False)

    @property
    def num_frames(self) -> int:
        return len(self.steps) + 1

    def returns(self) -> list[float]:
        """(frames,): the team return so far, 0 in the first frame."""
        rewards = [sum(step.reward) for step in self.steps]
        return [float(total) for total in np.cumsum([0.0, *rewards])]

    def deliveries(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """(frame, place) of every delivery."""
        for number, step in enumerate(self.steps, start=1):
            for event in step.events:
                if event.kind == "delivery":
                    yield number, event.place

    def to_json(self) -> dict[str, Any]:
        """Ready for `json.dumps`; pictures are not in it. Shelves are told once: they move with who carries them."""
        first = self.snapshots[0] if self.snapshots else None
        return {
            "version": SCHEMA_VERSION,
            "env": self.env,
            "policy": self.policy,
            "engine": self.engine,
            "seed": self.seed,
            "sensorRange": self.sensor_range,
            "actionNames": list(self.action_names),
            "floor": None if first is None else _floor(first),
            "frames": [_frame(snapshot) for snapshot in self.snapshots],
            "planes": [[_rounded(point) for point in plane.agents] for plane in self.planes],
            "landmarks": [_rounded(point) for point in self.planes[0].landmarks] if self.planes else [],
            "steps": [_step(step) for step in self.steps],
            "returns": [float(f"{value:.4g}") for value in self.returns()],
        }


def events_between(before: Snapshot, actions: tuple[int, ...], after: Snapshot) -> tuple[Event, ...]:
    """What happened in a step of a warehouse.

    A conflict is a robot that wanted to go ahead, could have but for another robot, and stayed. A delivery is seen in
    the queue: a requested shelf stood on a goal, and is not requested any more.
    """
    events: list[Event] = []
    standing = set(before.shelves) - {(robot.x, robot.y) for robot in before.robots if robot.carried_shelf}
    taken = {(robot.x, robot.y) for robot in (*before.robots, *after.robots)}
    for agent, (was, now, action) in enumerate(zip(before.robots, after.robots, actions, strict=True)):
        place = (now.x, now.y)
        if now.carried_shelf and not was.carried_shelf:
            events.append(Event("pick-up", agent, place))
        elif was.carried_shelf and not now.carried_shelf:
            events.append(Event("put-down", agent, place))
        delivered = now.carried_shelf in before.requested and now.carried_shelf not in after.requested
        if delivered and place in after.goals:
            events.append(Event("delivery", agent, place))
        if action == _FORWARD and (was.x, was.y) == place:
            ahead = (was.x + _AHEAD[was.direction][0], was.y + _AHEAD[was.direction][1])
            pushes = was.carried_shelf and ahead in standing
            if ahead in taken and not pushes:
                events.append(Event("conflict", agent, place))
    return tuple(events)


def _floor(snapshot: Snapshot) -> dict[str, Any]:
    places = [[x, y] for y in range(snapshot.height) for x in range(snapshot.width) if not snapshot.highways[y][x]]
    return {
        "height": snapshot.height,
        "width": snapshot.width,
        "goals": [list(goal) for goal in snapshot.goals],
        "places": places,
        "shelves": [list(shelf) for shelf in snapshot.shelves],
    }


def _frame(snapshot: Snapshot) -> dict[str, Any]:
    return {"robots": [_robot(robot) for robot in snapshot.robots], "requested": list(snapshot.requested)}


def _robot(robot: Robot) -> list[int]:
    return [robot.x, robot.y, robot.direction, robot.carried_shelf]


def _rounded(point: tuple[float, float]) -> list[float]:
    return [round(place, 4) for place in point]


def _step(step: Step) -> dict[str, Any]:
    return {
        "actions": list(step.actions),
        "reward": [round(value, 4) for value in step.reward],
        "events": [[event.kind, event.agent, *event.place] for event in step.events],
        "values": None if step.values is None else [[round(v, 4) for v in row] for row in step.values],
        "weights": None if step.weights is None else [round(value, 4) for value in step.weights],
        "teamValue": None if step.team_value is None else round(step.team_value, 4),
    }
