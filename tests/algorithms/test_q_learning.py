"""The page against its naive twin, and its promises one by one."""

from typing import Any

import pytest
import torch

from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.algorithms.learner import DivergedError
from lockstep.algorithms.q_learner import QPage, q_page
from lockstep.algorithms.q_learning import Settings, mask_unavailable, take, targets, values
from lockstep.algorithms.stepwise import stepwise_loss
from lockstep.config.schema import PQNConfig, QLearningConfig, RunConfig
from lockstep.config.schema.algorithms import SECTIONS
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.mixers import MixingInputs
from tests.episodes import SPEC, in_double, random_episodes
from tests.learners import build

Q_LEARNING = [name for name, section in SECTIONS.items() if issubclass(section, QLearningConfig | PQNConfig)]


def config(network: dict[str, Any] | None = None, **algorithm: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "network": {"hidden_dim": 8, "mixing_embed_dim": 4, "hypernet_embed_dim": 6, **(network or {})},
            "algorithm": algorithm,
        }
    )


def build_apart(config: RunConfig) -> GradientLearner:
    """A learner whose target networks differ from its online ones, so that mixing them up shows."""
    learner = build(SPEC, config)
    if learner.target is learner.online:
        return learner
    generator = torch.Generator().manual_seed(7)
    for parameter in learner.target.parameters():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return learner


def page(config: RunConfig) -> QPage:
    return q_page(SPEC, config)


def settings(config: RunConfig) -> Settings:
    assert isinstance(config.algorithm, QLearningConfig | PQNConfig)
    return Settings(SPEC, config.network, config.algorithm)


@pytest.mark.parametrize("name", Q_LEARNING)
@pytest.mark.parametrize("recurrent", [True, False])
@pytest.mark.parametrize(
    "algorithm",
    [
        {},
        {"td_lambda": 0.8, "gamma": 0.9},
        {"double_q": False, "td_lambda": 0.5},
        {"bootstrap_time_limit": False, "td_lambda": 0.9},
        {"rescale_values": True, "td_lambda": 0.5},
    ],
)
def test_loss_and_gradients_equal_the_naive_twins(name: str, recurrent: bool, algorithm: dict[str, Any]) -> None:
    if "double_q" in algorithm and "double_q" not in SECTIONS[name].model_fields:
        pytest.skip("it has no such setting")
    network = {"recurrent": recurrent, "last_action": recurrent, "layer_norm": not recurrent, "dueling": recurrent}
    asked = config(network, name=name, **algorithm)
    learner = build_apart(asked)
    online, target = learner.online.double(), learner.target.double()
    batch = in_double(random_episodes(SPEC, 4))
    fast, _ = page(asked).loss(online, target, batch, settings(asked))
    fast_gradients = torch.autograd.grad(fast, list(online.parameters()))
    naive = stepwise_loss(online, target, batch, settings(asked))
    naive_gradients = torch.autograd.grad(naive, list(online.parameters()))
    torch.testing.assert_close(fast, naive)
    for one, other in zip(fast_gradients, naive_gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", Q_LEARNING)
def test_padding_changes_nothing(name: str) -> None:
    learner = build_apart(config(name=name, td_lambda=0.8))
    batch = random_episodes(SPEC, 4)
    absurd = torch.where(batch.filled, batch.reward, torch.full_like(batch.reward, 1e6))
    padded = EpisodeBatch(**{**vars(batch), "reward": absurd})
    assert learner.gradient(batch)[0].item() == learner.gradient(padded)[0].item()


@pytest.mark.parametrize("double_q", [True, False])
def test_mixers_of_targets_see_the_next_greedy_actions_and_the_best_that_is_allowed(double_q: bool) -> None:
    asked = config(name="vdn", double_q=double_q)
    learner, batch, seen = build_apart(asked), random_episodes(SPEC, 4), list[MixingInputs]()
    learner.target["mixer"].register_forward_pre_hook(lambda _, arguments: seen.append(arguments[1]))
    q, q_target = (values(networks, batch, settings(asked)) for networks in (learner.online, learner.target))
    targets(q.detach(), learner.target, batch, settings(asked))
    allowed, allowed_target = (mask_unavailable(x, batch.available)[:, 1:] for x in (q, q_target))
    assert torch.equal(seen[0].actions, (allowed if double_q else allowed_target).argmax(-1))
    assert torch.equal(seen[0].greedy_values, allowed_target.amax(-1))
    assert torch.equal(seen[0].state, batch.state[:, 1:])


def test_raising_one_agents_value_never_lowers_the_teams() -> None:
    learner = build(SPEC, config(name="qmix"))
    batch = random_episodes(SPEC, 8)
    q = torch.randn(8, SPEC.time_limit, SPEC.num_agents, requires_grad=True)
    inputs = MixingInputs(batch.state[:, :-1], batch.actions, torch.zeros_like(q))
    slope = torch.autograd.grad(learner.online["mixer"](q, inputs).sum(), q)[0]
    assert slope.min().item() >= 0.0


def test_a_hard_update_copies_every_n_updates() -> None:
    learner = build(SPEC, config(target_sync_updates=2))
    batch = random_episodes(SPEC, 4)
    before = [parameter.clone() for parameter in learner.target.parameters()]
    learner.update(batch)
    assert all(torch.equal(a, b) for a, b in zip(before, learner.target.parameters(), strict=True))
    learner.update(batch)
    assert all(torch.equal(a, b) for a, b in zip(learner.online.parameters(), learner.target.parameters(), strict=True))


def test_a_soft_update_goes_tau_of_the_way() -> None:
    learner = build(SPEC, config(target_sync_updates=0, target_tau=0.25))
    before = [parameter.clone() for parameter in learner.target.parameters()]
    learner.update(random_episodes(SPEC, 4))
    for old, online, target in zip(before, learner.online.parameters(), learner.target.parameters(), strict=True):
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
    before = [parameter.detach().clone() for parameter in learner.online.parameters()]
    poisoned = EpisodeBatch(**{**vars(batch), "reward": torch.full_like(batch.reward, torch.inf)})
    with pytest.raises(DivergedError):
        learner.update(poisoned)
    assert all(torch.equal(a, b) for a, b in zip(before, learner.online.parameters(), strict=True))
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
        assert all(
            torch.equal(a, b) for a, b in zip(straight.online.parameters(), learner.online.parameters(), strict=True)
        )


def test_the_same_seed_makes_the_same_networks() -> None:
    one, other = build(SPEC, config()), build(SPEC, config())
    different = build(SPEC, config().model_copy(update={"seed": 2}))
    assert all(torch.equal(a, b) for a, b in zip(one.online.parameters(), other.online.parameters(), strict=True))
    assert not torch.equal(one.weights, different.weights)


def test_metrics_are_epymarls() -> None:
    # EPyMARL divides q_taken_mean and target_mean by the number of agents (q_learner.py, learner stats).
    learner = build(SPEC, config(name="vdn"))
    batch = random_episodes(SPEC, 4)
    _, metrics, _ = learner.gradient(batch)
    q = take(values(learner.online, batch, settings(config(name="vdn")))[:, :-1], batch.actions)
    expected = (q.sum(-1, keepdim=True) * batch.filled).sum() / batch.filled.sum() / 2
    torch.testing.assert_close(metrics["q_taken_mean"], expected)
