"""The learner of GPUs is the page's learner. What it records is tried on a CPU, and the recording where a GPU is."""

from typing import Any

import pytest
import torch

from lockstep.algorithms.fast import recorded_step
from lockstep.algorithms.fast.recorded_step import RecordedStep
from lockstep.algorithms.gradient_learner import CHECK_UPDATES
from lockstep.algorithms.learner import DivergedError
from lockstep.config.schema import RunConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.spec import EnvSpec
from tests.episodes import random_episodes
from tests.learners import build

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


def poisoned(batch: EpisodeBatch) -> EpisodeBatch:
    batch.reward[0, 0] = torch.inf
    return batch


@pytest.mark.parametrize("algorithm", [{}, {"standardize_rewards": True}, {"name": "vdn"}])
def test_what_is_recorded_takes_back_the_steps_taken_on_the_way(
    algorithm: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the recording only does its work some times at once, as a GPU's does before it is recorded."""

    class Warmed:
        def __init__(self, work: Any) -> None:
            self.play = work
            for _ in range(3):
                work()

    monkeypatch.setattr(recorded_step, "CudaGraph", Warmed)
    page, subject = (build(SPEC, configured("cpu", **algorithm)) for _ in range(2))
    subject.recorded = RecordedStep(subject.step, subject._moving)
    for seed in range(5):
        batch = random_episodes(SPEC, 8, seed=seed, some_unavailable=False)
        expected, found = page.update(batch), subject.update(batch)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, msg=name)
    torch.testing.assert_close(subject.weights, page.weights)
    subject.update(poisoned(random_episodes(SPEC, 8, some_unavailable=False)))
    before = subject.weights.clone()
    subject.update(batch)
    assert torch.equal(subject.weights, before)
    with pytest.raises(DivergedError, match="between updates 0 and 7"):
        subject.check()


def test_a_gradient_that_is_not_finite_changes_nothing_and_neither_does_what_follows() -> None:
    subject = build(SPEC, configured("cpu", standardize_rewards=True))
    subject.step(random_episodes(SPEC, 8))
    before, state = subject.weights.clone(), subject.state_dict()
    subject.step(poisoned(random_episodes(SPEC, 8)))
    subject.step(random_episodes(SPEC, 8, seed=1))
    assert torch.equal(subject.weights, before)
    assert subject.state_dict()["reward_standardizer"] == state["reward_standardizer"]
    assert subject.diverged.item() == 1.0


@gpu
@pytest.mark.parametrize(
    "algorithm", [{}, {"standardize_rewards": True}, {"target_sync_updates": 0, "target_tau": 0.1}]
)
def test_a_recording_plays_the_same_updates_as_the_page(algorithm: dict[str, Any]) -> None:
    page, subject = (build(SPEC, configured(device, **algorithm)) for device in ("cpu", "cuda"))
    assert subject.recorded is not None
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
