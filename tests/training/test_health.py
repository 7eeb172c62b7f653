"""What the probes of networks and behavior say is worked by hand, and leaves no trace."""

from typing import Any

import pytest
import torch

from lockstep.acting.policy import RandomPolicy
from lockstep.compute.machine import available_bytes, resident_mib
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import family_of, make_vec
from lockstep.experience.rollout import collect
from lockstep.seeding import stream
from lockstep.training.behavior import behavior
from lockstep.training.learning_check import CASES, check_learning
from lockstep.training.speed import measure_speed
from tests.episodes import SPEC, random_episodes
from tests.learners import build

SMALL = {"hidden_dim": 8, "mixing_embed_dim": 4, "hypernet_embed_dim": 4}


def config(name: str, *, recurrent: bool = False) -> RunConfig:
    return RunConfig.model_validate({"algorithm": {"name": name}, "network": {**SMALL, "recurrent": recurrent}})


def test_units_that_never_fire_are_counted_as_dead() -> None:
    learner = build(SPEC, config("vdn"))
    agent: Any = learner.online["agent"]
    with torch.no_grad():
        agent.encode.bias.fill_(1e6)
        agent.encode.bias[:2] = -1e6
        agent.hidden.weight.zero_()
        agent.hidden.bias.fill_(1.0)
    assert learner.health(random_episodes(SPEC, 4))["dead_units_share"] == pytest.approx(2 / 16)


def test_a_sum_listens_to_all_and_a_bent_mixer_to_one() -> None:
    vdn, qmix = build(SPEC, config("vdn")), build(SPEC, config("qmix"))
    episodes = random_episodes(SPEC, 4)
    assert vdn.health(episodes)["mixer_share_min"] == pytest.approx(0.5)
    mixer: Any = qmix.online["mixer"]
    last = mixer.w1[-1]
    with torch.no_grad():  # the weights of agent 1 come from the second half of the layer
        last.weight[4:].zero_()
        last.bias[4:].zero_()
    assert qmix.health(episodes)["mixer_share_min"] == pytest.approx(0.0, abs=1e-6)
    assert "mixer_share_min" not in build(SPEC, config("iql")).health(episodes)


def test_a_memory_at_its_ends_is_saturated() -> None:
    learner = build(SPEC, config("vdn", recurrent=True))
    agent: Any = learner.online["agent"]
    gru = agent.gru
    with torch.no_grad():
        for parameter in gru.parameters():
            parameter.zero_()
        gru.bias_ih_l0[8:16] = -100.0  # the update gate stays shut: all is new
        gru.bias_ih_l0[16:] = 100.0  # and what is new is 1
    assert learner.health(random_episodes(SPEC, 4))["saturated_memory_share"] == 1.0


@pytest.mark.parametrize("name", ["iql", "vdn", "qmix"])
def test_what_is_believed_and_earned_is_per_agent(name: str) -> None:
    learner = build(SPEC, config(name))
    with torch.no_grad():  # every utility 3, whatever is seen
        values: Any = learner.online["agent"].values
        values.weight.zero_()
        values.bias.fill_(3.0)
    episodes = random_episodes(SPEC, 8)
    episodes.reward.zero_()
    episodes.terminated.copy_(episodes.terminated | episodes.truncated)
    episodes.truncated.zero_()
    row = learner.health(episodes)
    assert row["test_discounted_return_mean"] == 0.0
    if name != "qmix":
        assert row["test_q_start_mean"] == pytest.approx(3.0 if name == "vdn" else 1.5)


def test_probing_changes_nothing() -> None:
    learner = build(SPEC, config("qmix"))
    before = [parameter.clone() for parameter in learner.online.parameters()]
    state = torch.random.get_rng_state()
    learner.health(random_episodes(SPEC, 4))
    assert all(torch.equal(one, other) for one, other in zip(before, learner.online.parameters(), strict=True))
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(not hook for module in learner.online.modules() for hook in [module._forward_hooks])


def test_behavior_counts_only_steps_that_happened() -> None:
    episodes = random_episodes(SPEC, 3)
    episodes.actions[:] = 2
    episodes.actions[~episodes.filled.expand_as(episodes.actions)] = 0
    episodes.obs[:, :, 0] = 1.0
    row = behavior(episodes)
    assert row["test_action_share_max"] == 1.0
    assert row["test_same_action_share"] == 1.0
    assert row["test_still_share_max"] == 1.0
    assert row["test_rewarding_share"] == pytest.approx((episodes.returns() > 0).float().mean().item())


def test_deliveries_in_a_replayed_warehouse_are_those_that_were_paid() -> None:
    env = make_vec("rware-tiny-2ag-v2", 64, time_limit=40, layout=load_config("smoke").env.arguments["layout"])
    rng = stream(1, "explore")
    seed, episodes = next(
        (seed, episodes)
        for seed in range(0, 6_400, 64)
        if (episodes := collect(env, RandomPolicy(5, rng), seed=seed)).returns().sum() == 1
    )
    row = family_of("rware-tiny-2ag-v2").facts(env, episodes.actions.numpy(), seed)
    assert row["test_delivery_share_min"] == 0.0  # one robot made the only delivery
    assert row["test_delivered_once_share"] in (0.0, 1.0)
    paid_at = int(episodes.reward.flatten(1).any(0).float().argmax())
    held_at_most = (40 - paid_at) / (64 * 40 * 2)
    assert 0 < row["test_held_delivered_share"] <= held_at_most
    assert row["test_held_delivered_share"] < row["test_loaded_share"] < 1


def test_a_world_of_which_nothing_more_is_counted_has_no_facts() -> None:
    actions = random_episodes(SPEC, 3).actions.numpy()
    assert family_of("probe-coin").facts(make_vec("probe-coin", 4), actions, 0) == {}


def test_the_loop_is_timed_and_memory_is_known() -> None:
    words = ["num_envs=4", "env.time_limit=10", "batch_size=4", "segment_steps=0", "hidden_dim=8"]
    speed = measure_speed(load_config("smoke", words), 0.01)
    assert min(speed) > 0
    assert resident_mib() > 10
    assert (available_bytes() or 1.0) > 0


def test_a_sound_installation_passes_its_first_question() -> None:
    result = next(iter(check_learning()))
    assert result.sound
    assert result.probe == CASES[0][1].world
