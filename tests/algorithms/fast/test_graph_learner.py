"""The learner of GPUs is the page's learner. What it records is tried on a CPU, and the recording where a GPU is."""

from typing import Any

import pytest
import torch

from lockstep.algorithms.fast.graph_learner import CHECK_UPDATES, GraphQLearner
from lockstep.algorithms.q_learning import DivergedError, QLearner
from lockstep.algorithms.registry import build, build_mixer
from lockstep.config.schema import RunConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.spec import EnvSpec
from tests.episodes import random_episodes

SPEC = EnvSpec("made-up", num_agents=3, obs_dim=5, num_actions=4, time_limit=9, obs_bits=(1, 1, 1, 1, 32))
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def configured(device: str, **algorithm: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "network": {"recurrent": True, "hidden_dim": 16, "mixing_embed_dim": 6, "hypernet_embed_dim": 10},
            "algorithm": {"gamma": 0.9, "td_lambda": 0.7} | algorithm,
            "training": {"num_threads": 1, "device": device},
        }
    )


def learner(kind: type[QLearner], **algorithm: Any) -> QLearner:
    config = configured("cpu", **algorithm)
    torch.manual_seed(5)
    return kind(SPEC, config, build_mixer(config.algorithm.name, SPEC, config.network))


def poisoned(batch: EpisodeBatch) -> EpisodeBatch:
    batch.reward[0, 0] = torch.inf
    return batch


@pytest.mark.parametrize("algorithm", [{}, {"standardize_rewards": True}, {"name": "vdn"}])
def test_a_recorded_step_is_the_pages_update(algorithm: dict[str, Any]) -> None:
    page, subject = learner(QLearner, **algorithm), learner(GraphQLearner, **algorithm)
    assert isinstance(subject, GraphQLearner)
    for seed in range(5):
        batch = random_episodes(SPEC, 8, seed=seed)
        expected, found = page.update(batch), subject.step(batch)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, msg=name)
    torch.testing.assert_close(subject.weights, page.weights)


def test_a_gradient_that_is_not_finite_changes_nothing_and_neither_does_what_follows() -> None:
    subject = learner(GraphQLearner)
    assert isinstance(subject, GraphQLearner)
    subject.step(random_episodes(SPEC, 8))
    before = subject.weights.clone()
    subject.batch = random_episodes(SPEC, 8, seed=1)
    subject.step(poisoned(random_episodes(SPEC, 8)))
    subject.step(subject.batch)
    assert torch.equal(subject.weights, before)
    with pytest.raises(DivergedError):
        subject.check()


@gpu
@pytest.mark.parametrize(
    "algorithm", [{}, {"standardize_rewards": True}, {"target_sync_updates": 0, "target_tau": 0.1}]
)
def test_a_recording_plays_the_same_updates_as_the_page(algorithm: dict[str, Any]) -> None:
    page, subject = (build(SPEC, configured(device, **algorithm)) for device in ("cpu", "cuda"))
    assert type(subject) is GraphQLearner
    for seed in range(20):
        batch = random_episodes(SPEC, 8, seed=seed, some_unavailable=False)
        expected, found = page.update(batch), subject.update(batch.to(subject.device))
        for name, value in expected.items():
            torch.testing.assert_close(found[name].cpu(), value.float(), rtol=1e-3, atol=1e-4, msg=name)
    torch.testing.assert_close(subject.weights.cpu(), page.weights, rtol=1e-3, atol=1e-4)


@gpu
def test_a_recording_goes_on_from_a_state() -> None:
    first, second = (build(SPEC, configured("cuda", standardize_rewards=True)) for _ in range(2))
    batches = [random_episodes(SPEC, 8, seed=seed).to(first.device) for seed in range(6)]
    for batch in batches[:3]:
        first.update(batch)
    second.update(batches[5])
    second.load_state_dict(first.state_dict())
    for batch in batches[3:]:
        first.update(batch)
        second.update(batch)
    torch.testing.assert_close(first.weights, second.weights)


@gpu
def test_a_recording_tells_soon_that_it_diverged() -> None:
    subject = build(SPEC, configured("cuda"))
    batch = random_episodes(SPEC, 8).to(subject.device)
    subject.update(poisoned(random_episodes(SPEC, 8)).to(subject.device))
    for _ in range(CHECK_UPDATES - 2):
        subject.update(batch)
    with pytest.raises(DivergedError):
        subject.update(batch)
