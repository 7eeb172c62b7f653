"""Play one episode and remember it: what everybody did and, for a trained team, what it thought."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from lockstep.acting.policy import Policy
from lockstep.algorithms.learner import Thoughts
from lockstep.arrays import Mask, Obs
from lockstep.envs.onset_memory import underneath
from lockstep.envs.particles.config import ACTION_NAMES as PARTICLE_ACTION_NAMES
from lockstep.envs.particles.plane import ParticleScene
from lockstep.envs.protocol import Renders, VectorEnv
from lockstep.envs.rware.config import WarehouseConfig
from lockstep.envs.rware.snapshot import Snapshot
from lockstep.errors import UserError
from lockstep.experience.episodes import EpisodeBatch
from lockstep.show.recording import ACTION_NAMES, Picture, Recording, Step, events_between


@runtime_checkable
class Warehouse(Protocol):
    """An environment that can say who is where."""

    config: WarehouseConfig

    def snapshot(self, lane: int) -> Snapshot:
        """Who and what is where in one lane."""


@runtime_checkable
class Particles(Protocol):
    """An environment of agents in a plane that can say who is where."""

    def plane(self, lane: int) -> ParticleScene:
        """Who is where in one lane."""


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
    if not isinstance(world, Warehouse | Particles | Renders):
        raise UserError(f"{env.spec.key} cannot be drawn: it has neither a floor nor a picture of its own.")
    last_actions = np.full((env.num_envs, env.spec.num_agents), -1, dtype=np.int64)
    memory: Any = None
    obs = env.reset(seed)
    snapshots, planes, pictures, steps = list[Snapshot](), list[ParticleScene](), list[Picture](), list[Step]()
    seen: list[tuple[Obs, Mask | None, NDArray[np.float32] | None]] = []
    ended = False
    while True:
        if isinstance(world, Warehouse):
            snapshots.append(world.snapshot(0))
        elif isinstance(world, Particles):
            planes.append(world.plane(0))
        else:
            pictures.append(world.picture(0).copy())
        available, state = env.available_actions(), env.state()
        seen.append((obs[0].copy(), *(None if array is None else array[0].copy() for array in (available, state))))
        if ended:
            break
        actions, memory = team.policy.act(obs, available, last_actions, memory)
        step = env.step(actions)
        done = tuple(int(action) for action in actions[0])
        rewards = tuple(float(reward) for reward in step.reward[0])
        events = events_between(snapshots[-1], done, world.snapshot(0)) if isinstance(world, Warehouse) else ()
        steps.append(Step(done, rewards, events))
        obs, last_actions = step.obs, actions
        ended = bool(step.terminated[0] or step.truncated[0])
    names = ACTION_NAMES if snapshots else PARTICLE_ACTION_NAMES if planes else ()
    return Recording(
        env=env.spec.key,
        policy=team.name,
        seed=seed,
        engine=engine,
        sensor_range=world.config.sensor_range if isinstance(world, Warehouse) else 0,
        steps=tuple(steps if team.thoughts is None else _with_thoughts(steps, team.thoughts(_batch(steps, seen)))),
        action_names=names,
        snapshots=tuple(snapshots),
        planes=tuple(planes),
        pictures=tuple(pictures),
    )


def _with_thoughts(steps: list[Step], thoughts: Thoughts) -> list[Step]:
    """The steps with what the team expected."""
    values = [tuple(tuple(row) for row in rows) for rows in thoughts.values.tolist()]
    if thoughts.weights is None or thoughts.team_value is None:
        return [replace(step, values=value) for step, value in zip(steps, values, strict=True)]
    weights, totals = thoughts.weights.tolist(), thoughts.team_value.tolist()
    return [
        replace(step, values=value, weights=tuple(weight), team_value=total)
        for step, value, weight, total in zip(steps, values, weights, totals, strict=True)
    ]


def _batch(steps: list[Step], seen: list[tuple[Obs, Mask | None, NDArray[np.float32] | None]]) -> EpisodeBatch:
    """The episode of one lane. seen: before each step and after the last, observation, available actions, own state."""
    obs, available, state = zip(*seen, strict=True)
    happened = torch.ones(1, len(steps), 1, dtype=torch.bool)
    return EpisodeBatch(
        obs=torch.from_numpy(np.stack(obs)).unsqueeze(0),
        actions=torch.tensor([[step.actions for step in steps]]),
        reward=torch.tensor([[[sum(step.reward)] for step in steps]]),
        terminated=~happened,
        truncated=~happened,
        filled=happened,
        available=None if available[0] is None else torch.from_numpy(np.stack(available)).unsqueeze(0),
        own_state=None if state[0] is None else torch.from_numpy(np.stack(state)).unsqueeze(0),
    )
