"""Every algorithm on worlds whose answers are known. The assertions are numbers."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.config.schema import RunConfig
from lockstep.config.schema.algorithms import SECTIONS
from lockstep.envs.probes.games import PROBES, Probe
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.mixers import MixingInputs
from lockstep.training.session import Session
from tests.learners import build


def trained(probe: str, algorithm: str, rounds: int = 150, seed: int = 1, **changes: Any) -> Session:
    """A small learner after `rounds` collections of 32 uniformly random episodes and 2 updates each."""
    network = {"recurrent": False, "hidden_dim": 32, "mixing_embed_dim": 16, "hypernet_embed_dim": 16}
    target = {"target_sync_updates": 20} if "target_sync_updates" in SECTIONS[algorithm].model_fields else {}
    config = RunConfig.model_validate(
        {
            "seed": seed,
            "env": {"key": f"probe-{probe}"},
            "collection": {"num_envs": 32},
            "exploration": {"epsilon_start": 1.0, "epsilon_finish": 1.0},
            "network": network | changes.pop("network", {}),
            "algorithm": {"name": algorithm, "gamma": 0.9} | target | changes,
            "replay": {"buffer_size": 20_000, "batch_size": 64},
            "optimizer": {"lr": 3e-3},
            "training": {"updates_per_collection": 2},
        }
    )
    session = Session(config)
    for _ in range(rounds):
        session.advance()
    return session


def test_return(session: Session) -> float:
    return float(session.evaluate(100).returns.mean())


test_return.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("algorithm", ["iql", "vdn", "qmix", "pqn_vdn"])
def test_a_single_reward_is_learnt(algorithm: str) -> None:
    assert test_return(trained("one-step", algorithm, rounds=20 if algorithm == "pqn_vdn" else 60)) == 1.0


@pytest.mark.parametrize(("algorithm", "rounds"), [("iql", 150), ("vdn", 150), ("qmix", 150), ("pqn_qmix", 40)])
def test_observations_matter(algorithm: str, rounds: int) -> None:
    assert test_return(trained("coin", algorithm, rounds)) == 1.0


def best_first_value(session: Session) -> float:
    """What the learner believes the first state to be worth: the mixture of the agents' best utilities."""
    obs = session.env.reset(seed=0)
    q, _ = session.policy.values(obs, np.full(obs.shape[:2], -1), None)
    best = q.amax(-1).unsqueeze(1)
    inputs = MixingInputs(torch.from_numpy(obs).flatten(1).unsqueeze(1), torch.zeros_like(best, dtype=torch.long), best)
    assert isinstance(session.learner, GradientLearner)
    return float(session.learner.online["mixer"](best, inputs).detach().mean())


@pytest.mark.parametrize("target", [{}, {"td_lambda": 0.8}, {"n_step": 3}])
def test_the_value_four_steps_before_a_reward_is_gamma_to_the_four(target: dict[str, Any]) -> None:
    session = trained("discounting", "qmix", rounds=300, **target)
    assert best_first_value(session) == pytest.approx(0.9**4, abs=0.03)


def test_only_memory_names_a_coin_seen_before() -> None:
    remembering = trained("memory", "qmix", rounds=300, network={"recurrent": True})
    forgetful = trained("memory", "qmix", rounds=300, network={"recurrent": False})
    assert test_return(remembering) == 1.0
    assert test_return(forgetful) < 0.75


@pytest.mark.parametrize(("algorithm", "belief"), [("iql", 4.5), ("vdn", 6.5), ("qmix", 8.0)])
def test_only_qmix_knows_what_acting_together_is_worth(algorithm: str, belief: float) -> None:
    assert best_first_value(trained("matrix", algorithm, rounds=300)) == pytest.approx(belief, abs=0.3)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [("iql", 7.0), ("vdn", 7.0), ("qmix", 8.0)],
)
def test_qmix_sees_the_eight_of_the_two_step_game(algorithm: str, expected: float) -> None:
    assert test_return(trained("two-step", algorithm, rounds=400, gamma=0.99)) == expected


@pytest.mark.parametrize(
    ("algorithm", "changes"),
    [
        ("qplex", {"attention_heads": 2, "attention_layers": 2}),
        ("owqmix", {"central_embed_dim": 32}),
        ("qtran", {"joint_embed_dim": 32}),
    ],
)
def test_so_do_those_that_came_after_it(algorithm: str, changes: dict[str, Any]) -> None:
    assert test_return(trained("two-step", algorithm, rounds=200, gamma=0.99, **changes)) == 8.0


def studied(game: str, algorithm: str) -> GradientLearner:
    """A small learner that studied every pair of actions of a game, all alike often."""
    world = PROBES[f"probe-{game}"]
    config = RunConfig.model_validate(
        {
            "network": {"recurrent": False, "hidden_dim": 32},
            "algorithm": {"name": algorithm, "target_sync_updates": 20},
            "optimizer": {"lr": 3e-3},
            "training": {"num_threads": 1},
        }
    )
    learner = build(world(1).spec, config)
    for _ in range(400):
        learner.update(every_pair(world))
    return learner


def every_pair(world: type[Probe]) -> EpisodeBatch:
    """An episode for every pair of actions of a game of one step."""
    actions = np.array(list(product(range(world.num_actions), repeat=2)))
    count, once = len(actions), (len(actions), 1, 1)
    return EpisodeBatch(
        obs=torch.zeros(count, 2, 2, world.obs_dim),
        actions=torch.from_numpy(actions).unsqueeze(1),
        reward=torch.from_numpy(world(count).earn(actions)).float().view(once),
        terminated=torch.ones(once, dtype=torch.bool),
        truncated=torch.zeros(once, dtype=torch.bool),
        filled=torch.ones(once, dtype=torch.bool),
    )


def earned(learner: GradientLearner, game: str) -> float:
    """What the agents' best actions earn."""
    first, second = learner.thoughts(every_pair(PROBES[f"probe-{game}"])).values[0].argmax(-1).tolist()
    return float(PROBES[f"probe-{game}"](1).earn(np.array([[first, second]]))[0])


@pytest.mark.parametrize(
    ("algorithm", "reward"),
    [("vdn", 0.0), ("qmix", 0.0), ("owqmix", 8.0), ("cwqmix", 8.0), ("qtran", 8.0), ("qtran_alt", 8.0)],
)
def test_only_what_need_not_be_monotonic_finds_the_eight_among_penalties(algorithm: str, reward: float) -> None:
    assert earned(studied("nonmonotonic", algorithm), "nonmonotonic") == reward


@pytest.mark.parametrize(("algorithm", "reward"), [("vdn", 2.0), ("qmix", 2.0), ("qtran", 10.0), ("qtran_alt", 10.0)])
def test_only_what_need_not_be_monotonic_dares_to_agree_where_half_of_it_costs(algorithm: str, reward: float) -> None:
    assert earned(studied("penalty", algorithm), "penalty") == reward


def drawing(probe: str, algorithm: str, rounds: int = 100, *, recurrent: bool = False) -> Session:
    """A small policy after `rounds` collections of 32 episodes, each studied at once: four times by PPO, else once."""
    config = RunConfig.model_validate(
        {
            "env": {"key": f"probe-{probe}"},
            "collection": {"num_envs": 32},
            "exploration": {"epsilon_start": 0.0, "epsilon_finish": 0.0},
            "network": {"recurrent": recurrent, "hidden_dim": 32},
            "algorithm": {"name": algorithm, "gamma": 0.99},
            "optimizer": {"lr": 5e-3},
            "training": {"num_threads": 1},
        }
    )
    session = Session(config)
    for _ in range(rounds):
        session.advance()
    return session


ACTOR_CRITICS = ["ippo", "mappo", "ia2c", "maa2c"]


@pytest.mark.parametrize("algorithm", ACTOR_CRITICS)
def test_a_policy_learns_a_single_reward(algorithm: str) -> None:
    assert test_return(drawing("one-step", algorithm, rounds=30)) == 1.0


@pytest.mark.parametrize("algorithm", ACTOR_CRITICS)
def test_to_a_policy_observations_matter(algorithm: str) -> None:
    assert test_return(drawing("coin", algorithm)) == 1.0


@pytest.mark.parametrize("algorithm", ACTOR_CRITICS)
def test_a_policy_with_a_memory_names_a_coin_seen_before(algorithm: str) -> None:
    assert test_return(drawing("memory", algorithm, recurrent=True)) == 1.0


def test_a_policy_without_a_memory_guesses_it() -> None:
    assert test_return(drawing("memory", "mappo")) < 0.75


def test_a_critic_knows_what_a_reward_four_steps_ahead_is_worth() -> None:
    session = drawing("discounting", "mappo", rounds=150)
    health = session.evaluation_row(20)
    assert health["test_value_start_mean"] == pytest.approx(0.99**4, abs=0.03)
    assert health["test_discounted_return_mean"] == pytest.approx(0.99**4)
