"""Forecasts are worked by hand on a task with round numbers."""

import pytest
import torch

from lockstep.config.schema import ReplayConfig
from lockstep.doctor.machine import Machine
from lockstep.experience.replay import EpisodeStore
from tests.doctor.tasks import forecast, fresh, task
from tests.episodes import SPEC, random_episodes


def test_random_play_finds_its_rate() -> None:
    assert forecast().rewarding_in_all == pytest.approx(100)  # 10,000 episodes, one in 100
    assert forecast(rewarding=1).rewarding_in_all == pytest.approx(1)


def test_a_falling_epsilon_finds_the_area_under_it() -> None:
    falling = forecast(exploration={"epsilon_finish": 0.0, "epsilon_anneal_env_steps": 500_000})
    assert falling.rewarding_before_floor == pytest.approx(25, rel=0.05)  # 5,000 episodes at half the rate
    assert falling.rewarding_before_floor_at_random == pytest.approx(50)


def test_a_warm_up_counts_and_shortens_what_is_left() -> None:
    warm = forecast(collection={"warmup_env_steps": 400_000})
    assert warm.rewarding_in_warmup == pytest.approx(40)
    assert warm.rewarding_in_all == pytest.approx(100)
    assert warm.collections == 6_000
    assert warm.stored_at_start == pytest.approx(40)  # blind: only what earned something


def test_updates_begin_when_a_batch_is_there() -> None:
    assert forecast(replay={"batch_size": 32}).updates == 10_000 - 31
    assert forecast(replay={"batch_size": 20_000, "buffer_size": 20_000}).updates == 0
    assert forecast(collection={"num_envs": 100}).updates == 100


def test_the_replay_forgets_the_oldest() -> None:
    small = forecast(replay={"buffer_size": 1_000})
    assert small.at_share(0.5, small.remembered) == pytest.approx(10)
    assert small.at_share(0.5, small.rewarding_per_batch) == pytest.approx(0.32)


def test_a_second_memory_fills_its_share_of_every_batch() -> None:
    second = forecast(replay={"batch_size": 32, "rewarding_fraction": 0.25, "buffer_size": 1_000})
    assert second.at_share(0.5, second.rewarding_per_batch) == pytest.approx(8 + 24 * 0.01)


def test_a_piece_may_miss_the_reward() -> None:
    assert forecast(replay={"segment_steps": 1}).chance_of_reward_in_piece == pytest.approx(0.01)
    assert forecast(replay={"segment_steps": 51}).chance_of_reward_in_piece == 1.0


def test_news_travels_by_renewals_of_the_targets() -> None:
    one_step = forecast(algorithm={"target_sync_updates": 1_000})
    assert one_step.reach == pytest.approx(9.969)
    assert forecast(algorithm={"target_sync_updates": 1_000, "td_lambda": 0.8}).reach == pytest.approx(5 * 9.969)


def test_standardization_divides_by_the_root_of_the_rate() -> None:
    made_up = forecast(algorithm={"standardize_rewards": True})
    assert made_up.standardized_reward == pytest.approx(100, rel=0.01)  # one reward in 10,000 steps


def test_memory_is_what_the_replay_really_takes() -> None:
    episodes = random_episodes(SPEC, 50, some_unavailable=False)
    store = EpisodeStore(SPEC, 50, torch.device("cpu"))
    store.add(episodes)
    expected = forecast(replay=ReplayConfig(buffer_size=50).model_dump())
    object.__setattr__(expected, "task", task(spec=SPEC))
    assert expected.replay_bytes == store.num_bytes()


def test_what_is_learnt_fresh_is_studied_an_epoch_and_a_minibatch_at_a_time() -> None:
    """100 episodes a collection, one in 100 rewarding: 1 a collection, 100 collections."""
    mappo = fresh(algorithm={"epochs": 3, "minibatches": 4})
    assert mappo.updates == 100 * 3 * 4
    assert mappo.replays_per_step == 3
    assert mappo.rewarding_in_all == pytest.approx(100)
    assert mappo.studied == pytest.approx(3 * 100)  # every reward once an epoch
    assert mappo.row()["rewarding_episodes_per_collection"] == pytest.approx(1)
    assert mappo.sync_updates == 12  # returns are made anew with every collection


def test_what_learns_values_from_fresh_episodes_explores_by_epsilon() -> None:
    """Epsilon 0.5 finds half as many as random play: one in 200 of 10,000 episodes, half of one a collection."""
    pqn = fresh(algorithm={"name": "pqn_vdn"}, exploration={"epsilon_start": 0.5, "epsilon_finish": 0.5})
    assert pqn.rewarding_in_all == pytest.approx(50)
    assert pqn.row()["rewarding_episodes_per_collection"] == pytest.approx(0.5)


def test_a_warm_up_teaches_a_policy_nothing() -> None:
    assert fresh(collection={"warmup_env_steps": 500_000}).rewarding_in_all == pytest.approx(50)


def test_wall_time_is_playing_and_learning() -> None:
    """Evaluations play as well: the default's 100 episodes, every 50,000 env steps and at the end."""
    timed = forecast(machine=Machine(0.01, 0.1, 1e-6))
    assert timed.pace is not None
    assert timed.pace.learning > 10_000 * 0.01 + 9_969 * 0.1
    assert timed.seconds == pytest.approx(timed.pace.warmup + timed.pace.learning + timed.pace.end)
    assert forecast().seconds is None
