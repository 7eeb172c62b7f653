"""A mixer is its formula."""

from itertools import product
from typing import Any

import pytest
import torch
from torch.nn import functional

from lockstep.config.schema import QMIXConfig, QPLEXConfig
from lockstep.envs.probes.games import PROBES
from lockstep.networks.mixers import JointValue, MixingInputs, QMIXMixer, QPLEXMixer
from tests.episodes import SPEC


@pytest.mark.parametrize("layers", [1, 2])
def test_qmix_is_two_layers_whose_weights_are_made_from_the_state(layers: Any) -> None:
    """Rashid et al. 2018: Q_tot = |w2(s)|^T elu(|W1(s)| q + b1(s)) + V(s), here for one state after the other."""
    mixer = QMIXMixer(3, 7, QMIXConfig(mixing_embed_dim=4, hypernet_embed_dim=6, hypernet_layers=layers)).double()
    q, state = torch.randn(2, 5, 3, dtype=torch.float64), torch.randn(2, 5, 7, dtype=torch.float64)
    mixed = mixer(q, MixingInputs(state, torch.zeros(2, 5, 3, dtype=torch.int64), q))
    for b in range(2):
        for t in range(5):
            s = state[b, t]
            hidden = functional.elu(q[b, t] @ mixer.w1(s).abs().view(3, 4) + mixer.b1(s))
            torch.testing.assert_close(mixed[b, t], (hidden @ mixer.w2(s).abs() + mixer.v(s)).view(1))


@pytest.mark.parametrize("layers", [1, 3])
def test_qplex_adds_values_and_weighs_advantages_by_state_and_actions(layers: Any) -> None:
    """Wang et al. 2021, section 3.2: V_tot = sum V_i, A_tot = sum lambda_i A_i, here for one agent after the other."""
    config = QPLEXConfig(hypernet_embed_dim=6, attention_heads=3, attention_layers=layers, attention_embed_dim=5)
    mixer = QPLEXMixer(SPEC, config).double()
    q, best = torch.randn(2, 4, 2, dtype=torch.float64), torch.full((2, 4, 2), 3.0, dtype=torch.float64)
    state, actions = torch.randn(2, 4, 10, dtype=torch.float64), torch.randint(3, (2, 4, 2))
    mixed = mixer(q, MixingInputs(state, actions, best))
    for b in range(2):
        for t in range(4):
            s, (first, second) = state[b, t], actions[b, t].tolist()
            with_actions = torch.cat([s, torch.eye(3)[first], torch.eye(3)[second]])
            w, offset, total = mixer.w(s).abs(), mixer.b(s), torch.zeros((), dtype=torch.float64)
            for agent in range(2):
                value = w[agent] * best[b, t, agent] + offset[agent]  # V_i, what its best action is worth
                advantage = w[agent] * (q[b, t, agent] - best[b, t, agent])
                weight = torch.zeros((), dtype=torch.float64)
                for head in range(3):
                    whose, what = (torch.sigmoid(x.view(3, 2)[head, agent]) for x in _attention(mixer, s, with_actions))
                    weight = weight + mixer.key(s).abs()[head] * whose * what
                total = total + value + weight * advantage
            torch.testing.assert_close(mixed[b, t, 0], total)


def _attention(mixer: QPLEXMixer, state: torch.Tensor, with_actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return mixer.agent(state), mixer.action(with_actions)


def test_no_weight_of_qplex_makes_another_choice_worth_more_than_the_best() -> None:
    mixer = QPLEXMixer(SPEC, QPLEXConfig())
    q, best = torch.randn(64, 4, 2), torch.full((64, 4, 2), 3.0)
    state, actions = torch.randn(64, 4, 10), torch.randint(3, (64, 4, 2))
    others = MixingInputs(state, actions, best)
    assert bool((mixer(q.clamp(max=2.9), others) < mixer(best, others)).all())


def test_exchanged_actions_are_valued_as_if_they_had_been_taken() -> None:
    joint = JointValue(SPEC, 8).double()
    state, actions = torch.randn(2, 4, 10, dtype=torch.float64), torch.randint(3, (2, 4, 2))
    exchanged = joint.exchanged(state, actions)
    for agent in range(2):
        for action in range(3):
            other = actions.clone()
            other[..., agent] = action
            torch.testing.assert_close(exchanged[..., agent, action], joint(state, other)[..., 0])


@pytest.mark.parametrize(("mixer", "least", "most"), [("qplex", 0.0, 0.2), ("qmix", 6.0, 20.0)])
def test_qplex_can_tell_all_payoffs_of_a_game_that_qmix_cannot(mixer: str, least: float, most: float) -> None:
    """Son et al. 2019, table 1: above agents who prefer the pair that earns 8, a rising function cannot fall from 0 to
    -12 where one of them does the better thing, so about one of the two it is wrong by 6 at least."""
    game = PROBES["probe-nonmonotonic"]
    torch.manual_seed(0)
    config, best = QPLEXConfig(stop_gradient=False), 5.0
    subject = QMIXMixer(2, 2, QMIXConfig()) if mixer == "qmix" else QPLEXMixer(game(1).spec, config)
    pairs = torch.tensor(list(product(range(3), repeat=2)))
    values = torch.tensor([best, 0.0, -1.0])[pairs].unsqueeze(1)
    inputs = MixingInputs(torch.zeros(9, 1, 2), pairs.unsqueeze(1), torch.full((9, 1, 2), best))
    payoff = torch.from_numpy(game(9).earn(pairs.numpy())).float()
    optimizer = torch.optim.Adam(subject.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        wrong = subject(values, inputs).flatten() - payoff
        wrong.square().mean().backward()
        optimizer.step()
    assert least - 0.01 <= float(wrong.detach().abs().max()) < most
