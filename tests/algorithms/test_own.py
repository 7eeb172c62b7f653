"""An algorithm and a mixer of one's own, from a module that lies in the working folder."""

import sys
from pathlib import Path

import pytest
import torch

from lockstep.algorithms.diagram import diagram
from lockstep.algorithms.registry import algorithm_of, architecture, metrics
from lockstep.config.knobs import flat
from lockstep.config.load import dump_toml, load_config
from lockstep.errors import UserError
from tests.episodes import SPEC, random_episodes
from tests.learners import build

MODULE = '''
"""A mixer with one weight an agent, and REINFORCE on shared utilities, as short as they can be."""

import torch
from torch import nn

from lockstep.algorithms.algorithm import Algorithm
from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.algorithms.learner import Thoughts, autograd
from lockstep.config.schema import AlgorithmConfig, QLearningConfig
from lockstep.networks.agents import build_agent
from lockstep.networks.inputs import agent_inputs
from lockstep.runs.metrics import Metric


class WeightedSum(nn.Module):
    """**A weighted sum** of the agents' values."""

    class section(QLearningConfig):
        """Its settings."""

        first_weight: float = 2.0
        """What all weights are at first."""

    def __init__(self, spec, settings):
        super().__init__()
        self.weights = nn.Parameter(torch.full((spec.num_agents,), settings.first_weight))

    def forward(self, agent_values, inputs):
        return (agent_values * self.weights).sum(-1, keepdim=True)


class ReinforceConfig(AlgorithmConfig):
    temperature: float = 1.0
    """By which utilities are divided."""


class Page:
    def __init__(self, spec, config):
        self.spec, self.config = spec, config

    def logits(self, networks, batch):
        inputs = agent_inputs(batch.obs, None, self.spec, self.config.network)
        return networks["agent"](inputs)[0] / self.config.algorithm.temperature

    def gradient(self, online, target, batch):
        def loss():
            chances = torch.log_softmax(self.logits(online, batch)[:, :-1], -1)
            chosen = chances.gather(-1, batch.actions.unsqueeze(-1)).squeeze(-1).sum(-1, keepdim=True)
            value = -(chosen * batch.reward.flip(1).cumsum(1).flip(1) * batch.filled).sum() / batch.filled.sum()
            return value, {"chance_mean": chosen.detach().exp().mean()}

        return autograd(loss, online)

    def health(self, online, batch):
        return {}

    def thoughts(self, online, episode):
        return Thoughts(self.logits(online, episode)[0, :-1].detach())

    def suspects(self, online, target, batch):
        return {}


def networks(spec, config):
    return nn.ModuleDict({"agent": build_agent(spec, config.network)})


REINFORCE = Algorithm(
    "own:REINFORCE",
    ReinforceConfig,
    networks,
    lambda spec, config, networks: GradientLearner(spec, config, networks, Page(spec, config), choice="sampled"),
    Page,
    reward="own",
    feed="fresh",
    metrics=(Metric("chance_mean", "", "mean chance of the actions taken", "rises"),),
)
NOTHING = 3
'''


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own", raising=False)


@pytest.mark.parametrize("word", ["mixer=own:WeightedSum", "algorithm=own:WeightedSum"])
def test_a_mixer_of_ones_own_is_learnt_with(word: str, tmp_path: Path) -> None:
    config = load_config("smoke", [word, "first_weight=3", "batch_size=16", "segment_steps=0"])
    assert flat(config)["algorithm.first_weight"] == 3.0
    assert flat(config)["algorithm.td_lambda"] == 0.8
    assert "algorithm.mixing_embed_dim" not in flat(config)
    learner = build(SPEC, config)
    row = learner.update(random_episodes(SPEC, 16))
    assert torch.isfinite(row["loss"])
    assert not torch.equal(learner.policy_state()["mixer"]["weights"], torch.full((2,), 3.0))
    assert learner.health(random_episodes(SPEC, 4))["mixer_share_min"] == pytest.approx(0.5, abs=0.1)
    entry = algorithm_of(config)
    picture = diagram(architecture(SPEC, config), entry.draw_team)
    assert "mixer" in picture
    assert "2 parameters" in picture
    assert entry.paragraph == "**A weighted sum** of the agents' values."


def test_an_algorithm_of_ones_own_owns_its_settings_its_metrics_and_its_networks() -> None:
    config = load_config("smoke", ["algorithm=own:REINFORCE", "temperature=0.5", "batch_size=16", "segment_steps=0"])
    assert {path for path in flat(config) if path.startswith("algorithm.")} == {
        f"algorithm.{name}" for name in ("name", "gamma", "bootstrap_time_limit", "standardize_rewards", "temperature")
    }
    entry = algorithm_of(config)
    assert (entry.reward, entry.feed, entry.spoken) == ("own", "fresh", "own:REINFORCE")
    assert "chance_mean" in metrics(config)
    assert "target_mean" not in metrics(config)
    learner = build(SPEC, config)
    assert learner.choice == "sampled"
    assert learner.target is learner.online
    assert set(learner.update(random_episodes(SPEC, 16))) == {"chance_mean", "loss", "grad_norm"}
    assert learner.thoughts(random_episodes(SPEC, 1)).team_value is None
    assert set(learner.policy_state()) == {"agent"}
    assert "<svg" in diagram(architecture(SPEC, config), entry.draw_team)


def test_what_is_neither_is_a_sentence() -> None:
    config = load_config("smoke", ["algorithm=own:NOTHING"])
    with pytest.raises(
        UserError, match="is neither a lockstep.algorithms.algorithm.Algorithm nor the class of a mixer"
    ):
        algorithm_of(config)
    with pytest.raises(UserError, match="own has no Missing"):
        load_config("smoke", ["algorithm=own:Missing"])


def test_a_file_that_names_an_algorithm_of_ones_own_must_be_vouched_for(tmp_path: Path) -> None:
    config = load_config("smoke", ["mixer=own:WeightedSum"])
    (tmp_path / "theirs.toml").write_text(dump_toml(config))
    with pytest.raises(UserError, match="add --trust to let it run"):
        load_config(str(tmp_path / "theirs.toml"))
    assert load_config(str(tmp_path / "theirs.toml"), ["mixer=vdn"]).algorithm.name == "vdn"
