"""Playing: whole episodes of every lane, from an environment, a policy and an explorer."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lockstep.acting.exploration import FREE, Explorer, Plan, Script
from lockstep.acting.forward import fresh_memory, no_weights
from lockstep.acting.policy import Policy, RandomPolicy, blind_dtype
from lockstep.arrays import Mask
from lockstep.envs.protocol import PlaysUnobserved, Record, TeamPlay, VectorEnv, team_sum
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.greedy_policy import FrozenPolicy, GreedyPolicy
from lockstep.spec import EnvSpec, Field, episode_fields


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
        self._see()

    def freeze_policy(self) -> None:
        """Let the next `advance` play with the team as it is now, not as it will be then. What a GPU is told to do to
        the team in between need then not be waited for."""
        if self.active.any():
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

    def _step_by_step(self, policy: Policy, steps: int, plan: Plan | None) -> None:
        env, active, first = self.env, self.active, self.steps
        while self.steps < steps and active.any():
            seen = (self.obs, self.available, self.last_actions, self.memory)
            if plan is None or not plan.noise.size:
                actions, self.memory = policy.act(*seen)
            else:
                assert isinstance(policy, FrozenPolicy), "only a network's preferences can be drawn from"
                actions, self.memory = policy.act(*seen, plan.noise[self.steps - first])
            if self.explorer is not None and plan is not None:
                actions = self.explorer.follow(plan.forced[self.steps - first], actions, self.available)
            step = env.step(actions, None if active.all() else active)
            self.recorder.write(
                self.steps,
                active,
                actions=actions,
                reward=step.reward if env.spec.num_rewards > 1 else team_sum(step.reward),
                terminated=step.terminated,
                truncated=step.truncated,
                filled=active,
            )
            self.steps += 1
            self.obs, self.available, self.last_actions = step.obs, env.available_actions(), actions
            self._see()
            active &= ~(step.terminated | step.truncated)

    def _see(self) -> None:
        """Record what is known before the next step."""
        known = {"obs": self.obs, "available": self.available, "own_state": self.env.state()}
        self.recorder.write(self.steps, self.active, **known)

    def _in_one_go(self, env: TeamPlay, team: FrozenPolicy, steps: int, plan: Plan | None) -> None:
        """Let the environment itself play on; the numbers are those of playing step by step."""
        if plan is None:
            shape = (steps - self.steps, *self.last_actions.shape)
            plan = Plan.without_noise(np.full(shape, FREE, dtype=np.int16))
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
    shape = (spec.time_limit, num_envs, spec.num_agents)
    actions = rng.integers(spec.num_actions, size=shape, dtype=blind_dtype(spec.num_actions))
    env.reset(seed)
    returns = env.play(actions).sum((0, 2))
    lengths = torch.from_numpy(env.episode_steps())
    rewarding = returns > 0
    told = FrozenPolicy(lambda: no_weights(spec.obs_dim, spec.num_agents))
    episodes = collect(env, told, Script(actions), seed, rewarding) if rewarding.any() else None
    return RandomPlay(torch.from_numpy(returns), lengths, episodes)


class EpisodeWriter:
    """The arrays of an episode batch while it is being played. What did not happen stays as the table pads it."""

    def __init__(self, spec: EnvSpec, lanes: int) -> None:
        self.spec, self.lanes = spec, lanes
        self.table = episode_fields(spec)
        self.arrays = {name: self._untouched(field) for name, field in self.table.items() if not field.optional}

    @property
    def record(self) -> Record:
        """What a world that plays a team by itself writes into."""
        return Record(*(self.arrays[name] for name in Record._fields))

    def write(self, t: int, active: Mask, **values: NDArray[Any] | None) -> None:
        """Row t of some fields, (lanes, ...) each, in the lanes that came so far. None: the world has no such field."""
        for name, value in values.items():
            if value is None:
                continue
            if name not in self.arrays:
                self.arrays[name] = self._untouched(self.table[name])
            self.arrays[name][active, t] = value.reshape(self.lanes, *self.table[name].shape)[active]

    def batch(self) -> EpisodeBatch:
        return EpisodeBatch.of({name: torch.from_numpy(array) for name, array in self.arrays.items()})

    def _untouched(self, field: Field) -> NDArray[Any]:
        shape = (self.lanes, *field.size(self.spec.time_limit))
        # Untouched memory of `zeros` costs nothing until an episode is written to it.
        return np.ones(shape, field.dtype) if field.padding else np.zeros(shape, field.dtype)
