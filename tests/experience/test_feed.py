"""Batches come from a long memory, or from what was just played and then no more; one loop serves both."""

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockstep.algorithms import registry
from lockstep.algorithms.about_q_learning import QMIX
from lockstep.algorithms.fast.shares import num_shares
from lockstep.algorithms.registry import batch_shape
from lockstep.config.schema import QMIXConfig, ReplayConfig, RunConfig, TrainingConfig
from lockstep.config.schema.fresh import FreshConfig
from lockstep.envs.registry import make_env
from lockstep.experience.feed import Feed, FreshFeed, ReplayFeed
from lockstep.experience.replay import build_replay
from lockstep.runs.directory import RunDirectory
from lockstep.training.checkpoints.checkpoint import load_latest, save_checkpoint
from lockstep.training.session import Session
from tests.episodes import SPEC
from tests.experience.test_replay import returns_in, with_returns
from tests.training.test_session import advanced, config, untimed

CPU = torch.device("cpu")


def fresh(episodes: int = 8, epochs: int = 2, minibatches: int = 4) -> FreshFeed:
    return FreshFeed(SPEC, episodes, epochs, minibatches, CPU, lambda played: played)


def studied(feed: Feed, seed: int = 0) -> list[list[float]]:
    """The returns in a round's batches; an episode's return is its name here."""
    return [returns_in(batch) for batch in feed.batches(np.random.default_rng(seed))]


def test_a_replay_feeds_as_many_samples_as_a_round_has_updates() -> None:
    settings = ReplayConfig(buffer_size=8, batch_size=4)
    feed, replay = ReplayFeed(build_replay(SPEC, settings, CPU), 3), build_replay(SPEC, settings, CPU)
    feed.take(with_returns(1, 2, 3))
    assert not feed.ready
    feed.take(with_returns(4))
    replay.add(with_returns(1, 2, 3))
    replay.add(with_returns(4))
    rng = np.random.default_rng(5)
    assert feed.ready
    assert feed.batches_a_round == 3
    assert studied(feed, seed=5) == [returns_in(replay.sample(rng)) for _ in range(3)]
    assert feed.counts()["replay_episodes"] == 4, "it goes on remembering them"


def test_every_epoch_deals_all_that_was_just_played_into_equal_minibatches() -> None:
    feed = fresh()
    feed.take(with_returns(1, 2, 3, 4, 5, 6, 7, 8))
    assert feed.batches_a_round == 8
    batches = studied(feed)
    assert [len(batch) for batch in batches] == [2] * 8
    first, second = [*chain(*batches[:4])], [*chain(*batches[4:])]
    assert sorted(first) == sorted(second) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert first != second, "every epoch shuffles anew"
    feed.take(with_returns(1, 2, 3, 4, 5, 6, 7, 8))
    assert studied(feed) == batches, "the generator alone decides"


def test_one_minibatch_is_the_whole_round() -> None:
    feed = fresh(minibatches=1, epochs=1)
    feed.take(with_returns(1, 2, 3))
    (batch,) = studied(feed)
    assert sorted(batch) == [1, 2, 3]


def test_minibatches_stay_equal_where_they_do_not_divide_what_was_played() -> None:
    feed = fresh(minibatches=4, epochs=40)
    feed.take(with_returns(1, 2, 3, 4, 5, 6))
    batches = studied(feed)
    assert {len(batch) for batch in batches} == {1}
    assert {value for batch in batches for value in batch} == {1, 2, 3, 4, 5, 6}, (
        "each waits now and then, none for ever"
    )
    feed.take(with_returns(1, 2))
    assert feed.batches_a_round == len(studied(feed)) == 40 * 2


def test_what_was_studied_is_gone_and_what_was_not_gives_way() -> None:
    feed = fresh()
    assert not feed.ready
    feed.take(with_returns(1, 2, 3, 4))
    studied(feed)
    assert not feed.ready
    assert feed.counts() == {"replay_episodes": 0, "replay_rewarding_episodes": 0}
    feed.take(with_returns(5, 6, 7, 8))
    feed.take(with_returns(9, 10, 11, 12))
    assert {value for batch in studied(feed) for value in batch} == {9, 10, 11, 12}


class Fresh(QMIXConfig, FreshConfig):
    """QMIX, should it learn from fresh episodes alone."""


@pytest.fixture
def _qmix_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ALGORITHMS", {"qmix": replace(QMIX, section=Fresh, feed="fresh")})


def on_fresh_episodes(**sections: Any) -> RunConfig:
    return config(**sections).model_copy(update={"algorithm": Fresh(name="qmix", epochs=2, minibatches=2)})


@pytest.mark.usefixtures("_qmix_is_fresh")
def test_a_fresh_algorithm_has_batches_of_whole_episodes_and_shares_them() -> None:
    made = on_fresh_episodes(collection={"num_envs": 96}, replay={"segment_steps": 1, "batch_size": 7})
    assert batch_shape(made, 9) == (48, 9)
    assert batch_shape(config(collection={"num_envs": 96}), 9) == (96, 9), "whole, where nothing else is said"
    shared = made.model_copy(update={"training": TrainingConfig(num_threads=8)})
    assert num_shares(shared, make_env(shared.env, 1, seed=0).spec) == 3


def test_a_batch_of_a_replay_has_pieces_of_episodes() -> None:
    assert batch_shape(config(replay={"segment_steps": 4, "batch_size": 7}), 9) == (7, 4)


@pytest.mark.usefixtures("_qmix_is_fresh")
@pytest.mark.parametrize("learn_while_playing", [False, True])
def test_a_run_on_fresh_episodes_resumes_exactly(learn_while_playing: bool, tmp_path: Path) -> None:
    settings = on_fresh_episodes(
        collection={"num_envs": 8, "warmup_env_steps": 0}, training={"learn_while_playing": learn_while_playing}
    )
    run = RunDirectory.create(tmp_path / "run", "test", 1, "")
    before: dict[str, Any] = {}
    going: Any = Session(settings)
    for _ in range(6):
        going.advance()
        save_checkpoint(going, run)
        assert going.replay_on_disk != before or not learn_while_playing, "no old chunk is taken for a new one"
        before = going.replay_on_disk
    held = 8 if learn_while_playing else 0
    assert going.feed.counts()["replay_episodes"] == held
    resumed: Any = Session(settings)
    assert load_latest(resumed, run) == []
    assert resumed.feed.counts()["replay_episodes"] == held
    for session in (going, resumed):
        for _ in range(3):
            session.advance()
    assert going.learner.updates == 4 * (9 - learn_while_playing)
    assert torch.equal(going.learner.weights, resumed.learner.weights)
    assert untimed(going.metrics_row()) == untimed(resumed.metrics_row())


@pytest.mark.usefixtures("_qmix_is_fresh")
def test_fresh_episodes_are_learnt_from_once_played() -> None:
    """One-step's answer is found from every round's own episodes alone."""
    exploring = {"epsilon_start": 0.5, "epsilon_finish": 0.5}
    session = advanced(
        on_fresh_episodes(env={"key": "probe-one-step"}, exploration=exploring, optimizer={"lr": 0.02}), 80
    )
    assert session.evaluate(10).returns.tolist() == [1.0] * 10
