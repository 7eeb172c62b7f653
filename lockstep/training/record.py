"""Play one episode and remember it: what everybody did and, for a trained team, what it thought."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lockstep.envs.mpe.config import ACTION_NAMES as PARTICLE_ACTION_NAMES
from lockstep.envs.mpe.plane import Plane
from lockstep.envs.onset_memory import underneath
from lockstep.envs.rware.config import WarehouseConfig
from lockstep.envs.rware.snapshot import Snapshot
from lockstep.envs.vector_env import Drawn, VectorEnv
from lockstep.errors import UserError
from lockstep.networks.mixers import MixingInputs, NoMixer
from lockstep.networks.policy import GreedyPolicy
from lockstep.policy import Actions, Policy
from lockstep.recording import ACTION_NAMES, Picture, Recording, Step, events_between


@runtime_checkable
class Warehouse(Protocol):
    """An environment that can say who is where."""

    config: WarehouseConfig

    def snapshot(self, lane: int) -> Snapshot:
        """Who and what is where in one lane."""


@runtime_checkable
class Particles(Protocol):
    """An environment of agents in a plane that can say who is where."""

    def plane(self, lane: int) -> Plane:
        """Who is where in one lane."""


@dataclass(frozen=True)
class Team:
    """Who plays: a policy, its name, and the mixer that it was trained with, where that is known."""

    policy: Policy
    name: str
    mixer: nn.Module | None = None


def record_episode(env: VectorEnv, team: Team, seed: int, engine: str = "lockstep") -> Recording:
    """One episode of lane 0, on the random stream that starts from `seed`. engine: its name, for the record.

    Raises UserError where the environment can neither say who is where nor draw itself.
    """
    world = underneath(env)
    if not isinstance(world, Warehouse | Particles | Drawn):
        raise UserError(f"{env.spec.key} cannot be drawn: it has neither a floor nor a picture of its own.")
    last_actions = np.full((env.num_envs, env.spec.num_agents), -1, dtype=np.int64)
    memory: Any = None
    obs = env.reset(seed)
    snapshots, planes, pictures, steps = list[Snapshot](), list[Plane](), list[Picture](), list[Step]()
    ended = False
    while True:
        if isinstance(world, Warehouse):
            snapshots.append(world.snapshot(0))
        elif isinstance(world, Particles):
            planes.append(world.plane(0))
        else:
            pictures.append(world.picture(0).copy())
        if ended:
            break
        available, state = env.available_actions(), env.state()
        values = None
        if isinstance(team.policy, GreedyPolicy):
            values, _ = team.policy.values(obs, last_actions, memory)
        actions, memory = team.policy.act(obs, available, last_actions, memory)
        thoughts = {} if values is None else _thoughts(values[:1], actions[:1], obs[:1], state, team.mixer)
        step = env.step(actions)
        done = tuple(int(action) for action in actions[0])
        rewards = tuple(float(reward) for reward in step.reward[0])
        events = events_between(snapshots[-1], done, world.snapshot(0)) if isinstance(world, Warehouse) else ()
        steps.append(Step(done, rewards, events, **thoughts))
        obs, last_actions = step.obs, actions
        ended = bool(step.terminated[0] or step.truncated[0])
    names = ACTION_NAMES if snapshots else PARTICLE_ACTION_NAMES if planes else ()
    return Recording(
        env=env.spec.key,
        policy=team.name,
        seed=seed,
        engine=engine,
        sensor_range=world.config.sensor_range if isinstance(world, Warehouse) else 0,
        steps=tuple(steps),
        action_names=names,
        snapshots=tuple(snapshots),
        planes=tuple(planes),
        pictures=tuple(pictures),
    )


def _thoughts(
    values: Tensor,
    actions: Actions,
    obs: NDArray[np.float32],
    own_state: NDArray[np.float32] | None,
    mixer: nn.Module | None,
) -> dict[str, Any]:
    """A step's values, weights and team value. values: (1, agents, actions), actions: (1, agents), obs: (1, agents, O).

    The weights are the mixer's slopes dQ_tot/dQ_i at the chosen actions: how much the team gains where an agent does.
    """
    thoughts: dict[str, Any] = {"values": tuple(tuple(row) for row in values[0].tolist())}
    if mixer is None or isinstance(mixer, NoMixer):
        return thoughts
    q, chosen = values.cpu().clone().unsqueeze(1), torch.from_numpy(actions).unsqueeze(1)  # (1, 1, N, A), (1, 1, N)
    state = torch.from_numpy(obs.reshape(1, 1, -1) if own_state is None else own_state[:1, None])
    taken = q.gather(-1, chosen.unsqueeze(-1)).squeeze(-1).requires_grad_()
    with torch.enable_grad():
        q_tot = mixer(taken, MixingInputs(state, chosen, q.amax(-1)))
        (slopes,) = torch.autograd.grad(q_tot.sum(), taken)
    return thoughts | {"weights": tuple(slopes.flatten().tolist()), "team_value": float(q_tot.detach().sum())}
