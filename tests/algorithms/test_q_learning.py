"""The page against its naive twin, and its promises one by one."""

from typing import Any

import pytest
import torch

from lockstep.algorithms.q_learning import DivergedError, QLearner
from lockstep.algorithms.registry import build
from lockstep.config.schema import RunConfig
from lockstep.experience.episodes import EpisodeBatch
from tests.episodes import SPEC, in_double, random_episodes
from tests.naive_qmix import naive_loss


def config(network: dict[str, Any] | None = None, **algorithm: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "network": {"hidden_dim": 8, "mixing_embed_dim": 4, "hypernet_embed_dim": 6, **(network or {})},
            "algorithm": algorithm,
        }
    )


def build_apart(config: RunConfig) -> QLearner:
    """A learner whose target networks differ from its online ones, so that mixing them up shows."""
    learner = build(SPEC, config)
    generator = torch.Generator().manual_seed(7)
    for parameter in learner.target.parameters():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return learner


@pytest.mark.parametrize("name", ["iql", "vdn", "qmix"])
@pytest.mark.parametrize("recurrent", [True, False])
@pytest.mark.parametrize(
    "algorithm",
    [
        {},
        {"td_lambda": 0.8, "gamma": 0.9},
        {"double_q": False, "td_lambda": 0.5},
        {"bootstrap_time_limit": False, "td_lambda": 0.9},
    ],
)
def test_loss_and_gradients_equal_the_naive_twins(name: str, recurrent: bool, algorithm: dict[str, Any]) -> None:
    learner = build_apart(config({"recurrent": recurrent, "last_action": recurrent}, name=name, **algorithm))
    learner.online.double()
    learner.target.double()
    batch = in_double(random_episodes(SPEC, 4))
    fast, _ = learner.loss(batch)
    fast_gradients = torch.autograd.grad(fast, learner.parameters)
    naive = naive_loss(learner, batch)
    naive_gradients = torch.autograd.grad(naive, learner.parameters)
    torch.testing.assert_close(fast, naive)
    for one, other in zip(fast_gradients, naive_gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", ["iql", "vdn", "qmix"])
def test_padding_changes_nothing(name: str) -> None:
    learner = build_apart(config(name=name, td_lambda=0.8))
    batch = random_episodes(SPEC, 4)
    absurd = torch.where(batch.filled, batch.reward, torch.full_like(batch.reward, 1e6))
    padded = EpisodeBatch(**{**vars(batch), "reward": absurd})
    assert learner.loss(batch)[0].item() == learner.loss(padded)[0].item()


def test_raising_one_agents_value_never_lowers_the_teams() -> None:
    learner = build(SPEC, config(name="qmix"))
    batch = random_episodes(SPEC, 8)
    q = torch.randn(8, SPEC.time_limit, SPEC.num_agents, requires_grad=True)
    values = torch.zeros(8, SPEC.time_limit, SPEC.num_agents, SPEC.num_actions)
    slope = torch.autograd.grad(learner.mix(learner.online, q, values, batch, now=True).sum(), q)[0]
    assert slope.min().item() >= 0.0


def test_a_hard_update_copies_every_n_updates() -> None:
    learner = build(SPEC, config(target_sync_updates=2))
    batch = random_episodes(SPEC, 4)
    before = [parameter.clone() for parameter in learner.target.parameters()]
    learner.update(batch)
    assert all(torch.equal(a, b) for a, b in zip(before, learner.target.parameters(), strict=True))
    learner.update(batch)
    assert all(torch.equal(a, b) for a, b in zip(learner.parameters, learner.target.parameters(), strict=True))


def test_a_soft_update_goes_tau_of_the_way() -> None:
    learner = build(SPEC, config(target_sync_updates=0, target_tau=0.25))
    before = [parameter.clone() for parameter in learner.target.parameters()]
    learner.update(random_episodes(SPEC, 4))
    for old, online, target in zip(before, learner.parameters, learner.target.parameters(), strict=True):
        torch.testing.assert_close(target, 0.75 * old + 0.25 * online)


def test_the_acting_network_is_a_slow_average() -> None:
    learner = build(SPEC, config(actor_tau=0.25))
    before = [parameter.clone() for parameter in learner.actor.parameters()]
    learner.update(random_episodes(SPEC, 4))
    for old, new, actor in zip(before, learner.agent.parameters(), learner.actor.parameters(), strict=True):
        torch.testing.assert_close(actor, 0.75 * old + 0.25 * new)


def test_an_infinite_gradient_changes_no_parameter() -> None:
    learner = build(SPEC, config())
    batch = random_episodes(SPEC, 4)
    before = [parameter.detach().clone() for parameter in learner.parameters]
    poisoned = EpisodeBatch(**{**vars(batch), "reward": torch.full_like(batch.reward, torch.inf)})
    with pytest.raises(DivergedError):
        learner.update(poisoned)
    assert all(torch.equal(a, b) for a, b in zip(before, learner.parameters, strict=True))
    assert learner.updates == 0


def test_a_learner_continues_exactly_from_its_state() -> None:
    batches = [random_episodes(SPEC, 4, seed) for seed in range(4)]
    cfg = config(standardize_rewards=True)
    straight, first, second = build(SPEC, cfg), build(SPEC, cfg), build(SPEC, cfg)
    for batch in batches:
        straight.update(batch)
    for batch in batches[:2]:
        first.update(batch)
    second.load_state_dict(first.state_dict())
    for batch in batches[2:]:
        first.update(batch)
        second.update(batch)
    for learner in (first, second):  # each on its own
        assert all(torch.equal(a, b) for a, b in zip(straight.parameters, learner.parameters, strict=True))


def test_the_same_seed_makes_the_same_networks() -> None:
    one, other = build(SPEC, config()), build(SPEC, config())
    different = build(SPEC, config().model_copy(update={"seed": 2}))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters, other.parameters, strict=True))
    assert not torch.equal(one.parameters[0], different.parameters[0])


def test_metrics_are_epymarls() -> None:
    # EPyMARL divides q_taken_mean and target_mean by the number of agents (q_learner.py, learner stats).
    learner = build(SPEC, config(name="vdn"))
    batch = random_episodes(SPEC, 4)
    _, metrics = learner.loss(batch)
    q = learner.values(learner.online, batch)[:, :-1].gather(-1, batch.actions.unsqueeze(-1)).squeeze(-1)
    expected = (q.sum(-1, keepdim=True) * batch.filled).sum() / batch.filled.sum() / 2
    torch.testing.assert_close(metrics["q_taken_mean"], expected)
