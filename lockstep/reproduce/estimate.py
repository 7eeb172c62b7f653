"""How long it will take, from a few real rounds of every configuration on this machine."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lockstep.algorithms.fast.shares import one_thread
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import make_env
from lockstep.experience.rollout import collect
from lockstep.training.session import Session

ROUNDS = 3


@dataclass(frozen=True)
class Estimate:
    """How long one training will take, in seconds."""

    updates: int
    per_update: float
    per_collection: float
    per_evaluation: float
    collections: int
    evaluations: int

    @property
    def seconds(self) -> float:
        return (
            self.updates * self.per_update
            + self.collections * self.per_collection
            + self.evaluations * self.per_evaluation
        )


def estimate(config: RunConfig, threads: int) -> Estimate:
    """Time a few updates, collections and evaluations as training does them, and count how many there will be."""
    one_thread()
    session = Session(_small_replay(config, threads))
    filler = make_env(config.env, config.replay.batch_size, seed=0)
    try:
        session.feed.take(collect(filler, session.policy, seed=0))
        per_update = _timed(lambda: session.learner.update(next(session.feed.batches(session.replay_rng))))
        per_collection = _timed(lambda: collect(session.env, session.policy, seed=0))
        per_evaluation = _timed(lambda: session.evaluate(config.evaluation.episodes))
    finally:
        for env in (filler, session.env, session.eval_env):
            env.close()
    steps = config.training.max_env_steps - config.collection.warmup_env_steps
    collections = -(-max(steps, 0) // (session.spec.time_limit * config.collection.num_envs))
    missing = -(-config.replay.batch_size // config.collection.num_envs) - 1
    return Estimate(
        updates=max(collections - missing, 0) * config.training.updates_per_collection,
        per_update=per_update,
        per_collection=per_collection,
        per_evaluation=per_evaluation,
        collections=collections,
        evaluations=max(steps, 0) // config.evaluation.every_env_steps + 1,
    )


def estimates(configs: Mapping[str, RunConfig], threads: int) -> dict[str, Estimate]:
    """One for every configuration."""
    return {name: estimate(config, threads) for name, config in configs.items()}


def _small_replay(config: RunConfig, threads: int) -> RunConfig:
    replay = config.replay.model_copy(update={"buffer_size": config.replay.batch_size})
    training = config.training.model_copy(update={"num_threads": threads})
    return config.model_copy(update={"replay": replay, "training": training})


def _timed(work: Callable[[], object]) -> float:
    """Seconds of one call, after one that warms up: the least of a few, which other processes disturb least."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
