"""Everything a run consists of, in one object: parts, random streams, counters. What is not here cannot be resumed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from itertools import islice
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt
from torch import Tensor

from lockstep.acting.exploration import Explorer, lane_epsilons
from lockstep.acting.schedules import schedule
from lockstep.algorithms.fast.shares import num_shares
from lockstep.algorithms.learner import Learner
from lockstep.algorithms.registry import algorithm_of, build, recorded
from lockstep.config.schema import RunConfig
from lockstep.envs.onset_memory import underneath
from lockstep.envs.protocol import VectorEnv, dropped_lanes
from lockstep.envs.registry import family_of, make_env
from lockstep.experience.evaluate import Evaluation, evaluate, evaluation_explorer, evaluation_lanes
from lockstep.experience.feed import build_feed
from lockstep.experience.rollout import RandomPlay, Rollout, random_play
from lockstep.networks.greedy_policy import GreedyPolicy
from lockstep.runs.loggers import Status
from lockstep.seeding import derive_seed, stream
from lockstep.training.behavior import behavior
from lockstep.training.checkpoints.replay_files import ReplayOnDisk
from lockstep.training.interruption import Leaving
from lockstep.training.window import MetricsWindow


class _Counters(BaseModel):
    """What a session counts, and goes on counting after a resume. Those with a default came later."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    env_steps: NonNegativeInt
    episodes: NonNegativeInt
    collections: NonNegativeInt
    evaluated_episodes: NonNegativeInt
    best_test_return: float | None
    wall_seconds: NonNegativeFloat
    row_before: dict[str, int | float]
    evaluation_due: bool = False
    dropped_episodes: NonNegativeInt = 0


class Session:
    """A run at one moment. `advance` is one round of it; `state_dict` is all of it.

    Every collection starts its lanes on seeds derived from its number. So the environments hold nothing between two
    rounds that a checkpoint would have to copy, and a run resumes exactly even on one that cannot be copied.
    """

    def __init__(self, config: RunConfig, shares: int | None = None) -> None:
        """shares: processes that work on one batch, as in the run that this one continues, so that it does so bit for
        bit; None: as many as the configuration and this machine say."""
        self.config = config
        self.env = make_env(config.env, config.collection.num_envs, derive_seed(config.seed, "env"))
        self.eval_env = self._evaluation_env()
        self.env.spec, self.eval_env.spec = (recorded(env.spec, config) for env in (self.env, self.eval_env))
        self.spec = self.env.spec
        learning = config
        if shares is not None and config.training.num_threads == 0:
            learning = config.model_copy(
                update={"training": config.training.model_copy(update={"num_threads": shares})}
            )
        self.shares = num_shares(learning, self.spec)
        self.learner: Learner = build(self.spec, learning)
        self.feed = build_feed(algorithm_of(config).feed, self.spec, config, self.learner.device, self.learner.prepare)
        self.policy = GreedyPolicy(self.learner.actor, self.spec, config.network)
        self.explore_rng = stream(config.seed, "explore")
        self.replay_rng = stream(config.seed, "replay")
        self.window = MetricsWindow()
        self.env_steps = 0
        self.episodes = 0
        self.collections = 0
        self.evaluated_episodes = 0
        self.best_test_return: float | None = None
        self.dropped_episodes = 0
        self.evaluation_due = False
        """Training went on past an evaluation that is still to be made."""
        self.wall_seconds = 0.0
        self.row_before = self._counters_row()
        self.replay_on_disk: ReplayOnDisk = {}
        """What of the replay the last checkpoint wrote, and the next need not write again."""
        self.recording: dict[str, Any] = {}
        """The first episode of the last evaluation, for replaying it: a row of recordings.jsonl."""

    def begin_from(self, networks: Mapping[str, Mapping[str, Tensor]], env_steps: int) -> None:
        """Take over a team that was trained elsewhere, before the first round. networks: see `Learner.begin_from`."""
        self.learner.begin_from(networks)
        self.env_steps = env_steps
        self.row_before = self._counters_row()

    def _evaluation_env(self) -> VectorEnv:
        """Lanes of their own; or those of training, which rest meanwhile, where each of them is somebody's Python
        program: some start slowly, some can exist but once."""
        if family_of(self.config.env.key).strangers:
            return self.env
        lanes = evaluation_lanes(self.config, self.config.evaluation.episodes)
        return make_env(self.config.env, lanes, derive_seed(self.config.seed, "eval"))

    @property
    def finished(self) -> bool:
        training = self.config.training
        return self.env_steps >= training.max_env_steps or (
            training.max_seconds is not None and self.wall_seconds >= training.max_seconds
        )

    @property
    def warming_up(self) -> bool:
        return self.env_steps < self.config.collection.warmup_env_steps

    def epsilon(self) -> float:
        """The chance of a random action now, before the ladder spreads it over the lanes."""
        x = self.config.exploration
        after_warmup = self.env_steps - self.config.collection.warmup_env_steps
        return schedule(x.epsilon_schedule, x.epsilon_start, x.epsilon_finish, x.epsilon_anneal_env_steps, after_warmup)

    def advance(self, leaving: Leaving = nullcontext) -> None:
        """Play one episode in every lane, remember it, and learn. A warm-up plays at random and only remembers.

        What may be cut off is done inside `leaving()`: playing, as long as nothing is learnt meanwhile. If that raises,
        the session is as it was before this round.
        """
        lanes = self.env.num_envs
        seed = derive_seed(self.config.seed, "env") + self.collections * lanes
        if self.warming_up:
            with self._exploring(leaving):
                played = random_play(self.env, self.explore_rng, seed)
            whole = self._whole()
            if whole is not None and played.episodes is not None:
                played = RandomPlay(played.returns[whole], played.lengths[whole], played.episodes.select(whole))
            self._count(played.returns, played.lengths)
            if played.episodes is not None and played.episodes.num_episodes:
                self.feed.take(played.episodes)
            return
        exploration, spec = self.config.exploration, self.spec
        epsilons = lane_epsilons(self.epsilon(), lanes, exploration.epsilon_ladder)
        explorer = Explorer(
            exploration, epsilons, spec.num_agents, spec.num_actions, self.explore_rng, self.learner.choice
        )
        meanwhile = self.config.training.learn_while_playing
        with self._exploring(leaving):
            playing = Rollout(self.env, self.policy, explorer, seed)
            playing.advance(0 if meanwhile else self.spec.time_limit)
        for do in (self._learn, self._remember) if meanwhile else (self._remember, self._learn):
            do(playing)

    @contextmanager
    def _exploring(self, leaving: Leaving) -> Iterator[None]:
        """The only trace that unfinished play leaves is in this stream."""
        before = self.explore_rng.bit_generator.state
        try:
            with leaving():
                yield
        except BaseException:
            self.explore_rng.bit_generator.state = before
            raise

    def _whole(self) -> Tensor | None:
        """The lanes whose episodes can be studied, after counting the others; None: all."""
        dropped = dropped_lanes(self.env)
        if dropped is None or not dropped.any():
            return None
        self.dropped_episodes += int(dropped.sum())
        return torch.from_numpy(np.flatnonzero(~dropped))

    def _remember(self, playing: Rollout) -> None:
        """Play the round to its end, where it is not there yet, and remember it."""
        batch, whole = playing.finish(), self._whole()
        batch = batch if whole is None else batch.select(whole)
        self._count(batch.returns(), batch.lengths())
        if batch.num_episodes:
            self.feed.take(batch)

    def _learn(self, playing: Rollout) -> None:
        """A round's updates. The next batch is made, and `playing` goes on, while helpers work on a gradient."""
        if not self.feed.ready:
            return
        batches, count = self.feed.batches(self.replay_rng), self.feed.batches_a_round
        following = [next(batches)]
        for done in range(1, count + 1):

            def meanwhile(done: int = done) -> None:
                following.extend(islice(batches, 1))
                playing.advance(self.spec.time_limit * done // count)

            playing.freeze_policy()
            metrics = self.learner.update(following.pop(), meanwhile)
            clipped = (metrics["grad_norm"] > self.config.optimizer.grad_norm_clip).float()
            self.window.add_update({**metrics, "grad_clipped_share": clipped})

    def evaluate(self, episodes: int) -> Evaluation:
        """Episodes that nothing is learnt from, new ones every time: greedy, but for what `[evaluation]` says."""
        seed = self._evaluation_seed()
        explorer = evaluation_explorer(self.config, self.eval_env, seed, self.config.evaluation.epsilon)
        self.evaluated_episodes += episodes
        evaluation = evaluate(self.policy, self.eval_env, episodes, seed, explorer)
        self.dropped_episodes += evaluation.dropped
        self.recording = {
            "env_steps": self.env_steps,
            "seed": seed + evaluation.first_lane,
            **evaluation.first_episode(),
        }
        return evaluation

    def status(self) -> Status:
        """For the progress display."""
        return Status(self.env_steps, self.learner.updates, self.wall_seconds, self.epsilon(), self.warming_up)

    def metrics_row(self) -> dict[str, float]:
        """One row of metrics.jsonl: counters, and means since the row before."""
        counters = self._counters_row()
        seconds = max(self.wall_seconds - self.row_before["wall_seconds"], 1e-9)
        speeds = {
            "env_steps_per_second": round((self.env_steps - self.row_before["env_steps"]) / seconds, 1),
            "updates_per_second": round((self.learner.updates - self.row_before["updates"]) / seconds, 2),
        }
        self.row_before = counters
        dropped = {} if dropped_lanes(self.env) is None else {"dropped_episodes": self.dropped_episodes}
        return {**counters, "epsilon": self.epsilon(), **self.feed.counts(), **self.window.row(), **dropped, **speeds}

    def evaluation_row(self, episodes: int) -> dict[str, Any]:
        """Evaluate, as one row of eval.jsonl."""
        seed = self._evaluation_seed()
        evaluation = self.evaluate(episodes)
        return {
            **self._counters_row(),
            "engine": "lockstep",
            **evaluation.row(),
            **behavior(evaluation.first_round),
            **family_of(self.spec.key).facts(underneath(self.eval_env), evaluation.first_round.actions.numpy(), seed),
            **self.learner.health(evaluation.first_round),
        }

    def _evaluation_seed(self) -> int:
        return derive_seed(self.config.seed, "eval") + self.evaluated_episodes

    def _counters_row(self) -> dict[str, float]:
        return {
            "env_steps": self.env_steps,
            "episode": self.episodes,
            "updates": self.learner.updates,
            "wall_seconds": round(self.wall_seconds, 3),
        }

    def _count(self, returns: Tensor, lengths: Tensor) -> None:
        """Every episode of every lane counts, whether it is remembered or not."""
        if len(returns):
            self.window.add_episodes(returns, lengths)
        self.collections += 1
        self.episodes += len(returns)
        self.env_steps += int(lengths.sum())

    def state_dict(self) -> dict[str, Any]:
        """Everything the future of the run depends on, besides its configuration; the replay apart (it is large)."""
        return {
            "learner": self.learner.state_dict(),
            "window": self.window.state_dict(),
            "explore_rng": self.explore_rng.bit_generator.state,
            "replay_rng": self.replay_rng.bit_generator.state,
            **{name: getattr(self, name) for name in _Counters.model_fields},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue exactly from `state_dict`. Raises one of Python's own errors where it is none of this run."""
        counters = _Counters.model_validate({name: state[name] for name in _Counters.model_fields if name in state})
        self.learner.load_state_dict(state["learner"])
        self.window.load_state_dict(state["window"])
        self.explore_rng.bit_generator.state = state["explore_rng"]
        self.replay_rng.bit_generator.state = state["replay_rng"]
        for name, value in counters:
            setattr(self, name, value)
