"""The task, measured: what blind random play earns, and what a team that knows nothing yet finds with some exploration.

Nothing is learnt and no network is needed: an untrained team is played by agents that each repeat one action of their
own, which is nearly what a fresh network does, and leave it by the run's own exploration.
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.exploration import Explorer, lane_epsilons
from lockstep.acting.policy import blind_dtype, random_actions
from lockstep.algorithms.registry import algorithm_of
from lockstep.config.schema import ExplorationConfig, RunConfig
from lockstep.envs.family import About
from lockstep.envs.onset_memory import underneath
from lockstep.envs.protocol import PlaysUnobserved, VectorEnv
from lockstep.envs.registry import family_of, make_env
from lockstep.spec import EnvSpec

LANES, SLOW_LANES = 1024, 16
RANDOM_STEPS, SLOW_STEPS = 4_000_000, 40_000
"""Of random play, compiled or not."""
Z = 1.96
"""Of a 95 % interval."""


@dataclass(frozen=True)
class Sample:
    """Whole episodes of one way of playing."""

    epsilon: float
    """Of the exploration, before a ladder spreads it; 1 is random play."""
    episodes: int
    rewarding: int
    """Episodes with a positive return."""

    @property
    def chance(self) -> float:
        """The chance of a rewarding episode; where none was seen, half an episode stands for what may still come."""
        return max(self.rewarding, 0.5) / self.episodes

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of the chance (Wilson 1927)."""
        n, p = self.episodes, self.rewarding / self.episodes
        middle, width = p + Z * Z / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        return max(middle - width, 0.0) / (1 + Z * Z / n), (middle + width) / (1 + Z * Z / n)


@dataclass(frozen=True)
class MeasuredTask:
    """What is known of a task before anything is learnt."""

    spec: EnvSpec
    random: Sample
    explored: tuple[Sample, ...]
    """By an untrained team under the run's exploration, epsilon falling."""
    return_mean: float
    """Mean team return of random episodes."""
    return_std: float
    mean_length: float
    """Steps of a random episode."""
    first_reward_steps: float
    """Steps until the first reward, in the quickest tenth of the rewarding random episodes; nan without any."""
    delivery_steps: float
    """Steps over which a reward must be felt, as the world's family knows it; else as `first_reward_steps`."""
    blind_warmup: bool
    """Whether random warm-up episodes that earn nothing are dropped unseen."""
    env_steps: int
    """Played for all this."""
    seconds: float
    way: str = About.way
    """What takes `delivery_steps`, to begin a sentence with their number."""
    masks: bool = False
    """Whether actions can be unavailable."""

    @property
    def reward_per_step(self) -> float:
        return self.return_mean / self.mean_length

    @property
    def steps_per_reward(self) -> float:
        """Random env steps per rewarding episode."""
        return self.mean_length / self.random.chance

    @property
    def is_sparse(self) -> bool:
        """Whether a random episode usually earns nothing at all. (Where rewards are costs, every episode is felt.)"""
        return self.return_std == 0.0 or (self.random.chance < 0.5 and self.return_mean >= 0.0)

    def chance(self, epsilon: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance of a rewarding episode at these epsilons, nothing learnt: a line through the logarithms."""
        samples = sorted(self.explored, key=lambda sample: sample.epsilon)
        at = np.log(np.maximum([sample.epsilon for sample in samples], 1e-4))
        chances = np.maximum.accumulate([sample.chance for sample in samples])
        return np.asarray(np.exp(np.interp(np.log(np.maximum(epsilon, 1e-4)), at, np.log(chances))))


def measure_task(config: RunConfig, effort: float = 1.0) -> MeasuredTask:
    """Play the task at random and with the run's exploration: about 10 million steps of a compiled warehouse,
    about 100,000 of anything else, times `effort`. The same numbers every time.

    Raises UserError for a task that cannot be had.
    """
    started = time.monotonic()
    env = _lanes(config)
    try:
        blind = isinstance(env, PlaysUnobserved)
        steps = int((RANDOM_STEPS if blind else SLOW_STEPS) * effort)
        returns, lengths, firsts = _played(env, None, np.random.default_rng(0), steps)
        everywhere = Sample(1.0, len(returns), int((returns > 0).sum()))
        samples = _samples(env, config, everywhere, {}, effort)
        about = family_of(env.spec.key).about(underneath(env))
        first = float(np.quantile(firsts, 0.1)) if len(firsts) else math.nan
        return MeasuredTask(
            spec=env.spec,
            random=everywhere,
            explored=samples,
            return_mean=float(returns.mean()),
            return_std=float(returns.std()),
            mean_length=float(lengths.mean()),
            first_reward_steps=first,
            delivery_steps=first if about.way_steps is None else about.way_steps,
            way=about.way,
            blind_warmup=blind,
            env_steps=int(lengths.sum())
            + sum(int(s.episodes * lengths.mean()) for s in samples if s is not everywhere),
            seconds=time.monotonic() - started,
            masks=env.available_actions() is not None,
        )
    finally:
        env.close()


def with_exploration(task: MeasuredTask, config: RunConfig, *, same_habits: bool, effort: float = 1.0) -> MeasuredTask:
    """The same task under another exploration. same_habits: only epsilons differ, so that known samples still hold."""
    env = _lanes(config)
    try:
        known = {sample.epsilon: sample for sample in task.explored} if same_habits else {}
        samples = _samples(env, config, task.random, known, effort)
        return replace(task, explored=samples)
    finally:
        env.close()


def _lanes(config: RunConfig) -> VectorEnv:
    """Many lanes where stepping is cheap, few where it is not."""
    env = make_env(config.env, SLOW_LANES, 0, workers=None)
    if not isinstance(env, PlaysUnobserved):
        return env
    env.close()
    return make_env(config.env, LANES, 0, workers=None)


def _epsilons(exploration: ExplorationConfig) -> list[float]:
    """Start, finish and three between them, each once, falling."""
    start, finish = exploration.epsilon_start, exploration.epsilon_finish
    ways = [start * (max(finish, 1e-3) / max(start, 1e-3)) ** share for share in (0.0, 0.25, 0.5, 0.75)]
    return sorted({*(round(epsilon, 4) for epsilon in ways), finish}, reverse=True)


def _is_random(exploration: ExplorationConfig, epsilon: float) -> bool:
    """Whether exploring with this epsilon is uniformly random play, whatever the ladder."""
    return epsilon == 1.0 and exploration.repeat_max_steps == 1


def _samples(
    env: VectorEnv, config: RunConfig, random: Sample, known: Mapping[float, Sample], effort: float
) -> tuple[Sample, ...]:
    """One for every epsilon; four times as long for the lowest, where most of a run is spent and least is found.

    An untrained policy that draws its actions plays at random already.
    """
    if algorithm_of(config).choice == "sampled":
        return (random,)
    exploration, samples = config.exploration, []
    epsilons = _epsilons(exploration)
    for epsilon in epsilons:
        steps = (RANDOM_STEPS if isinstance(env, PlaysUnobserved) else SLOW_STEPS) // (
            1 if epsilon == epsilons[-1] else 4
        )
        if _is_random(exploration, epsilon):
            samples.append(random)
        else:
            samples.append(known.get(epsilon) or _explored(env, exploration, epsilon, int(steps * effort)))
    return tuple(samples)


def _explored(env: VectorEnv, exploration: ExplorationConfig, epsilon: float, steps: int) -> Sample:
    rng = np.random.default_rng(1)
    epsilons = lane_epsilons(epsilon, env.num_envs, exploration.epsilon_ladder)

    def explorer() -> Explorer:
        return Explorer(exploration, epsilons, env.spec.num_agents, env.spec.num_actions, rng)

    parts = [
        _blind_episodes(env, seed, explorer(), rng)[0]
        if isinstance(env, PlaysUnobserved)
        else _open_episodes(env, seed, explorer(), rng)[0]
        for seed in _seeds(env, steps)
    ]
    returns = np.concatenate(parts)
    return Sample(epsilon, len(returns), int((returns > 0).sum()))


Floats = NDArray[np.float64]


def _played(
    env: VectorEnv, explorer: Explorer | None, rng: np.random.Generator, steps: int
) -> tuple[Floats, Floats, Floats]:
    """Returns and lengths of random episodes, and the step of the first reward of those that had one."""
    play = _blind_episodes if isinstance(env, PlaysUnobserved) else _open_episodes
    parts = [play(env, seed, explorer, rng) for seed in _seeds(env, steps)]
    returns, lengths, firsts = (np.concatenate(column) for column in zip(*parts, strict=True))
    return returns, lengths, firsts


def _seeds(env: VectorEnv, steps: int) -> Iterator[int]:
    """Return the seeds of as many rounds as `steps` need, at least one."""
    rounds = max(steps // (env.num_envs * env.spec.time_limit), 1)
    return iter(range(0, rounds * env.num_envs, env.num_envs))


def _greedy(env: VectorEnv, rng: np.random.Generator) -> NDArray[np.int64]:
    """(lanes, agents): the one action that each untrained agent would do all the time."""
    return rng.integers(env.spec.num_actions, size=(env.num_envs, env.spec.num_agents))


def _blind_episodes(
    env: VectorEnv, seed: int, explorer: Explorer | None, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    assert isinstance(env, PlaysUnobserved)
    steps, shape = env.spec.time_limit, (env.num_envs, env.spec.num_agents)
    if explorer is None:
        actions = rng.integers(env.spec.num_actions, size=(steps, *shape), dtype=blind_dtype(env.spec.num_actions))
    else:
        greedy = _greedy(env, rng)
        dtype = blind_dtype(env.spec.num_actions)
        actions = np.stack([explorer.explore(greedy, None).astype(dtype) for _ in range(steps)])
    env.reset(seed)
    rewards = env.play(actions).sum(-1)  # (steps, lanes)
    felt = rewards != 0
    firsts = felt.argmax(0)[felt.any(0)] + 1.0
    return rewards.sum(0, dtype=np.float64), env.episode_steps().astype(np.float64), firsts.astype(np.float64)


def _open_episodes(
    env: VectorEnv, seed: int, explorer: Explorer | None, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    lanes, agents = env.num_envs, env.spec.num_agents
    returns, lengths, firsts = np.zeros(lanes), np.zeros(lanes), np.full(lanes, np.nan)
    greedy = _greedy(env, rng)
    running = np.ones(lanes, dtype=bool)
    env.reset(seed)
    for t in range(env.spec.time_limit):
        available = env.available_actions()
        random = random_actions((lanes, agents), env.spec.num_actions, available, rng)
        if explorer is None:
            actions = random
        else:
            allowed = greedy if available is None else np.where(_allows(available, greedy), greedy, random)
            actions = explorer.explore(allowed, available)
        step = env.step(actions, None if running.all() else running)
        reward = step.reward.sum(-1) * running
        returns += reward
        lengths += running
        firsts = np.where(np.isnan(firsts) & (reward != 0), t + 1.0, firsts)
        running &= ~(step.terminated | step.truncated)
        if not running.any():
            break
    return returns, lengths, firsts[~np.isnan(firsts)]


def _allows(available: NDArray[np.bool_], actions: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.take_along_axis(available, actions[..., None], -1)[..., 0]
