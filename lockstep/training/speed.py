"""How fast the real loop runs here: a throw-away session, a second of it, measured."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lockstep.algorithms.registry import algorithm_of
from lockstep.config.load import validated, with_changes
from lockstep.config.schema import RunConfig
from lockstep.experience.rollout import collect, random_play
from lockstep.training.session import Session

MOST_REPETITIONS = 20


class LoopSpeed(NamedTuple):
    """Seconds of the parts of the loop, each the quickest of some repetitions, and how much one round plays."""

    collection: float
    """One greedy episode of every lane."""
    update: float
    """One gradient step; of what is learnt from fresh episodes, with its part of looking back on them."""
    warmup_step: float
    """One random env step."""
    collection_steps: int
    """Number of env steps of one random episode of every lane; no time."""
    updates_a_round: int
    """Number of gradient steps after a collection; no time."""


def measure_speed(config: RunConfig, seconds: float = 1.0) -> LoopSpeed:
    """Play and learn for about 1.5 `seconds` in a session that is thrown away. Nothing of the run is touched.

    Its replay has room for what is timed, so that also a configuration whose own does not fit can be timed.
    """
    played = max(config.replay.batch_size, config.collection.num_envs)
    rooms = {
        f"replay.{name}": min(getattr(config.replay, name), played) for name in ("buffer_size", "rewarding_buffer_size")
    }
    session = Session(validated(with_changes(config.model_dump(), rooms)))
    rng = np.random.default_rng(0)
    try:
        episodes = collect(session.env, session.policy, seed=0)
        session.feed.take(episodes)
        fresh = algorithm_of(config).feed == "fresh"

        def study() -> None:
            if not fresh:
                session.learner.update(next(session.feed.batches(rng)))
                return
            session.feed.take(episodes)
            for batch in session.feed.batches(rng):
                session.learner.update(batch)

        updates = session.feed.batches_a_round if fresh else 1
        steps = int(random_play(session.env, rng, 0).lengths.sum())
        return LoopSpeed(
            _quickest(lambda: collect(session.env, session.policy, seed=0), seconds / 3),
            _quickest(study, seconds) / updates,
            _quickest(lambda: random_play(session.env, rng, 0), seconds / 6) / steps,
            steps,
            session.feed.batches_a_round if fresh else config.training.updates_per_collection,
        )
    finally:
        session.env.close()
        session.eval_env.close()


def _quickest(work: Callable[[], object], seconds: float) -> float:
    """Return the quickest of the repetitions that fit, three at least, after one by which everything is compiled and
    started."""
    work()
    times: list[float] = []
    while len(times) < 3 or (sum(times) < seconds and len(times) < MOST_REPETITIONS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
