"""How long runs will take and how much memory, from a few real rounds of their configurations on this machine."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from lockstep.algorithms.fast.shares import one_thread
from lockstep.algorithms.registry import algorithm_of, recorded
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import make_env
from lockstep.sweeps.folder import with_threads
from lockstep.training.estimate import needed_bytes
from lockstep.training.speed import LoopSpeed, measure_speed
from lockstep.training.time_left import Pace, judging_seconds

MOST_SECONDS = 12.0
"""Seconds of measuring, whatever the number of configurations."""
START_SECONDS = 8.0
"""Seconds until a process trains, and from its last words to the next one: mostly importing torch."""


@dataclass(frozen=True)
class Estimate:
    """How long one training will take, in seconds, and how much memory."""

    updates: int
    per_update: float
    per_collection: float
    per_evaluation: float
    collections: int
    evaluations: int
    warmup: float = 0.0
    judging: float = 0.0
    bytes: int = 0
    """Once the replay is full."""
    most: float = math.inf
    """Seconds in the training loop at which it ends whatever it has done (`training.max_seconds`)."""

    @property
    def pace(self) -> Pace:
        """What its phases take; each begins with a start or ends with a judgement."""
        learning = (
            self.updates * self.per_update
            + self.collections * self.per_collection
            + self.evaluations * self.per_evaluation
        )
        return Pace(START_SECONDS + self.warmup, learning, self.judging)

    @property
    def seconds(self) -> float:
        pace = self.pace
        return min(pace.warmup + pace.learning, START_SECONDS + self.most) + pace.end


def estimates(configs: Sequence[RunConfig], threads: int) -> list[Estimate]:
    """One for every configuration, in order; what is equally fast is timed once. threads: where they leave it open.

    Raises UserError for a task that cannot be had.
    """
    one_thread()
    keys = [_what_it_costs(config) for config in configs]
    seconds = min(1.0, MOST_SECONDS / len(set(keys))) if keys else 0.0
    speeds: dict[str, LoopSpeed] = {}
    needed: dict[str, int] = {}
    found = []
    for key, config in zip(keys, configs, strict=True):
        if key not in speeds:
            speeds[key] = measure_speed(with_threads(config, threads), seconds)
        whole = config.model_dump_json(exclude={"seed"})
        if whole not in needed:
            needed[whole] = memory_of(config)
        found.append(estimate(config, speeds[key], needed[whole]))
    return found


def memory_of(config: RunConfig) -> int:
    """Bytes that a run takes once its replay is full."""
    env = make_env(config.env, 1, seed=0)
    masks = env.available_actions() is not None
    needed = needed_bytes(config, recorded(env.spec, config), masks=masks)
    env.close()
    return sum(needed.values())


def estimate(config: RunConfig, speed: LoopSpeed, needed: int = 0) -> Estimate:
    """Count what a run consists of, and say how long each takes at this speed."""
    warmup = min(config.collection.warmup_env_steps, config.training.max_env_steps)
    steps = config.training.max_env_steps - warmup
    collections = ceil(steps / speed.collection_steps)
    fresh = algorithm_of(config).feed == "fresh"
    missing = 0 if fresh else ceil(config.replay.batch_size / config.collection.num_envs) - 1
    rounds = ceil(config.evaluation.episodes / config.collection.num_envs)
    return Estimate(
        updates=max(collections - missing, 0) * speed.updates_a_round,
        per_update=speed.update,
        per_collection=speed.collection,
        per_evaluation=rounds * speed.collection,
        collections=collections,
        evaluations=steps // config.evaluation.every_env_steps + 1,
        warmup=warmup * speed.warmup_step,
        judging=judging_seconds(config, speed.collection_steps // config.collection.num_envs),
        bytes=needed,
        most=config.training.max_seconds or math.inf,
    )


def _what_it_costs(config: RunConfig) -> str:
    """The settings on which the time of a round depends, as text."""
    algorithm = {name: value for name, value in config.algorithm.model_dump().items() if not isinstance(value, float)}
    replay, training = config.replay, config.training
    parts = (config.env.model_dump(mode="json"), config.network.model_dump(mode="json"), algorithm)
    sizes = (config.collection.num_envs, replay.batch_size, replay.segment_steps, training.device, training.num_threads)
    return json.dumps([*parts, *sizes], default=str)
