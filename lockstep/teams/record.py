"""Play one episode and remember it: what everybody did and, for a trained team, what it thought."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lockstep.acting.policy import Policy
from lockstep.envs.onset_memory import underneath
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.registry import family_of
from lockstep.errors import UserError
from lockstep.networks.greedy_policy import GreedyPolicy
from lockstep.networks.mixers import MixingInputs, NoMixer
from lockstep.show.recording import Recording, Step


@dataclass(frozen=True)
class Player:
    """Who plays: a policy, its name, and the mixer that it was trained with, where that is known."""

    policy: Policy
    name: str
    mixer: nn.Module | None = None


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
    utilities, states = list[Tensor](), list[NDArray[np.float32]]()
    ended = False
    while not ended:
        available = env.available_actions()
        if isinstance(team.policy, GreedyPolicy):
            own_state = env.state()
            utilities.append(team.policy.values(obs, last_actions, memory)[0][0].clone())
            states.append(obs[0].reshape(-1).copy() if own_state is None else own_state[0].copy())
        actions, memory = team.policy.act(obs, available, last_actions, memory)
        step = env.step(actions)
        done = tuple(int(action) for action in actions[0])
        moments.append(scene.moment(world, 0))
        rewards = tuple(float(reward) for reward in step.reward[0])
        steps.append(Step(done, rewards, scene.events(moments[-2], done, moments[-1])))
        obs, last_actions = step.obs, actions
        ended = bool(step.terminated[0] or step.truncated[0])
    told = tuple(_with_thoughts(steps, utilities, states, team.mixer) if utilities else steps)
    return Recording(env.spec.key, team.name, seed, scene, tuple(moments), told, engine)


def _with_thoughts(
    steps: list[Step], utilities: list[Tensor], states: list[NDArray[np.float32]], mixer: nn.Module | None
) -> list[Step]:
    """The steps with what the team expected. utilities: a step's (agents, actions). states: a step's (state_dim,).

    The weights are the mixer's slopes dQ_tot/dQ_i at the chosen actions: how much the team gains where an agent does.
    """
    q = torch.stack(utilities).cpu().unsqueeze(0)  # (1, T, N, A)
    values = [tuple(tuple(row) for row in rows) for rows in q[0].tolist()]
    if mixer is None or isinstance(mixer, NoMixer):
        return [replace(step, values=value) for step, value in zip(steps, values, strict=True)]
    chosen = torch.tensor([[step.actions for step in steps]])  # (1, T, N)
    taken = q.gather(-1, chosen.unsqueeze(-1)).squeeze(-1).requires_grad_()
    with torch.enable_grad():
        q_tot = mixer(taken, MixingInputs(torch.from_numpy(np.stack(states)).unsqueeze(0), chosen, q.amax(-1)))
        (slopes,) = torch.autograd.grad(q_tot.sum(), taken)
    weights, totals = slopes[0].tolist(), q_tot.detach().sum(-1)[0].tolist()
    return [
        replace(step, values=value, weights=tuple(weight), team_value=total)
        for step, value, weight, total in zip(steps, values, weights, totals, strict=True)
    ]
