"""The compiled gradient is the page's gradient."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.algorithms.learner import Gradient
from lockstep.algorithms.q_learner import QPage
from lockstep.config.schema import RunConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.spec import EnvSpec
from tests.episodes import random_episodes
from tests.learners import build

SPEC = EnvSpec("made-up", num_agents=3, obs_dim=5, num_actions=4, time_limit=9, obs_bits=(1, 1, 1, 1, 32))


def learner(network: dict[str, Any] | None = None, **algorithm: Any) -> GradientLearner:
    sizes = {"recurrent": False, "hidden_dim": 12, "mixing_embed_dim": 6, "hypernet_embed_dim": 10}
    config = {"network": sizes | (network or {}), "algorithm": {"gamma": 0.9, "td_lambda": 0.7} | algorithm}
    subject = build(SPEC, RunConfig.model_validate(config | {"training": {"num_threads": 1}}))
    generator = torch.Generator().manual_seed(3)
    subject.target_weights += 0.2 * torch.randn(subject.target_weights.shape, generator=generator)
    return subject


def pages(subject: GradientLearner, batch: EpisodeBatch) -> Gradient:
    """What the page alone finds."""
    assert isinstance(subject.page, QPage)
    return replace(subject.page, compiled=None).gradient(subject.online, subject.target, batch)


@pytest.mark.parametrize("recurrent", [True, False])
@pytest.mark.parametrize("agent_id", [True, False])
@pytest.mark.parametrize(
    "algorithm", [{}, {"td_lambda": 0.0}, {"double_q": False}, {"bootstrap_time_limit": False}, {"gamma": 1.0}]
)
def test_loss_metrics_and_gradient_are_the_pages(recurrent: bool, agent_id: bool, algorithm: dict[str, Any]) -> None:
    subject = learner({"recurrent": recurrent, "agent_id": agent_id}, **algorithm)
    assert isinstance(subject.page, QPage)
    assert subject.page.compiled is not None
    for seed in range(3):
        batch = random_episodes(SPEC, 8, seed=seed, some_unavailable=False)
        expected_loss, expected_metrics, expected = pages(subject, batch)
        loss, metrics, gradient = subject.gradient(batch)
        torch.testing.assert_close(loss, expected_loss)
        assert metrics.keys() == expected_metrics.keys()
        for name, value in expected_metrics.items():
            torch.testing.assert_close(metrics[name], value, msg=name)
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("recurrent", [True, False])
def test_batches_of_another_shape_work_too(recurrent: bool) -> None:
    subject = learner({"recurrent": recurrent})
    for count in (8, 3, 8):
        batch = random_episodes(SPEC, count, seed=count, some_unavailable=False)
        torch.testing.assert_close(subject.gradient(batch)[2], pages(subject, batch)[2], rtol=1e-4, atol=1e-6)


def test_unavailable_actions_are_left_to_the_page() -> None:
    subject = learner()
    batch = random_episodes(SPEC, 4)
    assert torch.equal(subject.gradient(batch)[2], pages(subject, batch)[2])


def test_updates_stay_together() -> None:
    fused, page = learner(), learner()
    assert isinstance(page.page, QPage)
    page.page = replace(page.page, compiled=None)
    for seed in range(20):
        batch = random_episodes(SPEC, 8, seed=seed, some_unavailable=False)
        fused.update(batch)
        page.update(batch)
    torch.testing.assert_close(fused.weights, page.weights, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("network", "algorithm"),
    [
        ({"recurrent": True, "last_action": True}, {}),
        ({"last_action": True}, {}),
        ({"hypernet_layers": 1}, {}),
        ({}, {"name": "vdn"}),
    ],
)
def test_what_the_kernel_does_not_know_is_the_pages(network: dict[str, Any], algorithm: dict[str, Any]) -> None:
    page = learner(network, **algorithm).page
    assert isinstance(page, QPage)
    assert page.compiled is None
