"""A recorded episode as the pictures' data: its seed and actions, played once more."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from lockstep.config.schema import RunConfig
from lockstep.envs.mpe.simulator import SpreadSimulator
from lockstep.envs.registry import make_vec
from lockstep.envs.rware.simulator import Simulator
from lockstep.envs.rware.snapshot import Snapshot
from lockstep.envs.vector_env import VectorEnv
from lockstep.errors import UserError


@dataclass(frozen=True)
class Plane:
    """A world of particles at one moment: where they are, x to the right and y upwards."""

    agents: tuple[tuple[float, float], ...]
    landmarks: tuple[tuple[float, float], ...]


Picture = Snapshot | Plane
"""What there is to draw at one moment: of a warehouse, or of simple_spread."""


class Recording(BaseModel):
    """A row of recordings.jsonl."""

    env_steps: int
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    actions: list[list[int]]
    """(steps, agents)"""
    earned: Annotated[float, Field(alias="return", allow_inf_nan=False)]


def play_again(config: RunConfig, row: Mapping[str, Any]) -> tuple[Recording, list[Picture], list[float]]:
    """The episode in `row`, of recordings.jsonl, on the run's own world: (steps + 1) pictures and rewards, the first of
    each from before the first step.

    Raises UserError for worlds that have no picture, and for an episode that is not what was recorded.
    """
    try:
        recording = Recording.model_validate(row)
    except ValidationError as error:
        raise UserError("The recording of this episode is damaged.") from error
    task = config.env
    arguments: dict[str, Any] = {**task.arguments, "num_threads": 1}
    env = make_vec(task.key, 1, seed=recording.seed, time_limit=task.time_limit, **arguments)
    try:
        env.reset(recording.seed)
        pictures, rewards = [_picture(env)], [0.0]
        for actions in recording.actions:
            rewards.append(float(env.step(np.array([actions])).reward.sum()))
            pictures.append(_picture(env))
    finally:
        env.close()
    if not math.isclose(sum(rewards), recording.earned, rel_tol=1e-4, abs_tol=1e-4):
        raise UserError(
            f"The episode at {recording.env_steps:,} env steps earned {recording.earned:g} when it was recorded and "
            f"earns {sum(rewards):g} now: it is from another version of Lockstep."
        )
    return recording, pictures, rewards


def _picture(env: VectorEnv) -> Picture:
    if isinstance(env, Simulator):
        return env.snapshot(0)
    if isinstance(env, SpreadSimulator):
        agents, _, landmarks = env.places()
        return Plane(_points(agents[0]), _points(landmarks[0]))
    raise UserError(f"{env.spec.key} has no picture.")


def _points(places: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in places)


def film(config: RunConfig, row: Mapping[str, Any]) -> dict[str, Any]:
    """`play_again` as plain data, for the page. Frame 0 is the beginning.

    `kind` is "warehouse", with `width`, `height`, `goals` [x, y], `highways` (a string of 0 and 1 for every row),
    `shelves` [x, y] at the beginning, and `frames`: `robots` [x, y, direction, carried shelf], `requested` (shelf
    numbers from 1), `moved` [shelf number, x, y] since the frame before, `reward`. Or it is "plane", with `landmarks`
    [x, y], and `frames`: `agents` [x, y], `reward`.
    """
    recording, pictures, rewards = play_again(config, row)
    frames = [
        {**_frame(before, now), "reward": reward}
        for before, now, reward in zip([pictures[0], *pictures], pictures, rewards, strict=False)
    ]
    return {"env_steps": recording.env_steps, "return": recording.earned, **_world(pictures[0]), "frames": frames}


def _world(first: Picture) -> dict[str, Any]:
    """What stays, and where everything is at the beginning."""
    if isinstance(first, Plane):
        return {"kind": "plane", "landmarks": first.landmarks}
    return {
        "kind": "warehouse",
        "width": first.width,
        "height": first.height,
        "goals": first.goals,
        "highways": ["".join("01"[cell] for cell in row) for row in first.highways],
        "shelves": first.shelves,
    }


def _frame(before: Picture, now: Picture) -> dict[str, Any]:
    if isinstance(now, Plane):
        return {"agents": now.agents}
    assert isinstance(before, Snapshot)
    return {
        "robots": [(robot.x, robot.y, robot.direction, robot.carried_shelf) for robot in now.robots],
        "requested": now.requested,
        "moved": [
            (number, *place)
            for number, (place, old) in enumerate(zip(now.shelves, before.shelves, strict=True), start=1)
            if place != old
        ],
    }
