"""Leaving the greedy path: how often, for how long, and never into what is not allowed."""

import numpy as np
import pytest

from lockstep.acting.exploration import FREE, Explorer, lane_epsilons
from lockstep.config.schema import ExplorationConfig

LANES, AGENTS, ACTIONS = 200, 2, 5
GREEDY = np.zeros((LANES, AGENTS), dtype=np.int64)


def explorer(epsilon: float, seed: int = 0, **config: object) -> Explorer:
    settings = ExplorationConfig.model_validate(config)
    return Explorer(settings, np.full(LANES, epsilon), AGENTS, ACTIONS, np.random.default_rng(seed))


def play(explorer: Explorer, steps: int, available: np.ndarray | None = None) -> np.ndarray:
    return np.stack([explorer.explore(GREEDY, available) for _ in range(steps)])


def test_epsilon_zero_is_greedy() -> None:
    assert not play(explorer(0.0), 50).any()


def test_epsilon_one_draws_every_action_alike() -> None:
    shares = np.bincount(play(explorer(1.0), 100).ravel(), minlength=ACTIONS) / (100 * LANES * AGENTS)
    assert shares == pytest.approx(np.full(ACTIONS, 0.2), abs=0.01)


def test_epsilon_is_the_share_of_random_actions() -> None:
    # A random action is the greedy one in a fifth of the cases.
    assert (play(explorer(0.3), 200) != 0).mean() == pytest.approx(0.3 * 0.8, abs=0.005)


def test_the_ladder_spreads_epsilon_over_the_lanes() -> None:
    assert lane_epsilons(0.4, 3, 7.0) == pytest.approx([0.4, 0.4**4.5, 0.4**8])
    assert lane_epsilons(0.4, 1, 7.0) == pytest.approx([0.4])


def test_runs_hold_one_action_and_end_at_their_longest() -> None:
    actions = play(explorer(0.02, repeat_max_steps=4, repeat_actions=(3,)), 2_000)
    threes = (actions == 3).astype(int)
    padded = np.pad(threes, ((1, 1), (0, 0), (0, 0)))
    starts = np.argwhere(np.diff(padded.transpose(1, 2, 0)) == 1)
    ends = np.argwhere(np.diff(padded.transpose(1, 2, 0)) == -1)
    lengths = ends[:, 2] - starts[:, 2]
    # Two runs can follow each other without a gap, but seldom at this epsilon.
    assert (lengths <= 4).mean() > 0.95
    assert (lengths == 4).mean() > 0.1


def test_a_run_length_of_k_is_as_rare_as_one_over_k_squared() -> None:
    remaining = np.concatenate([_first_lengths(explorer(1.0, seed, repeat_max_steps=1000)) for seed in range(20)])
    assert (remaining == 1).mean() == pytest.approx(1 / 2, abs=0.02)
    assert (remaining == 2).mean() == pytest.approx(1 / 6, abs=0.02)


def _first_lengths(e: Explorer) -> np.ndarray:
    e.explore(GREEDY, None)
    return (e.remaining + 1).ravel()


def test_what_is_not_available_is_never_done() -> None:
    available = np.ones((LANES, AGENTS, ACTIONS), dtype=bool)
    available[..., 3:] = False
    assert play(explorer(1.0), 50, available).max() == 2
    assert play(explorer(1.0, repeat_max_steps=10), 50, available).max() == 2


def test_the_same_stream_explores_the_same_way() -> None:
    assert np.array_equal(play(explorer(0.5, repeat_max_steps=5), 20), play(explorer(0.5, repeat_max_steps=5), 20))


def test_noise_makes_the_largest_preference_a_draw_from_the_softmax() -> None:
    preferences = np.array([0.0, 1.0, -1.0, 2.0, 0.5], dtype=np.float32)
    sampled = Explorer(
        ExplorationConfig(), np.zeros(LANES), AGENTS, ACTIONS, np.random.default_rng(0), choice="sampled"
    )
    plan = sampled.plan(500)
    assert (plan.forced == FREE).all()
    shares = np.bincount((preferences + plan.noise).argmax(-1).ravel(), minlength=ACTIONS) / plan.forced.size
    expected = np.exp(preferences) / np.exp(preferences).sum()
    assert shares == pytest.approx(expected, abs=5 * np.sqrt(0.25 / plan.forced.size))


def test_a_greedy_plan_has_no_noise_and_draws_none() -> None:
    greedy, sampled = (
        Explorer(ExplorationConfig(), np.full(LANES, 0.5), AGENTS, ACTIONS, np.random.default_rng(0), choice=choice)
        for choice in ("greedy", "sampled")
    )
    assert greedy.plan(9).noise.size == 0
    assert np.array_equal(sampled.plan(9).forced, explorer(0.5).plan(9).forced)
    assert greedy.rng.bit_generator.state != sampled.rng.bit_generator.state
