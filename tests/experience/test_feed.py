"""Batches come from a long memory, or from what was just played and then no more; one loop serves both."""

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockstep.config.schema import ReplayConfig, RunConfig
from lockstep.experience.feed import Feed, FreshFeed, ReplayFeed
from lockstep.experience.replay import build_replay
from lockstep.runs.directory import RunDirectory
from lockstep.spec import EnvSpec
from lockstep.training import session as session_module
from lockstep.training.checkpoints.checkpoint import load_latest, save_checkpoint
from lockstep.training.session import Session
from tests.episodes import SPEC
from tests.experience.test_replay import returns_in, with_returns
from tests.training.test_session import advanced, config, untimed

CPU = torch.device("cpu")


def fresh(episodes: int = 8, epochs: int = 2, minibatches: int = 4) -> FreshFeed:
    return FreshFeed(SPEC, episodes, epochs, minibatches, CPU)


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


def fresh_feed(spec: EnvSpec, config: RunConfig, device: torch.device) -> Feed:
    return FreshFeed(spec, config.collection.num_envs, 2, 2, device)


@pytest.mark.parametrize("learn_while_playing", [False, True])
def test_a_run_on_fresh_episodes_resumes_exactly(
    learn_while_playing: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(session_module, "build_feed", fresh_feed)
    settings = config(
        collection={"num_envs": 8, "warmup_env_steps": 0}, training={"learn_while_playing": learn_while_playing}
    )
    run = RunDirectory.create(tmp_path / "run", "test", 1, "")
    before: dict[str, Any] = {}
    going = Session(settings)
    for _ in range(6):
        going.advance()
        save_checkpoint(going, run)
        assert going.replay_on_disk != before or not learn_while_playing, "no old chunk is taken for a new one"
        before = going.replay_on_disk
    held = 8 if learn_while_playing else 0
    assert going.feed.counts()["replay_episodes"] == held
    resumed = Session(settings)
    assert load_latest(resumed, run) == []
    assert resumed.feed.counts()["replay_episodes"] == held
    for session in (going, resumed):
        for _ in range(3):
            session.advance()
    assert going.learner.updates == 4 * (9 - learn_while_playing)
    assert torch.equal(going.learner.weights, resumed.learner.weights)
    assert untimed(going.metrics_row()) == untimed(resumed.metrics_row())


def test_fresh_episodes_are_learnt_from_once_played(monkeypatch: pytest.MonkeyPatch) -> None:
    """One-step's answer is found from every round's own episodes alone."""
    monkeypatch.setattr(session_module, "build_feed", fresh_feed)
    exploring = {"epsilon_start": 0.5, "epsilon_finish": 0.5}
    session = advanced(config(env={"key": "probe-one-step"}, exploration=exploring, optimizer={"lr": 0.02}), 80)
    assert session.evaluate(10).returns.tolist() == [1.0] * 10
