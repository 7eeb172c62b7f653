"""Play one episode and remember it: what everybody did and, for a trained team, what it thought."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lockstep.acting.policy import Policy
from lockstep.algorithms.learner import Thoughts
from lockstep.arrays import Mask, Obs
from lockstep.envs.onset_memory import underneath
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.registry import family_of
from lockstep.errors import UserError
from lockstep.experience.episodes import EpisodeBatch
from lockstep.show.recording import Recording, Step


@dataclass(frozen=True)
class Player:
    """Who plays: a policy, its name, and what it expects along an episode, where it tells (`Learner.thoughts`)."""

    policy: Policy
    name: str
    thoughts: Callable[[EpisodeBatch], Thoughts] | None = None


def record_episode(env: VectorEnv, team: Player, seed: int, engine: str = "lockstep") -> Recording:
    """One episode of lane 0, on the random stream that starts from `seed`. engine: its name, for the record.

    Raises UserError where the environment can neither say who is where nor draw itself.
    """
    world = underneath(env)
    scene = family_of(env.spec.key).scene(world)
    if scene is None:
        raise UserError(f"{env.spec.key} cannot be drawn: it has neither a floor nor a picture of its own.")
    last_actions = np.full((env.num_envs, env.spec.num_agents), -1, dtype=np.int64)
    memory: Any = None
    obs = env.reset(seed)
    moments, steps = [scene.moment(world, 0)], list[Step]()
    seen: list[tuple[Obs, Mask | None, NDArray[np.float32] | None]] = []
    ended = False
    while True:
        available, state = env.available_actions(), env.state()
        seen.append((obs[0].copy(), *(None if array is None else array[0].copy() for array in (available, state))))
        if ended:
            break
        actions, memory = team.policy.act(obs, available, last_actions, memory)
        step = env.step(actions)
        done = tuple(int(action) for action in actions[0])
        moments.append(scene.moment(world, 0))
        rewards = tuple(float(reward) for reward in step.reward[0])
        steps.append(Step(done, rewards, scene.events(moments[-2], done, moments[-1])))
        obs, last_actions = step.obs, actions
        ended = bool(step.terminated[0] or step.truncated[0])
    if team.thoughts is None:
        return Recording(env.spec.key, team.name, seed, scene, tuple(moments), tuple(steps), engine)
    thoughts = team.thoughts(_batch(steps, seen, over=bool(step.terminated[0])))
    told = tuple(_with_thoughts(steps, thoughts))
    return Recording(env.spec.key, team.name, seed, scene, tuple(moments), told, engine, thoughts.thinks_in)


def _with_thoughts(steps: list[Step], thoughts: Thoughts) -> list[Step]:
    """The steps with what the team thought."""
    columns: dict[str, list[Any]] = {"values": [tuple(tuple(row) for row in rows) for rows in thoughts.values.tolist()]}
    if thoughts.weights is not None:
        columns["weights"] = [tuple(row) for row in thoughts.weights.tolist()]
    for name, numbers in (("team_value", thoughts.team_value), ("advantage", thoughts.advantage)):
        if numbers is not None:
            columns[name] = numbers.tolist()
    return [
        replace(step, **dict(zip(columns, row, strict=True)))
        for step, row in zip(steps, zip(*columns.values(), strict=True), strict=True)
    ]


def _batch(
    steps: list[Step], seen: list[tuple[Obs, Mask | None, NDArray[np.float32] | None]], *, over: bool
) -> EpisodeBatch:
    """The episode of one lane. seen: before each step and after the last, observation, available actions, own state.
    over: whether it ended, and was not only cut."""
    obs, available, state = zip(*seen, strict=True)
    happened = torch.ones(1, len(steps), 1, dtype=torch.bool)
    terminated = ~happened
    terminated[:, -1] = over
    return EpisodeBatch(
        obs=torch.from_numpy(np.stack(obs)).unsqueeze(0),
        actions=torch.tensor([[step.actions for step in steps]]),
        reward=torch.tensor([[[sum(step.reward)] for step in steps]]),
        terminated=terminated,
        truncated=~happened,
        filled=happened,
        available=None if available[0] is None else torch.from_numpy(np.stack(available)).unsqueeze(0),
        own_state=None if state[0] is None else torch.from_numpy(np.stack(state)).unsqueeze(0),
    )
