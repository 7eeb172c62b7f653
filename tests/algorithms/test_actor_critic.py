"""The page of IPPO, MAPPO, IA2C and MAA2C against its naive twin and its compiled form, and its promises one by one."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from lockstep.algorithms import registry
from lockstep.algorithms.actor_critic import (
    ActorCriticSettings,
    Hindsight,
    in_hindsight,
    loss,
    normalized,
    returns_from,
)
from lockstep.algorithms.actor_critic_learner import ActorCriticLearner, ActorCriticPage
from lockstep.algorithms.fast import recorded_step
from lockstep.algorithms.fast.recorded_step import RecordedStep
from lockstep.algorithms.stepwise_actor_critic import stepwise_hindsight, stepwise_loss
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.config.schema.actor_critic import ActorCriticConfig
from lockstep.errors import UserError
from lockstep.experience.episodes import EpisodeBatch
from lockstep.spec import EnvSpec
from tests.episodes import SPEC, in_double, random_episodes

OWN = replace(SPEC, num_rewards=SPEC.num_agents)
ALL = ["mappo", "ippo", "maa2c", "ia2c"]
VARIANTS: list[dict[str, Any]] = [
    {},
    {"gae_lambda": 0.8, "gamma": 0.9, "value_clip": 0.1, "bootstrap_time_limit": False},
    {"reward": "own", "clip": 0.0, "normalize_values": "popart"},
    {"critic_agent_id": True, "clip": 0.05},
    {"renew_advantages": True, "normalize_advantages": False},
]


def config(network: dict[str, Any] | None = None, **algorithm: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "network": {"hidden_dim": 8, "recurrent": False, **(network or {})},
            "algorithm": {"name": "mappo", **algorithm},
            "training": {"num_threads": 1},
        }
    )


def built(asked: RunConfig) -> ActorCriticLearner:
    """A learner that has moved since its critic expected the same everywhere."""
    assert isinstance(asked.algorithm, ActorCriticConfig)
    learner = registry.build(OWN if asked.algorithm.reward == "own" else SPEC, asked)
    assert isinstance(learner, ActorCriticLearner)
    generator = torch.Generator().manual_seed(7)
    learner.weights.add_(0.1 * torch.randn(learner.weights.shape, generator=generator))
    learner.critic.mean.fill_(0.3)
    learner.critic.std.fill_(1.7)
    return learner


def episodes(spec: EnvSpec, count: int) -> EpisodeBatch:
    """Made-up episodes in which nobody does what was not allowed, with as many rewards as are asked for."""
    batch = random_episodes(spec, count)
    assert batch.available is not None
    batch.available[:, :-1].scatter_(-1, batch.actions.unsqueeze(-1), True)
    generator = torch.Generator().manual_seed(3)
    return replace(batch, reward=torch.randn(count, spec.time_limit, spec.num_rewards, generator=generator))


def page(learner: ActorCriticLearner) -> ActorCriticPage:
    assert isinstance(learner.page, ActorCriticPage)
    return learner.page


def settings(learner: ActorCriticLearner) -> ActorCriticSettings:
    return page(learner).settings


def looked_back(learner: ActorCriticLearner, batch: EpisodeBatch) -> Hindsight:
    """What is known of a batch, as of a policy and a critic that have moved on a little since."""
    before = in_hindsight(learner.online, learner.online, batch, settings(learner))
    generator = torch.Generator().manual_seed(5)

    def elsewhere(x: torch.Tensor) -> torch.Tensor:
        return x + 0.2 * torch.randn(x.shape, generator=generator).to(x)

    return before._replace(log_chance=elsewhere(before.log_chance), value=elsewhere(before.value))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("network", [{}, {"recurrent": True, "last_action": True}, {"sharing": "none"}])
@pytest.mark.parametrize("algorithm", VARIANTS)
def test_loss_and_gradients_equal_the_naive_twins(
    name: str, network: dict[str, Any], algorithm: dict[str, Any]
) -> None:
    learner = built(config(network, name=name, **algorithm))
    online, weight = learner.online.double(), torch.tensor(0.02, dtype=torch.float64)
    batch = in_double(episodes(learner.spec, 4))
    before = looked_back(learner, batch)
    parameters = list(online.parameters())
    fast = loss(online, batch, before, weight, settings(learner))[0]
    naive = stepwise_loss(online, batch, before, weight, settings(learner))
    torch.testing.assert_close(fast, naive)
    for one, other in zip(torch.autograd.grad(fast, parameters), torch.autograd.grad(naive, parameters), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("network", [{}, {"recurrent": True}])
@pytest.mark.parametrize("algorithm", VARIANTS[:4])
def test_hindsight_equals_the_naive_twins(network: dict[str, Any], algorithm: dict[str, Any]) -> None:
    learner = built(config(network, **algorithm))
    online, batch = learner.online.double(), in_double(episodes(learner.spec, 5))
    fast = in_hindsight(online, online, batch, settings(learner))
    naive = stepwise_hindsight(online, batch, settings(learner))
    for name, one, other in zip(Hindsight._fields, fast, naive, strict=True):
        happened = batch.filled.expand_as(one)
        torch.testing.assert_close(one[happened], other[happened], msg=name)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("agent_id", [True, False])
@pytest.mark.parametrize("algorithm", [*VARIANTS, {"critic_tau": 0.5}, {"return_steps": 3}, {"critic_hidden_dim": 5}])
def test_the_compiled_gradient_and_hindsight_are_the_pages(
    name: str, agent_id: bool, algorithm: dict[str, Any]
) -> None:
    learner = built(config({"agent_id": agent_id}, name=name, **algorithm))
    batch, weight = episodes(learner.spec, 6), torch.full((6, 1), 0.02)
    if learner.target is not learner.online:
        learner.target_weights.mul_(0.9)
    compiled, plain = page(learner), replace(page(learner), compiled=None)
    assert compiled.compiled is not None
    for one, other in zip(
        compiled.in_hindsight(learner.online, learner.target, batch),
        plain.in_hindsight(learner.online, learner.target, batch),
        strict=True,
    ):
        happened = batch.filled.expand_as(one)
        torch.testing.assert_close(one[happened], other[happened], rtol=1e-4, atol=1e-5)
    before = looked_back(learner, batch)
    studied = replace(batch, more={**before._asdict(), "entropy_weight": weight})
    value, metrics, gradient = compiled.gradient(learner.online, learner.target, studied)
    expected, expected_metrics, expected_gradient = plain.gradient(learner.online, learner.target, studied)
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-3, atol=1e-5)
    assert metrics.keys() == expected_metrics.keys()
    for metric, number in metrics.items():
        torch.testing.assert_close(number, expected_metrics[metric], rtol=1e-3, atol=1e-5, msg=metric)


def test_padding_changes_nothing() -> None:
    learner = built(config(value_clip=0.1))
    batch = episodes(SPEC, 4)
    absurd = replace(batch, reward=torch.where(batch.filled, batch.reward, torch.full_like(batch.reward, 1e6)))
    one, other = learner.prepare(batch), built(config(value_clip=0.1)).prepare(absurd)
    torch.testing.assert_close(learner.gradient(one)[2], built(config(value_clip=0.1)).gradient(other)[2])


@pytest.mark.parametrize("network", [{}, {"recurrent": True}])
def test_the_number_of_threads_shows_in_the_last_digits_only(network: dict[str, Any]) -> None:
    alone = built(config(network))
    asked = config(network)
    several = built(asked.model_copy(update={"training": asked.training.model_copy(update={"num_threads": 3})}))
    assert several.workers.count == 1, "a collection of one episode has one share"
    lanes = {"collection": asked.collection.model_copy(update={"num_envs": 7})}
    three = asked.training.model_copy(update={"num_threads": 3})
    several = built(asked.model_copy(update={**lanes, "training": three}))
    assert several.workers.count == 3
    batch = episodes(SPEC, 7)
    one, other = alone.prepare(batch), several.prepare(batch)
    for name in Hindsight._fields:
        happened = batch.filled.expand_as(one.more[name])
        torch.testing.assert_close(one.more[name][happened], other.more[name][happened])
    value, metrics, gradient = alone.workers.gradient(alone.gradient, one)
    again, more, shared = several.workers.gradient(several.gradient, other)
    torch.testing.assert_close(value, again)
    torch.testing.assert_close(gradient, shared, rtol=1e-4, atol=1e-6)
    for name in metrics:
        torch.testing.assert_close(metrics[name], more[name])


def test_a_time_limit_goes_on_in_the_value_of_the_last_state() -> None:
    batch = episodes(SPEC, 1)
    steps = batch.actions.shape[1]
    ends = torch.zeros_like(batch.terminated)
    ends[:, -1] = True
    value = torch.arange(steps + 1.0).view(1, -1, 1)
    batch = replace(
        batch,
        reward=torch.zeros_like(batch.reward),
        filled=torch.ones_like(batch.filled),
        terminated=torch.zeros_like(ends),
        truncated=ends,
    )
    learner = built(config(gamma=0.5, gae_lambda=1.0))
    assert returns_from(value, batch, settings(learner))[0, 0, 0] == pytest.approx(0.5**steps * steps)
    ended = replace(batch, terminated=ends, truncated=torch.zeros_like(ends))
    assert returns_from(value, ended, settings(learner)).abs().max() == 0.0
    epymarls = built(config(gamma=0.5, gae_lambda=1.0, bootstrap_time_limit=False))
    assert returns_from(value, batch, settings(epymarls)).abs().max() == 0.0


def test_a_collection_without_news_stays_quiet() -> None:
    filled = torch.ones(2, 4, 1, dtype=torch.bool)
    silent = 1e-4 * torch.randn(2, 4, 2, generator=torch.Generator().manual_seed(0))
    assert normalized(silent, filled, 0.01).abs().max() < 0.1
    loud = normalized(1e4 * silent, filled, 0.01)
    assert loud.mean() == pytest.approx(0.0, abs=1e-6)
    assert loud.std(correction=0) == pytest.approx(1.0)


def test_by_popart_no_value_jumps_when_the_units_move() -> None:
    for kind, jumps in (("popart", False), ("moments", True)):
        learner = built(config(normalize_values=kind))
        batch = episodes(SPEC, 4)
        before = learner.critic.in_rewards(learner.critic(batch.state))
        learner.prepare(batch)
        after = learner.critic.in_rewards(learner.critic(batch.state))
        assert bool((after - before).abs().max() > 1e-3) == jumps


def test_schedules_follow_the_env_steps_that_were_studied() -> None:
    learner = built(config(entropy_finish=0.0, lr_finish=0.0, anneal_env_steps=40, entropy_weight=0.1))
    batch = episodes(SPEC, 4)
    first = learner.prepare(batch)
    assert first.more["entropy_weight"][0, 0] == pytest.approx(0.1)
    assert learner.optimizer.param_groups[0]["lr"] == learner.first_lr
    second = learner.prepare(batch)
    left = 1.0 - batch.num_steps / 40
    assert second.more["entropy_weight"][0, 0] == pytest.approx(0.1 * left)
    assert learner.optimizer.param_groups[0]["lr"] == pytest.approx(learner.first_lr * left)
    resumed = built(config(entropy_finish=0.0, lr_finish=0.0, anneal_env_steps=40, entropy_weight=0.1))
    resumed.load_state_dict(learner.state_dict())
    assert torch.equal(resumed.prepare(batch).more["entropy_weight"], learner.prepare(batch).more["entropy_weight"])


def test_a_critic_expects_the_same_everywhere_at_first() -> None:
    learner = registry.build(SPEC, config())
    assert isinstance(learner, ActorCriticLearner)
    assert learner.critic(episodes(SPEC, 3).state).abs().max() == 0.0


def test_a_trunk_is_learnt_by_policy_and_critic() -> None:
    learner = built(config(name="ippo", shared_trunk=True))
    batch = learner.prepare(episodes(SPEC, 4))
    assert learner.update(batch)["grad_norm"] > 0
    names = [name for name, _ in learner.online.named_parameters()]
    assert [name for name in names if name.startswith("critic.")] == ["critic.values.weight", "critic.values.bias"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["algorithm=mappo", "shared_trunk=true"], "needs critic=own"),
        (["algorithm=ippo", "shared_trunk=true", "critic_tau=0.1"], "do not go together"),
        (["algorithm=qmix", "clip=0.1"], "is a setting of"),
        (["algorithm=mappo", "normalize_values=none"], "must be 'off'"),
        (["algorithm=mappo", "learn_while_playing=true"], "learn_while_playing"),
        (["algorithm=mappo", "renew_advantages=true"], "normalize_advantages"),
    ],
)
def test_what_does_not_fit_together_is_one_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        load_config("smoke", words)


def test_a_trunk_needs_one_network() -> None:
    with pytest.raises(UserError, match="shared_trunk=true needs network.sharing=all"):
        built(config({"sharing": "none"}, name="ippo", shared_trunk=True))


def test_others_experience_counts_by_how_likely_it_would_have_been() -> None:
    separate = {"sharing": "none", "agent_id": False}
    asked = config(separate, name="ia2c", reward="own", shared_experience=0.5, normalize_advantages=False)
    learner, alone = built(asked), built(config(separate, name="ia2c", reward="own", normalize_advantages=False))
    batch = episodes(OWN, 3)
    joined, own = learner.prepare(batch), alone.prepare(batch)
    assert joined.num_episodes == 6
    for name in ("log_chance", "advantage"):
        torch.testing.assert_close(joined.more[name][:3], own.more[name])
    assert torch.equal(joined.obs[3:], batch.obs.flip(2)), "two agents: each stands where the other stood"
    assert torch.equal(joined.reward[3:], batch.reward.flip(2))
    ratio = (joined.more["log_chance"][3:] - own.more["log_chance"].flip(-1)).exp()
    torch.testing.assert_close(joined.more["importance"][3:], 0.5 * ratio)
    assert torch.equal(joined.more["importance"][:3], torch.ones(3, 7, 2))
    assert learner.update(joined)["grad_norm"] > 0


def test_shared_experience_needs_networks_of_ones_own() -> None:
    with pytest.raises(UserError, match="shared_experience needs network.sharing=none and network.agent_id=false"):
        built(config(name="ia2c", shared_experience=1.0))


@pytest.mark.parametrize("algorithm", [{}, {"normalize_values": "popart", "lr_finish": 0.0, "anneal_env_steps": 100}])
def test_what_a_gpu_records_is_the_same_update(algorithm: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the recording only does its work some times at once, as a GPU's does before it is recorded."""

    class Warmed:
        def __init__(self, work: Any) -> None:
            self.play = work
            for _ in range(3):
                work()

    monkeypatch.setattr(recorded_step, "CudaGraph", Warmed)
    plain, recorded = built(config(**algorithm)), built(config(**algorithm))
    recorded.recorded = RecordedStep(recorded.step, recorded._moving)
    for seed in range(3):
        batch = replace(episodes(SPEC, 4), obs=random_episodes(SPEC, 4, seed=seed).obs)
        one, other = plain.prepare(batch), recorded.prepare(batch)
        for _ in range(2):
            expected, found = plain.update(one), recorded.update(other)
            assert found.keys() == expected.keys()
            for name, value in expected.items():
                torch.testing.assert_close(found[name], value, msg=name)
    torch.testing.assert_close(plain.weights, recorded.weights)


@pytest.mark.parametrize("name", [*ALL, "qmix"])
def test_an_entry_says_how_its_learner_plays(name: str) -> None:
    entry, config = registry.ALGORITHMS[name], RunConfig.model_validate({"algorithm": {"name": name}})
    assert entry.choice == registry.build(SPEC, config).choice
