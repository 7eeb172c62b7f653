"""A run continues exactly from what a checkpoint holds, and evaluation leaves no trace in it."""

from itertools import product
from typing import Any

import pytest
import torch

from lockstep.config.schema import RunConfig
from lockstep.training.kill_test import first_difference
from lockstep.training.session import Session


def config(**sections: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "env": {"key": "probe-two-step"},
            "collection": {"num_envs": 8, "warmup_env_steps": 40},
            "exploration": {"epsilon_anneal_env_steps": 400, "repeat_max_steps": 3, "epsilon_ladder": 3.0},
            "network": {"hidden_dim": 8, "mixing_embed_dim": 4, "hypernet_embed_dim": 4},
            "replay": {"buffer_size": 64, "batch_size": 16, "rewarding_fraction": 0.25, "rewarding_buffer_size": 32},
            "evaluation": {"episodes": 10},
        }
        | sections
    )


def advanced(config: RunConfig, rounds: int) -> Session:
    session = Session(config)
    for _ in range(rounds):
        session.advance()
    return session


def assert_same(one: Session, other: Session) -> None:
    assert first_difference(one.learner.state_dict(), other.learner.state_dict())[0] is None
    assert untimed(one.metrics_row()) == untimed(other.metrics_row())
    assert one.evaluation_row(10) == other.evaluation_row(10)


def untimed(row: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if "second" not in name}


@pytest.mark.parametrize(
    ("name", "learn_while_playing"),
    [
        *product(("iql", "vdn", "qmix", "qplex", "owqmix", "qtran_alt"), (False, True)),
        ("pqn_qmix", False),  # what is forgotten at once is studied first
    ],
)
def test_stopped_and_restored_equals_never_stopped(name: str, learn_while_playing: bool) -> None:
    cfg = config(
        algorithm={"name": name, "standardize_rewards": True},
        training={"learn_while_playing": learn_while_playing, "updates_per_collection": 3},
    )
    stopped = advanced(cfg, 12)
    restored = Session(cfg)
    restored.load_state_dict(stopped.state_dict())
    restored.feed.load_state_dict(stopped.feed.state_dict())
    for _ in range(9):
        restored.advance()
    assert_same(advanced(cfg, 21), restored)


def test_learning_while_playing_plays_and_learns_as_much() -> None:
    at_once, between = (
        advanced(config(training={"learn_while_playing": value, "updates_per_collection": 3}), 20)
        for value in (False, True)
    )
    assert (at_once.env_steps, at_once.episodes) == (between.env_steps, between.episodes)
    assert between.learner.updates == at_once.learner.updates > 0
    ours, theirs = at_once.learner.policy_state()["agent"], between.learner.policy_state()["agent"]
    assert not torch.equal(ours["values.bias"], theirs["values.bias"])


def test_evaluating_changes_nothing_in_training() -> None:
    watched = Session(config())
    for _ in range(10):
        watched.advance()
        watched.evaluate(100)
    unwatched = advanced(config(), 10)
    assert first_difference(watched.learner.state_dict(), unwatched.learner.state_dict())[0] is None


def test_the_same_seed_trains_the_same_and_another_differs() -> None:
    assert_same(advanced(config(), 8), advanced(config(), 8))
    assert untimed(advanced(config(), 8).metrics_row()) != untimed(advanced(config(seed=2), 8).metrics_row())


def test_every_evaluation_plays_new_episodes() -> None:
    session = Session(config(env={"key": "probe-coin"}, evaluation={"episodes": 64}))
    assert session.evaluate(100).returns.tolist() != session.evaluate(100).returns.tolist()


def test_nothing_is_learnt_during_the_warm_up() -> None:
    session = advanced(config(), 2)
    assert session.env_steps == 32
    assert session.learner.updates == 0
    assert session.metrics_row()["epsilon"] == 1.0


def test_all_steps_are_counted_warm_up_included() -> None:
    session = advanced(config(), 5)
    assert session.env_steps == 5 * 8 * 2
    assert session.episodes == 40


def test_evaluation_may_draw_what_the_team_does_and_draws_the_same_again() -> None:
    greedy = advanced(config(env={"key": "probe-coin"}), 12)
    drawing = config(env={"key": "probe-coin"}, evaluation={"episodes": 10, "choice": "sampled"})
    sampled, again = advanced(drawing, 12), advanced(drawing, 12)
    assert untimed(sampled.metrics_row()) == untimed(greedy.metrics_row()), "training knows nothing of it"
    returns = sampled.evaluate(200).returns.tolist()
    assert returns == again.evaluate(200).returns.tolist()
    assert returns != greedy.evaluate(200).returns.tolist()
