"""Playing: whole episodes of every lane, from an environment, a policy and an explorer."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lockstep.acting.exploration import FREE, Explorer, Script
from lockstep.acting.forward import fresh_memory, no_weights
from lockstep.acting.policy import Policy, RandomPolicy
from lockstep.arrays import Actions, Mask, Obs
from lockstep.envs.protocol import PlaysUnobserved, Record, TeamPlay, TimeStep, VectorEnv
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.greedy_policy import FrozenPolicy, GreedyPolicy
from lockstep.spec import EnvSpec


class Rollout:
    """One fresh episode of every lane (of `lanes`, where given), as far as it has been played."""

    def __init__(
        self,
        env: VectorEnv,
        policy: Policy,
        explorer: Explorer | Script | None = None,
        seed: int | None = None,
        lanes: Mask | None = None,
    ) -> None:
        """Without an explorer the policy's actions are taken. With a seed, lane i's stream restarts from `seed + i`."""
        self.env, self.policy, self.explorer, self.lanes = env, policy, explorer, lanes
        self.player = env if isinstance(env, TeamPlay) and env.plays_teams else None
        self.active = np.ones(env.num_envs, dtype=bool) if lanes is None else lanes.copy()
        self.last_actions = np.full((env.num_envs, env.spec.num_agents), -1, dtype=np.int64)
        self.memory: Any = None
        self.now: Policy | None = None
        self.obs = env.reset(seed, lanes)
        self.available = env.available_actions()
        self.steps = 0
        self.recorder = EpisodeWriter(env.spec, env.num_envs)
        self.recorder.see(0, self.active, self.obs, self.available, env.state())

    def freeze_policy(self) -> None:
        """Let the next `advance` play with the team as it is now, not as it will be then. What a GPU is told to do to
        the team in between need then not be waited for."""
        self.now = self._current()

    def _current(self) -> Policy:
        return self.policy.now() if isinstance(self.policy, GreedyPolicy) else self.policy

    def advance(self, steps: int) -> None:
        """Play until so many steps have been played in all, or every lane is at its end."""
        if steps <= self.steps or not self.active.any():
            return
        plan = None if self.explorer is None else self.explorer.plan(steps - self.steps)
        policy, self.now = self.now or self._current(), None
        if self.player is not None and isinstance(policy, FrozenPolicy):
            self._in_one_go(self.player, policy, steps, plan)
        else:
            self._step_by_step(policy, steps, plan)

    def _step_by_step(self, policy: Policy, steps: int, plan: NDArray[np.int16] | None) -> None:
        env, active, first = self.env, self.active, self.steps
        while self.steps < steps and active.any():
            actions, self.memory = policy.act(self.obs, self.available, self.last_actions, self.memory)
            if self.explorer is not None and plan is not None:
                actions = self.explorer.follow(plan[self.steps - first], actions, self.available)
            step = env.step(actions, None if active.all() else active)
            self.recorder.act(self.steps, active, actions, step)
            self.steps += 1
            self.obs, self.available, self.last_actions = step.obs, env.available_actions(), actions
            self.recorder.see(self.steps, active, self.obs, self.available, env.state())
            active &= ~(step.terminated | step.truncated)

    def _in_one_go(self, env: TeamPlay, team: FrozenPolicy, steps: int, plan: NDArray[np.int16] | None) -> None:
        """The same, by the environment itself: the numbers, too, are the same."""
        if plan is None:
            plan = np.full((steps - self.steps, *self.last_actions.shape), FREE, dtype=np.int16)
        if self.memory is None:
            self.memory = fresh_memory(team.network, *self.last_actions.shape)
        env.play_team(team.network, plan, self.steps, self.memory, self.recorder.record, self.active)
        self.steps = steps

    def finish(self) -> EpisodeBatch:
        """Play to the end. Returns all of it."""
        self.advance(self.env.spec.time_limit)
        batch = self.recorder.batch()
        return batch if self.lanes is None else batch.select(torch.from_numpy(np.flatnonzero(self.lanes)))


def collect(
    env: VectorEnv,
    policy: Policy,
    explorer: Explorer | Script | None = None,
    seed: int | None = None,
    lanes: Mask | None = None,
) -> EpisodeBatch:
    """One fresh episode of every lane, to its end; see `Rollout`."""
    return Rollout(env, policy, explorer, seed, lanes).finish()


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
    if not isinstance(env, PlaysUnobserved):
        batch = collect(env, RandomPolicy(spec.num_actions, rng), seed=seed)
        return RandomPlay(batch.returns(), batch.lengths(), batch)
    actions = rng.integers(spec.num_actions, size=(spec.time_limit, num_envs, spec.num_agents), dtype=np.int8)
    env.reset(seed)
    returns = env.play(actions).sum((0, 2))
    lengths = torch.full((num_envs,), spec.time_limit)  # at most: blind play does not tell who ended earlier
    rewarding = returns > 0
    told = FrozenPolicy(lambda: no_weights(spec.obs_dim))
    episodes = collect(env, told, Script(actions), seed, rewarding) if rewarding.any() else None
    return RandomPlay(torch.from_numpy(returns), lengths, episodes)


class EpisodeWriter:
    """The arrays of an episode batch while it is being played. What did not happen stays 0."""

    def __init__(self, spec: EnvSpec, lanes: int) -> None:
        steps, agents = spec.time_limit, spec.num_agents
        self.record = Record(
            obs=np.zeros((lanes, steps + 1, agents, spec.obs_dim), dtype=np.float32),
            actions=np.zeros((lanes, steps, agents), dtype=np.int64),
            reward=np.zeros((lanes, steps, 1), dtype=np.float32),
            terminated=np.zeros((lanes, steps, 1), dtype=bool),
            truncated=np.zeros((lanes, steps, 1), dtype=bool),
            filled=np.zeros((lanes, steps, 1), dtype=bool),
        )
        self.available: Mask | None = None
        self.own_state: NDArray[np.float32] | None = None

    def see(
        self, t: int, active: Mask, obs: Obs, available: Mask | None, own_state: NDArray[np.float32] | None
    ) -> None:
        """What is known before step t, in the lanes that came so far."""
        lanes, steps = self.record.obs.shape[:2]
        self.record.obs[active, t] = obs[active]
        if available is not None:
            if self.available is None:
                self.available = np.ones((lanes, steps, *available.shape[1:]), dtype=bool)
            self.available[active, t] = available[active]
        if own_state is not None:
            if self.own_state is None:
                self.own_state = np.zeros((lanes, steps, own_state.shape[-1]), dtype=np.float32)
            self.own_state[active, t] = own_state[active]

    def act(self, t: int, active: Mask, actions: Actions, step: TimeStep) -> None:
        """What happened in step t, in the lanes that were still active."""
        record = self.record
        record.actions[active, t] = actions[active]
        record.reward[:, t, 0] = step.reward.sum(-1) * active
        record.terminated[:, t, 0] = step.terminated & active
        record.truncated[:, t, 0] = step.truncated & active
        record.filled[:, t, 0] = active

    def batch(self) -> EpisodeBatch:
        return EpisodeBatch(
            **{name: torch.from_numpy(array) for name, array in self.record._asdict().items()},
            available=None if self.available is None else torch.from_numpy(self.available),
            own_state=None if self.own_state is None else torch.from_numpy(self.own_state),
        )
