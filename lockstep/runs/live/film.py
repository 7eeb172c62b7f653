"""A recorded episode as the pictures' data: its seed and actions, played once more."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from lockstep.config.schema import RunConfig
from lockstep.envs.registry import make_vec
from lockstep.envs.rware.simulator import Simulator
from lockstep.envs.rware.snapshot import Snapshot
from lockstep.errors import UserError


class Recording(BaseModel):
    """A row of recordings.jsonl."""

    env_steps: int
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    actions: list[list[int]]
    """(steps, agents)"""
    earned: Annotated[float, Field(alias="return", allow_inf_nan=False)]


def play_again(config: RunConfig, row: Mapping[str, Any]) -> tuple[Recording, list[Snapshot], list[float]]:
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
        if not isinstance(env, Simulator):
            raise UserError(f"{task.key} has no picture.")
        env.reset(recording.seed)
        snapshots, rewards = [env.snapshot(0)], [0.0]
        for actions in recording.actions:
            rewards.append(float(env.step(np.array([actions])).reward.sum()))
            snapshots.append(env.snapshot(0))
    finally:
        env.close()
    if not math.isclose(sum(rewards), recording.earned, rel_tol=1e-4, abs_tol=1e-4):
        raise UserError(
            f"The episode at {recording.env_steps:,} env steps earned {recording.earned:g} when it was recorded and "
            f"earns {sum(rewards):g} now: it is from another version of Lockstep."
        )
    return recording, snapshots, rewards


def film(config: RunConfig, row: Mapping[str, Any]) -> dict[str, Any]:
    """`play_again` as plain data, for the page. Frame 0 is the beginning.

    `width`, `height`, `goals` [x, y], `highways` (a string of 0 and 1 for every row), `shelves` [x, y] at the
    beginning, and `frames`: `robots` [x, y, direction, carried shelf], `requested` (shelf numbers from 1), `moved`
    [shelf number, x, y] since the frame before, `reward`.
    """
    recording, snapshots, rewards = play_again(config, row)
    first = snapshots[0]
    return {
        "env_steps": recording.env_steps,
        "return": recording.earned,
        "width": first.width,
        "height": first.height,
        "goals": first.goals,
        "highways": ["".join("01"[cell] for cell in row) for row in first.highways],
        "shelves": first.shelves,
        "frames": [
            _frame(before, now, reward)
            for before, now, reward in zip([first, *snapshots], snapshots, rewards, strict=False)
        ],
    }


def _frame(before: Snapshot, now: Snapshot, reward: float) -> dict[str, Any]:
    return {
        "robots": [(robot.x, robot.y, robot.direction, robot.carried_shelf) for robot in now.robots],
        "requested": now.requested,
        "moved": [
            (number, *place)
            for number, (place, old) in enumerate(zip(now.shelves, before.shelves, strict=True), start=1)
            if place != old
        ],
        "reward": reward,
    }
