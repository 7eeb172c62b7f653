"""Playing: whole episodes of every lane, from an environment, a policy and an explorer."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lockstep.batch import EpisodeBatch
from lockstep.envs.vector_env import BlindPlay, Mask, Obs, VectorEnv
from lockstep.exploration import Explorer
from lockstep.policy import Actions, Policy, RandomPolicy
from lockstep.spec import EnvSpec


class Playing:
    """One fresh episode of every lane (of `lanes`, where given), as far as it has been played."""

    def __init__(
        self,
        env: VectorEnv,
        policy: Policy,
        explorer: Explorer | None = None,
        seed: int | None = None,
        lanes: Mask | None = None,
    ) -> None:
        """Without an explorer the policy's actions are taken. With a seed, lane i's stream restarts from `seed + i`."""
        self.env, self.policy, self.explorer, self.lanes = env, policy, explorer, lanes
        self.recorder = _Recorder(env.spec, env.num_envs)
        self.active = np.ones(env.num_envs, dtype=bool) if lanes is None else lanes.copy()
        self.last_actions = np.full((env.num_envs, env.spec.num_agents), -1, dtype=np.int64)
        self.memory: Any = None
        self.obs = env.reset(seed, lanes)
        self.steps = 0

    def advance(self, steps: int) -> None:
        """Play until so many steps have been played in all, or every lane is at its end."""
        env, active = self.env, self.active
        while self.steps < steps and active.any():
            available = env.available_actions()
            self.recorder.see(self.steps, self.obs, available, env.state())
            actions, self.memory = self.policy.act(self.obs, available, self.last_actions, self.memory)
            if self.explorer is not None:
                actions = self.explorer.explore(actions, available)
            step = env.step(actions, None if active.all() else active)
            self.recorder.act(self.steps, actions, step.reward, step.terminated, step.truncated, active)
            self.obs, self.last_actions = step.obs, actions
            active &= ~(step.terminated | step.truncated)
            self.steps += 1

    def finish(self) -> EpisodeBatch:
        """Play to the end. Returns all of it."""
        self.advance(self.env.spec.time_limit)
        self.recorder.see(self.steps, self.obs, self.env.available_actions(), self.env.state())
        batch = self.recorder.batch()
        return batch if self.lanes is None else batch.select(torch.from_numpy(np.flatnonzero(self.lanes)))


def collect(
    env: VectorEnv,
    policy: Policy,
    explorer: Explorer | None = None,
    seed: int | None = None,
    lanes: Mask | None = None,
) -> EpisodeBatch:
    """One fresh episode of every lane, to its end; see `Playing`."""
    return Playing(env, policy, explorer, seed, lanes).finish()


class RandomPlay(NamedTuple):
    """Uniformly random episodes: what they earned, and those worth remembering."""

    returns: Tensor
    """(num_envs,)"""
    lengths: Tensor
    """(num_envs,)"""
    episodes: EpisodeBatch | None
    """The rewarding ones where the environment can play blind, else all; None where there is none."""


def random_play(env: VectorEnv, rng: np.random.Generator, seed: int) -> RandomPlay:
    """One uniformly random episode of every lane; lane i's stream restarts from `seed + i`.

    Where rewards are rare, nearly all of random play is worthless. So it is played blind first, and only the lanes that
    earned something are played once more, the same way, with open eyes.
    """
    spec, num_envs = env.spec, env.num_envs
    if not isinstance(env, BlindPlay):
        batch = collect(env, RandomPolicy(spec.num_actions, rng), seed=seed)
        return RandomPlay(batch.returns(), batch.lengths(), batch)
    actions = rng.integers(spec.num_actions, size=(spec.time_limit, num_envs, spec.num_agents), dtype=np.int8)
    env.reset(seed)
    returns = env.play(actions).sum((0, 2))
    lengths = torch.full((num_envs,), spec.time_limit)  # at most: blind play does not tell who ended earlier
    rewarding = returns > 0
    episodes = collect(env, _Script(actions), seed=seed, lanes=rewarding) if rewarding.any() else None
    return RandomPlay(torch.from_numpy(returns), lengths, episodes)


class _Script:
    """A policy that plays given actions (steps, num_envs, agents); its memory is the step."""

    def __init__(self, actions: NDArray[np.int8]) -> None:
        self.actions = actions.astype(np.int64)

    def act(self, obs: Obs, available: Mask | None, last_actions: Actions, memory: Any) -> tuple[Actions, Any]:
        step = memory or 0
        return self.actions[step], step + 1


class _Recorder:
    """The arrays of an episode batch while it is being played."""

    def __init__(self, spec: EnvSpec, lanes: int) -> None:
        steps, agents = spec.time_limit, spec.num_agents
        self.spec, self.lanes = spec, lanes
        self.obs = np.zeros((lanes, steps + 1, agents, spec.obs_dim), dtype=np.float32)
        self.actions = np.zeros((lanes, steps, agents), dtype=np.int64)
        self.reward = np.zeros((lanes, steps, 1), dtype=np.float32)
        self.terminated = np.zeros((lanes, steps, 1), dtype=bool)
        self.truncated = np.zeros((lanes, steps, 1), dtype=bool)
        self.filled = np.zeros((lanes, steps, 1), dtype=bool)
        self.available: Mask | None = None
        self.own_state: NDArray[np.float32] | None = None

    def see(self, t: int, obs: Obs, available: Mask | None, own_state: NDArray[np.float32] | None) -> None:
        """What is known before step t. Finished lanes repeat their final observation."""
        self.obs[:, t] = obs
        if available is not None:
            if self.available is None:
                self.available = np.ones((self.lanes, self.obs.shape[1], *available.shape[1:]), dtype=bool)
            self.available[:, t] = available
        if own_state is not None:
            if self.own_state is None:
                self.own_state = np.zeros((self.lanes, self.obs.shape[1], own_state.shape[-1]), dtype=np.float32)
            self.own_state[:, t] = own_state

    def act(
        self,
        t: int,
        actions: NDArray[np.int64],
        reward: NDArray[np.float32],
        terminated: Mask,
        truncated: Mask,
        active: Mask,
    ) -> None:
        """What happened in step t, in the lanes that were still active."""
        self.actions[:, t] = actions
        self.reward[:, t, 0] = reward.sum(-1) * active
        self.terminated[:, t, 0] = terminated & active
        self.truncated[:, t, 0] = truncated & active
        self.filled[:, t, 0] = active

    def batch(self) -> EpisodeBatch:
        return EpisodeBatch(
            obs=torch.from_numpy(self.obs),
            actions=torch.from_numpy(self.actions),
            reward=torch.from_numpy(self.reward),
            terminated=torch.from_numpy(self.terminated),
            truncated=torch.from_numpy(self.truncated),
            filled=torch.from_numpy(self.filled),
            available=None if self.available is None else torch.from_numpy(self.available),
            own_state=None if self.own_state is None else torch.from_numpy(self.own_state),
        )
