"""A recorded episode, played once more from its seed and actions: what the live page and the terminal show."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from lockstep.config.schema import RunConfig
from lockstep.envs.onset_memory import underneath
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.registry import family_of, make_env
from lockstep.errors import UserError
from lockstep.show.recording import Recording, Step


class Row(BaseModel):
    """A row of recordings.jsonl."""

    env_steps: int
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    actions: list[list[int]]
    """(steps, agents)"""
    earned: Annotated[float, Field(alias="return", allow_inf_nan=False)]


def play_again(config: RunConfig, row: Mapping[str, Any]) -> tuple[int, Recording]:
    """The env steps of training, and the episode in `row`, of recordings.jsonl, on the run's own world.

    Raises UserError for worlds that have no picture, and for an episode that is not what was recorded.
    """
    try:
        known = Row.model_validate(row)
    except ValidationError as error:
        raise UserError("The recording of this episode is damaged.") from error
    key = config.env.key
    if family_of(key).strangers:  # not made at all: a stranger may have named it
        raise UserError(f"{key} has no picture.")
    env = make_env(config.env, 1, known.seed, num_threads=1)
    try:
        recording = _played(underneath(env), known, key)
    finally:
        env.close()
    earned = recording.returns()[-1]
    if not math.isclose(earned, known.earned, rel_tol=1e-4, abs_tol=1e-4):
        raise UserError(
            f"The episode at {known.env_steps:,} env steps earned {known.earned:g} when it was recorded and "
            f"earns {earned:g} now: it is from another version of Lockstep."
        )
    return known.env_steps, recording


def film(config: RunConfig, row: Mapping[str, Any]) -> dict[str, Any]:
    """`play_again` as plain data for the page's script: Recording.to_json, and `env_steps`."""
    env_steps, recording = play_again(config, row)
    return {"env_steps": env_steps, **recording.to_json()}


def _played(world: VectorEnv, known: Row, key: str) -> Recording:
    family = family_of(key)
    scene = None if family.drawing else family.scene(world)
    if scene is None:
        raise UserError(f"{key} has no picture.")
    world.reset(known.seed)
    moments, steps = [scene.moment(world, 0)], list[Step]()
    for actions in known.actions:
        reward = tuple(float(part) for part in world.step(np.array([actions])).reward[0])
        moments.append(scene.moment(world, 0))
        steps.append(Step(tuple(actions), reward, scene.events(moments[-2], tuple(actions), moments[-1])))
    policy = f"the team after {known.env_steps:,} env steps"
    return Recording(key, policy, known.seed, scene, tuple(moments), tuple(steps))
