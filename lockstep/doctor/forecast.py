"""From a configuration and a measured task to what will be found and studied if nothing is learnt.

Everything is an expectation. What the team learns on the way only adds rewards; so where these numbers suffice, more
will follow, and where they do not, nothing can begin.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.schedules import schedule
from lockstep.algorithms.algorithm import Credit
from lockstep.algorithms.feed_memory import replay_bytes
from lockstep.algorithms.registry import algorithm_of
from lockstep.config.schema import RunConfig
from lockstep.config.schema.fresh import dealt
from lockstep.doctor.machine import UNMEASURED, Machine
from lockstep.doctor.task import MeasuredTask
from lockstep.training.time_left import Pace, judging_seconds

GRID = 1_000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """The run in numbers, before it is begun."""

    config: RunConfig
    task: MeasuredTask
    machine: Machine = UNMEASURED

    @property
    def draws(self) -> bool:
        """Whether training draws its actions by a policy's chances, and so explores by itself."""
        return algorithm_of(self.config).choice == "sampled"

    # How long it is.

    @property
    def episodes_per_collection(self) -> int:
        return self.config.collection.num_envs

    @property
    def steps_per_collection(self) -> float:
        return self.episodes_per_collection * self.task.mean_length

    @cached_property
    def warmup_collections(self) -> int:
        return int(np.ceil(self.config.collection.warmup_env_steps / self.steps_per_collection))

    @cached_property
    def collections(self) -> int:
        """After the warm-up."""
        total = int(np.ceil(self.config.training.max_env_steps / self.steps_per_collection))
        return max(total - self.warmup_collections, 0)

    @property
    def warmup_episodes(self) -> int:
        return self.warmup_collections * self.episodes_per_collection

    @property
    def stored_at_start(self) -> float:
        """Episodes in the replay after the warm-up (before the oldest leave)."""
        return self.warmup_episodes * (self.task.random.chance if self.task.blind_warmup else 1.0)

    @cached_property
    def first_update(self) -> float:
        """The collection after which the replay holds a batch, and learning begins."""
        replay = self.config.replay
        if replay.buffer_size < replay.batch_size:
            return np.inf
        return max(math.ceil((replay.batch_size - self.stored_at_start) / self.episodes_per_collection), 1.0)

    @property
    def updates_per_collection(self) -> int:
        return self.config.training.updates_per_collection

    @property
    def updates(self) -> float:
        """Gradient steps of the whole run."""
        return self._updates_at(self.collections)

    def _updates_at(self, collection: float) -> float:
        done = max(collection - self.first_update + 1.0, 0.0)
        return done * self.updates_per_collection

    # What is found. Grids run over the collections after the warm-up, from the first to the last.

    @cached_property
    def grid(self) -> Floats:
        """(points,) numbers of collections done."""
        return np.linspace(0, self.collections, min(self.collections, GRID) + 1)

    @cached_property
    def epsilon(self) -> Floats:
        x = self.config.exploration
        steps = (self.grid * self.steps_per_collection).astype(np.int64)
        values = [
            schedule(x.epsilon_schedule, x.epsilon_start, x.epsilon_finish, x.epsilon_anneal_env_steps, int(at))
            for at in steps
        ]
        return np.array(values)

    @property
    def rewarding_in_warmup(self) -> float:
        return self.warmup_episodes * self.task.random.chance

    @cached_property
    def rewarding(self) -> Floats:
        """Rewarding episodes found by each point of the grid, warm-up included."""
        per_collection = self.task.chance(self.epsilon) * self.episodes_per_collection
        found = np.diff(self.grid) * (per_collection[1:] + per_collection[:-1]) / 2
        return np.asarray(self.rewarding_in_warmup + np.concatenate([[0.0], np.cumsum(found)]))

    @property
    def annealed(self) -> float:
        """The collection from which epsilon stays where it is."""
        x = self.config.exploration
        if x.epsilon_start == x.epsilon_finish:
            return float(self.collections)
        return min(x.epsilon_anneal_env_steps / self.steps_per_collection, self.collections)

    @property
    def rewarding_in_all(self) -> float:
        """Rewarding episodes of the whole run."""
        return float(self.rewarding[-1])

    @property
    def rewarding_before_floor(self) -> float:
        """Rewarding episodes until epsilon stays where it is, warm-up included."""
        return self._at(self.annealed, self.rewarding)

    @property
    def rewarding_before_floor_at_random(self) -> float:
        """The same if every action until then were random: no exploration finds more without luck or learning."""
        episodes = self.warmup_episodes + self.annealed * self.episodes_per_collection
        return episodes * self.task.random.chance

    # What of it is remembered and studied.

    @cached_property
    def remembered(self) -> Floats:
        """(points,) rewarding episodes in the replay that is drawn from uniformly."""
        stored = self.stored_at_start + self.grid * self.episodes_per_collection
        known_stored = np.concatenate([[0.0], stored])
        known_rewarding = np.concatenate([[0.0], self.rewarding])
        forgotten = np.interp(stored - self.config.replay.buffer_size, known_stored, known_rewarding)
        return np.asarray(self.rewarding - forgotten)

    @cached_property
    def remembered_share(self) -> Floats:
        """(points,) rewarding episodes of all that are drawn from uniformly."""
        stored = self.stored_at_start + self.grid * self.episodes_per_collection
        return self.remembered / np.clip(stored, 1.0, self.config.replay.buffer_size)

    @cached_property
    def rewarding_per_batch(self) -> Floats:
        """(points,) rewarding episodes, or pieces of them, in one batch."""
        replay = self.config.replay
        special = round(replay.batch_size * replay.rewarding_fraction)
        something_found = 1.0 - np.exp(-self.rewarding)
        ordinary = (replay.batch_size - special) * np.minimum(self.remembered_share, 1.0)
        return np.asarray(special * something_found + ordinary)

    @property
    def chance_of_reward_in_piece(self) -> float:
        """That a random piece of a rewarding episode shows the reward."""
        piece, length = self.config.replay.segment_steps, self.task.mean_length
        return 1.0 if piece == 0 else min(piece / max(length - piece + 1.0, 1.0), 1.0)

    @cached_property
    def studied(self) -> float:
        """How often, in the whole run, an update looks at a reward."""
        updates = np.diff([self._updates_at(at) for at in self.grid])
        per_update = (self.rewarding_per_batch[1:] + self.rewarding_per_batch[:-1]) / 2
        return float((updates * per_update).sum() * self.chance_of_reward_in_piece)

    def at_share(self, share: float, values: Floats) -> float:
        """A grid's value when this share of the collections is done."""
        return self._at(share * self.collections, values)

    def at_floor(self, values: Floats) -> float:
        """A grid's value when epsilon has reached its floor."""
        return self._at(self.annealed, values)

    def _at(self, collection: float, values: Floats) -> float:
        return float(np.interp(collection, self.grid, values))

    @property
    def updates_before_floor(self) -> float:
        return self._updates_at(self.annealed)

    @property
    def replays_per_step(self) -> float:
        """How often every collected step is studied on average."""
        collected = self.collections * self.steps_per_collection
        return self.updates * self.config.replay.batch_size * self.studied_steps / max(collected, 1.0)

    # How far it reaches.

    @property
    def horizon(self) -> float:
        """Steps that gamma sees: 1 / (1 - gamma)."""
        gamma = self.config.algorithm.gamma
        return np.inf if gamma == 1.0 else 1.0 / (1.0 - gamma)

    @property
    def worth_at_distance(self) -> float:
        """What a reward is worth to the first of the steps that lead to it."""
        return float(self.config.algorithm.gamma ** (self.distance - 1.0))

    @property
    def distance(self) -> float:
        """Steps over which a reward must be felt: what a delivery takes there and back; 1 where that is unknown."""
        known = self.task.delivery_steps
        return known if known == known else 1.0

    @property
    def way(self) -> str:
        """What the distance is, to begin a sentence with its number."""
        return self.task.way

    @cached_property
    def credit(self) -> Credit:
        """How fast news travels back; where a reward is felt by the whole episode at once, that far in every update."""
        return algorithm_of(self.config).credit(self.config) or Credit(1.0, np.inf)

    @property
    def sync_updates(self) -> float:
        """Updates until the target networks have followed (by 63 % where they follow softly)."""
        return self.credit.updates

    @property
    def sync_env_steps(self) -> float:
        return self.sync_updates / self.updates_per_collection * self.steps_per_collection

    @property
    def steps_per_sync(self) -> float:
        """Steps that the news of a reward travels back with every renewal of the targets."""
        return float(min(self.credit.steps, self.studied_steps))

    @property
    def studied_steps(self) -> float:
        """Steps of an episode, or of a piece of it, that are studied together."""
        return self.config.replay.segment_steps or self.task.mean_length

    @property
    def reach(self) -> float:
        """Steps that the news of a reward can travel back in the whole run."""
        return self.updates / self.sync_updates * self.steps_per_sync

    @property
    def movement(self) -> float:
        """How far Adam can move a parameter in the whole run: about lr for every update."""
        return self.updates * self.config.optimizer.lr

    @property
    def standardized_reward(self) -> float:
        """A reward of 1 after standardization with random play's moments; 1 where none is done."""
        if not self.config.algorithm.standardize_rewards:
            return 1.0
        rate = self.task.reward_per_step
        return float((1.0 - rate) / np.sqrt(max(rate * (1.0 - rate), 1e-12)))

    # What it costs.

    @property
    def replay_bytes(self) -> float:
        """Memory of the replay at the end, the same that a training is refused for."""
        return replay_bytes(self.config, self.task.spec, masks=self.task.masks)

    @property
    def seconds(self) -> float | None:
        """Wall time at the measured speed, with all evaluations and the judgement; None where it was not measured."""
        pace = self.pace
        return None if pace is None else pace.warmup + pace.learning + pace.end

    @property
    def pace(self) -> Pace | None:
        """What the phases of the run take at the measured speed; None where it was not measured."""
        machine, evaluation = self.machine, self.config.evaluation
        if machine.seconds_per_collection is None or machine.seconds_per_update is None:
            return None
        warmup = self.warmup_collections * self.steps_per_collection * (machine.seconds_per_warmup_step or 0.0)
        evaluations = self.collections * self.steps_per_collection / evaluation.every_env_steps + 1
        rounds = math.ceil(evaluation.episodes / self.episodes_per_collection)
        played = self.collections + evaluations * rounds
        learning = played * machine.seconds_per_collection + self.updates * machine.seconds_per_update
        return Pace(warmup, learning, judging_seconds(self.config, self.task.spec.time_limit))

    def row(self) -> dict[str, float]:
        """The numbers for people and programs, by plain names."""
        return {
            "env_steps_per_rewarding_random_episode": self.task.steps_per_reward,
            "rewarding_episodes_in_warmup": self.rewarding_in_warmup,
            "rewarding_episodes_before_epsilon_floor": self.rewarding_before_floor,
            "rewarding_episodes_before_epsilon_floor_at_random": self.rewarding_before_floor_at_random,
            "rewarding_episodes_in_all": self.rewarding_in_all,
            "rewarding_in_replay_at_epsilon_floor": self.at_floor(self.remembered),
            "rewarding_in_replay_at_half": self.at_share(0.5, self.remembered),
            "rewarding_per_batch_at_half": self.at_share(0.5, self.rewarding_per_batch),
            "rewards_studied": self.studied,
            "updates": self.updates,
            "updates_before_epsilon_floor": self.updates_before_floor,
            "replays_per_step": self.replays_per_step,
            "lr_times_updates": self.movement,
            "horizon_steps": self.horizon,
            "delivery_steps": self.distance,
            "worth_one_delivery_earlier": self.worth_at_distance,
            "target_sync_updates": self.sync_updates,
            "target_sync_env_steps": self.sync_env_steps,
            "credit_reach_steps": self.reach,
            "standardized_reward": self.standardized_reward,
            "replay_bytes": self.replay_bytes,
        }


class FreshForecast(Forecast):
    """The run of what learns from each collection by itself: nothing is remembered.

    Where training draws actions, an untrained policy does so nearly uniformly, whatever epsilon is: it finds what
    random play was measured to find.
    """

    @property
    def stored_at_start(self) -> float:
        """Nothing: what a warm-up plays is never studied."""
        return 0.0

    @property
    def rewarding_in_warmup(self) -> float:
        """None that could be learnt from."""
        return 0.0

    @cached_property
    def first_update(self) -> float:
        """The first collection is studied at once."""
        return 1.0

    @property
    def updates_per_collection(self) -> int:
        """Epochs times minibatches."""
        epochs, minibatches = dealt(self.config.algorithm)
        return epochs * min(minibatches, self.episodes_per_collection)

    @property
    def annealed(self) -> float:
        """See `Forecast.annealed`; a policy's own exploration never ends by itself."""
        return float(self.collections) if self.draws else super().annealed

    @property
    def rewarding_per_collection(self) -> float:
        """Rewarding episodes that an untrained team meets in one collection, on average."""
        if self.draws:
            return self.episodes_per_collection * self.task.random.chance
        return self.rewarding_in_all / max(self.collections, 1)

    @cached_property
    def rewarding(self) -> Floats:
        """See `Forecast.rewarding`."""
        return self.grid * self.rewarding_per_collection if self.draws else super().rewarding

    @cached_property
    def rewarding_per_batch(self) -> Floats:
        """See `Forecast.rewarding_per_batch`; a batch is a minibatch."""
        parts = min(dealt(self.config.algorithm)[1], self.episodes_per_collection)
        return np.full(len(self.grid), self.rewarding_per_collection / parts)

    @property
    def chance_of_reward_in_piece(self) -> float:
        """Episodes are studied whole."""
        return 1.0

    @property
    def studied_steps(self) -> float:
        """See `Forecast.studied_steps`."""
        return self.task.mean_length

    @property
    def replays_per_step(self) -> float:
        """Once an epoch."""
        return float(dealt(self.config.algorithm)[0])

    def row(self) -> dict[str, float]:
        """See `Forecast.row`; without what only a memory has, or an epsilon."""
        elsewhere = ("warmup", "in_replay", "per_batch", *(("epsilon",) if self.draws else ()))
        known = {name: value for name, value in super().row().items() if not any(word in name for word in elsewhere)}
        return {**known, "rewarding_episodes_per_collection": self.rewarding_per_collection}


def forecast_of(config: RunConfig, task: MeasuredTask, machine: Machine = UNMEASURED) -> Forecast:
    """The forecast that fits where the algorithm's batches come from."""
    kind = FreshForecast if algorithm_of(config).feed == "fresh" else Forecast
    return kind(config, task, machine)
