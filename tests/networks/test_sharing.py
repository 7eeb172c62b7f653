"""Agents share a network, have one each, or share in groups: in playing, in learning, in files and in pictures."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from lockstep.algorithms.diagram import diagram
from lockstep.algorithms.q_learner import QPage, q_networks
from lockstep.algorithms.q_learning import Settings, loss
from lockstep.algorithms.registry import algorithm_of, architecture
from lockstep.algorithms.stepwise import stepwise_loss
from lockstep.analysis.groups import group_runs
from lockstep.analysis.report.about import learner_section
from lockstep.analysis.report.document import Text
from lockstep.analysis.report.task import ReportedTask
from lockstep.config.load import dump_toml, load_config
from lockstep.config.schema import QLearningConfig, RunConfig
from lockstep.envs.family import About
from lockstep.envs.registry import make_vec
from lockstep.errors import UserError
from lockstep.networks.agents import FeedForwardAgent, GroupedAgents, RecurrentAgent, build_agent, networks_of
from lockstep.runs.loggers import JsonlLogger
from lockstep.spec import EnvSpec
from lockstep.training.checkpoints.checkpoint import load_policy, read_team
from lockstep.training.kill_test import ending, first_difference
from lockstep.training.session import Session
from lockstep.training.trainer import resume, train
from tests.episodes import in_double, random_episodes
from tests.learners import build
from tests.runs.written import written_run
from tests.training.checkpoints.test_checkpoint import run_of

SPEC = EnvSpec("made-up", num_agents=3, obs_dim=5, num_actions=4, time_limit=9, obs_bits=(1, 1, 1, 1, 32))
SHARINGS: list[Any] = ["all", "none", [[0, 1], [2]], [[2], [1, 0]], [[1, 2, 0]]]


def config(sharing: Any, recurrent: bool = False, **algorithm: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "network": {"sharing": sharing, "recurrent": recurrent, "hidden_dim": 8},
            "algorithm": {"gamma": 0.9, "td_lambda": 0.7, **algorithm},
            "training": {"num_threads": 1},
        }
    )


@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("recurrent", [True, False])
@pytest.mark.parametrize("name", ["iql", "qmix"])
def test_loss_and_gradients_are_those_of_agents_worked_out_one_by_one(sharing: Any, recurrent: bool, name: str) -> None:
    asked = config(sharing, recurrent, name=name)
    assert isinstance(asked.algorithm, QLearningConfig)
    settings = Settings(SPEC, asked.network, asked.algorithm)
    online = q_networks(SPEC, asked).double()
    target = q_networks(SPEC, asked).double().requires_grad_(False)
    batch = in_double(random_episodes(SPEC, 4))
    fast, naive = loss(online, target, batch, settings)[0], stepwise_loss(online, target, batch, settings)
    torch.testing.assert_close(fast, naive)
    gradients = (torch.autograd.grad(value, list(online.parameters())) for value in (fast, naive))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("recurrent", [True, False])
def test_none_is_as_many_separate_networks(recurrent: bool) -> None:
    agent = build_agent(SPEC, config("none", recurrent).network)
    inputs = torch.randn(2, 9, 3, 5 + 3)
    values, memory = agent(inputs)
    for number, network in enumerate(networks_of(agent)):
        alone, own_memory = network(inputs[:, :, number : number + 1])
        torch.testing.assert_close(values[:, :, number : number + 1], alone)
        if memory is not None and own_memory is not None:
            torch.testing.assert_close(memory.view(2, 3, -1)[:, number], own_memory[0])


def test_groups_that_begin_alike_value_alike_whoever_is_in_them() -> None:
    shared = build_agent(SPEC, config("all", recurrent=True).network)
    assert isinstance(shared, RecurrentAgent)
    grouped = GroupedAgents(((2, 0), (1,)), [shared, copy.deepcopy(shared)])
    inputs = torch.randn(2, 9, 3, 5 + 3)
    for one, other in zip(grouped(inputs), shared(inputs), strict=True):
        assert one is not None
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("sharing", SHARINGS[1:])
@pytest.mark.parametrize("recurrent", [True, False])
@pytest.mark.parametrize("agent_id", [True, False])
def test_the_compiled_gradient_is_the_pages(sharing: Any, recurrent: bool, agent_id: bool) -> None:
    asked = config(sharing, recurrent)
    asked = asked.model_copy(update={"network": asked.network.model_copy(update={"agent_id": agent_id})})
    learner = build(SPEC, asked)
    assert isinstance(learner.page, QPage)
    assert learner.page.compiled is not None
    learner.target_weights += 0.2 * torch.randn(learner.target_weights.shape)
    page = replace(learner.page, compiled=None)
    for seed in range(2):
        batch = random_episodes(SPEC, 8, seed=seed, some_unavailable=False)
        expected, _, expected_gradient = page.gradient(learner.online, learner.target, batch)
        value, _, gradient = learner.gradient(batch)
        torch.testing.assert_close(value, expected)
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-4, atol=1e-6)


def test_all_is_one_network_as_ever() -> None:
    assert isinstance(build_agent(SPEC, config("all").network), FeedForwardAgent)
    assert config("all") == config(SHARINGS[0]) == RunConfig.model_validate(config("all").model_dump())


@pytest.mark.parametrize("sharing", [[[0, 1]], [[0], [1], [2], [3]], [[0, 1, 2, 5]]])
def test_an_agent_without_a_group_or_that_does_not_exist_is_a_sentence(sharing: Any) -> None:
    with pytest.raises(UserError, match="must hold every agent from 0 to 2 exactly once"):
        build_agent(SPEC, config(sharing).network)


@pytest.mark.parametrize("word", ["some", "[[0,1],[1]]", "[[0],[]]", "[0,1]", "[[0.5]]", "7"])
def test_what_is_no_sharing_is_a_sentence(word: str) -> None:
    with pytest.raises(UserError, match='must be "all", "none", or groups of agents that share their parameters'):
        load_config("smoke", [f"network.sharing={word}"])


@pytest.mark.parametrize(("word", "sharing"), [("none", "none"), ("all", "all"), ("[[1],[0]]", ((1,), (0,)))])
def test_a_sharing_is_a_word_and_is_kept_in_a_file(word: str, sharing: Any, tmp_path: Path) -> None:
    asked = load_config("smoke", [f"sharing={word}"])
    assert asked.network.sharing == sharing
    (tmp_path / "mine.toml").write_text(dump_toml(asked))
    assert load_config(str(tmp_path / "mine.toml")) == asked


@pytest.mark.parametrize("recurrent", [True, False])
def test_a_team_of_several_networks_is_trained_kept_resumed_and_thinks(recurrent: bool, tmp_path: Path) -> None:
    network = {"sharing": "none", "recurrent": recurrent, "hidden_dim": 8}
    run, whole = (run_of(tmp_path / name, network=network) for name in ("run", "whole"))
    asked = load_config(str(run.path))
    train(asked, run, [JsonlLogger()])
    train(load_config(str(whole.path)), whole, [JsonlLogger()])
    newest = sorted(path for path in run.checkpoints.iterdir() if path.name.isdecimal())[-1]
    (newest / "state.pt").write_bytes(b"")
    resume(run, [JsonlLogger()])
    assert first_difference(ending(whole), ending(run))[0] is None
    session, team = Session(asked), read_team(run)
    assert sum(1 for name, _ in team.networks.named_parameters() if name.startswith("agent.networks.1.")) > 0
    assert load_policy(run)[1] == session.spec
    thoughts = team.thoughts(random_episodes(session.spec, 1, some_unavailable=False))
    assert thoughts.values.shape[1:] == (session.spec.num_agents, session.spec.num_actions)
    assert thoughts.weights is not None


def test_the_health_of_all_networks_is_looked_at() -> None:
    learner = build(SPEC, config("none", name="vdn"))
    first, *others = networks_of(learner.agent)
    with torch.no_grad():
        for network in [first, *others]:
            network.encode.bias.fill_(1e6)
            assert isinstance(network, FeedForwardAgent)
            network.hidden.bias.fill_(1e9)
        first.encode.bias.fill_(-1e6)
    assert learner.health(random_episodes(SPEC, 4))["dead_units_share"] == pytest.approx(8 / 48)


@pytest.mark.parametrize(
    ("word", "drawn", "told"),
    [
        ("all", "one network for all 2 agents: ", "All agents share one network's weights."),
        ("none", "2 networks for 2 agents: ", "Every agent has a network of its own"),
        ("[[1],[0]]", "2 networks for 2 agents: ", "Agents share weights in groups, by number: [1], [0]."),
    ],
)
def test_picture_and_words_tell_who_shares(word: str, drawn: str, told: str, tmp_path: Path) -> None:
    words = [f"sharing={word}"]
    spec, asked = make_vec("rware-tiny-2ag-v2", 1).spec, load_config("solve", words)
    sizes = architecture(spec, asked)
    count = sum(parameter.numel() for parameter in build_agent(spec, asked.network).parameters())
    assert f"{drawn}{count:,} parameters" in diagram(sizes, algorithm_of(asked).draw_team)
    groups = group_runs([written_run(tmp_path / "run", preset="solve", words=words)])
    said = learner_section(groups, [ReportedTask(spec, About(), None)]).blocks
    assert isinstance(said[0], Text)
    assert told in said[0].markdown
