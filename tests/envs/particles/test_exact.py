"""The compiled particle games are mpe2's, to the last bit, and are seen as environments of others are."""

from typing import Any

import numpy as np
import pytest
import torch

from lockstep.acting.policy import RandomPolicy
from lockstep.cli import main
from lockstep.envs.particles import games
from lockstep.envs.particles import verify as verification
from lockstep.envs.particles.games import GAMES
from lockstep.envs.particles.simulator import ParticleSimulator
from lockstep.envs.particles.verify import verify
from lockstep.envs.registry import make_vec
from lockstep.errors import UserError
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.rollout import collect
from tests.experience.test_playing import EXPLORATION, NETWORKS, assert_same, assert_same_ways


def test_no_step_differs_from_the_package(fresh_seed: int) -> None:
    report = verify(steps=2_400, seed=fresh_seed)
    assert report.difference is None
    assert report.steps == 2_400
    assert [row.game for row in report.games] == [*GAMES]
    assert sum(row.touches for row in report.games) > 0


@pytest.mark.slow
def test_no_step_of_many_differs_from_the_package(fresh_seed: int) -> None:
    assert verify(steps=60_000, seed=fresh_seed).difference is None


def test_a_difference_is_found_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "DRIVERS", (verification._at_random,))
    step = ParticleSimulator.step

    def wrong(self: ParticleSimulator, actions: Any, mask: Any = None) -> Any:
        return step(self, (actions + 1) % 5, mask)

    monkeypatch.setattr(ParticleSimulator, "step", wrong)
    report = verify("tag", steps=50, seed=1)
    assert report.difference is not None
    assert "differs in simple_tag_v3" in report.difference
    assert "seed" in report.text()


def test_the_command_compares_the_games_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("mpe", "particles"):
        assert main(["verify", word, "--steps", "60", "--seed", "3", "--keys", "mpe:simple_p*"]) == 0
    said = capsys.readouterr().out
    assert "60 steps compared (seed 3), no difference" in said
    assert "simple_push_v3" in said
    assert "simple_tag_v3" not in said
    assert main(["verify", "mpe", "--keys", "chess"]) == 2


def random_batch(key: str, **arguments: Any) -> EpisodeBatch:
    """Of seeds 5 and 6, the same actions for the same masks."""
    env = make_vec(key, 2, **arguments)
    return collect(env, RandomPolicy(env.spec.num_actions, np.random.default_rng(1)), seed=5)


def test_a_speaker_and_a_listener_are_recorded_as_the_package_is_masks_and_padding_included() -> None:
    """Whoever trained there before goes on in the same world."""
    compiled = random_batch("mpe:simple_speaker_listener_v4")
    assert_same(compiled, random_batch("mpe2.simple_speaker_listener_v4:parallel_env"))
    assert compiled.available is not None
    assert compiled.available[0, 0].sum(-1).tolist() == [3, 5]
    assert not compiled.obs[:, :, 0, 3:].any(), "a speaker sees three numbers"


@pytest.mark.parametrize("name", [name for name in GAMES if "speaker" not in name])
def test_the_other_games_are_recorded_as_the_package_is_but_for_masks_that_allow_everything(name: str) -> None:
    compiled = random_batch(f"mpe:{name}").fields()
    package = random_batch(f"mpe2.{name}:parallel_env").fields()
    allowed = package.pop("available")
    assert allowed[:, :-1].all()
    # With masks a random policy draws otherwise, so the compiled game is played by the same actions.
    assert compiled.keys() == package.keys()
    env = make_vec(f"mpe:{name}", 2)
    obs = [env.reset(5).copy()]
    for t, actions in enumerate(package["actions"].transpose(0, 1).numpy()):
        step = env.step(actions)
        obs.append(step.obs.copy())
        assert np.allclose(step.reward.sum(-1), package["reward"][:, t, 0], atol=1e-5)
    assert torch.equal(torch.from_numpy(np.stack(obs, 1)), package["obs"])


@pytest.mark.parametrize("name", ["simple_reference_v3", "simple_tag_v3"])
def test_games_play_teams_by_themselves(name: str) -> None:
    batch = assert_same_ways(
        lambda: make_vec(f"mpe:{name}", 3, max_cycles=12), NETWORKS["recurrent"], EXPLORATION["epsilon"]
    )
    assert batch.reward.any()


def test_a_game_of_unequal_agents_is_stepped() -> None:
    assert not make_vec("mpe:simple_speaker_listener_v4", 1).plays_teams  # type: ignore[attr-defined]


def placed(name: str, arguments: dict[str, Any], **state: Any) -> ParticleSimulator:
    env = make_vec(f"mpe:{name}", 1, **arguments)
    assert isinstance(env, ParticleSimulator)
    env.reset()
    env.set_state(env.get_state() | {what: np.array([value]) for what, value in state.items()})
    return env


def test_a_word_is_heard_in_the_step_in_which_it_is_said() -> None:
    env = placed("simple_speaker_listener_v4", {}, goals=[2, 2])
    assert env.reset()[0, 1, 8:].tolist() == [0.0, 0.0, 0.0]
    assert env.step(np.array([[1, 0]])).obs[0, 1, 8:].tolist() == [0.0, 1.0, 0.0]


def test_the_speaker_sees_the_goals_color_and_both_pay_the_square_of_the_distance() -> None:
    env = placed(
        "simple_speaker_listener_v4", {}, goals=[1, 1], positions=[[0, 0], [3, 4]], landmarks=[[1, 1], [0, 0], [2, 2]]
    )
    step = env.step(np.array([[0, 0]]))
    assert step.obs[0, 0, :3].tolist() == pytest.approx([0.15, 0.65, 0.15])
    assert step.reward[0].tolist() == [-25.0, -25.0]


def test_each_agent_is_paid_for_where_the_other_one_is_told_to_go() -> None:
    """Agent 0 is told of landmark 0, which agent 1 is 5 away from; agent 0 stands 1 from landmark 1. Half is shared."""
    env = placed(
        "simple_reference_v3", {}, goals=[0, 1], positions=[[1, 0], [3, 4]], landmarks=[[0, 0], [2, 0], [9, 9]]
    )
    assert env.step(np.zeros((1, 2), dtype=int)).reward[0].tolist() == [-4.0, -2.0]


def test_the_adversarys_distance_is_the_good_agents_gain() -> None:
    env = placed(
        "simple_adversary_v3", {}, goals=[0, 0, 0], positions=[[3, 4], [0, 1], [0, 2]], landmarks=[[0, 0], [1, 1]]
    )
    assert env.step(np.zeros((1, 3), dtype=int)).reward[0].tolist() == [-5.0, 4.0, 4.0]


def test_a_touch_is_worth_ten_to_every_hunter_and_leaving_the_field_costs() -> None:
    rules = {"num_adversaries": 2, "num_obstacles": 0}
    env = placed("simple_tag_v3", rules, positions=[[0.95, 0.0], [-0.5, 0.0], [0.95, 0.1]])
    reward = env.step(np.zeros((1, 3), dtype=int)).reward[0]
    assert reward.tolist() == pytest.approx([10.0, 10.0, -10.5])


def test_prey_is_faster_than_its_hunters() -> None:
    env = placed("simple_tag_v3", {"num_obstacles": 0}, positions=[[-3, 0], [-3, 1], [-3, 2], [3, 0]])
    for _ in range(20):
        env.step(np.full((1, 4), 4))
    assert env.places().velocities[0, :, 1].tolist() == pytest.approx([1.0, 1.0, 1.0, 1.3])


def test_an_obstacle_pushes_and_stays() -> None:
    env = placed(
        "simple_tag_v3",
        {"num_adversaries": 1, "num_obstacles": 1},
        positions=[[0.1, 0.0], [2, 2]],
        landmarks=[[0.0, 0.0]],
    )
    env.step(np.zeros((1, 2), dtype=int))
    assert env.places().velocities[0, 0, 0] > 0.5
    assert env.places().landmarks[0, 0].tolist() == [0.0, 0.0]


def test_the_one_that_pushes_earns_the_others_distance() -> None:
    env = placed("simple_push_v3", {}, goals=[1, 1], positions=[[0, 1], [3, 4]], landmarks=[[9, 9], [0, 0]])
    step = env.step(np.zeros((1, 2), dtype=int))
    assert step.reward[0].tolist() == [4.0, -5.0]
    assert step.obs[0, 1, 4:7].tolist() == [0.25, 0.25, 0.75]


def test_the_nearest_are_seen_first_and_missing_ones_are_nowhere() -> None:
    env = placed(
        "simple_spread_v3",
        {"num_agent_neighbors": 1, "num_landmark_neighbors": 4},
        positions=[[0, 0], [3, 0], [2, 0]],
        landmarks=[[0, 3], [0, 1], [0, 2]],
    )
    obs = env.step(np.zeros((1, 3), dtype=int)).obs[0, 0]
    assert obs[4:].tolist() == [0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("simple_tag_v3", {"num_good": 0}, "num_good=0 must be a whole number from 1 to 50"),
        ("simple_tag_v3", {"curriculum": True}, "mpe2.simple_tag_v3:parallel_env"),
        ("simple_tag_v3", {"N": 3}, "'N' is no argument of simple_tag_v3; known are: num_good"),
        ("simple_push_v3", {"continuous_actions": True}, "mpe2.simple_push_v3:parallel_env"),
        ("simple_adversary_v3", {"num_agent_neighbors": 0}, "num_agent_neighbors=0 must be"),
        ("simple_reference_v3", {"local_ratio": True}, "from 0 to 1"),
    ],
)
def test_impossible_rules_are_refused(name: str, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make_vec(f"mpe:{name}", 1, **arguments)


def test_what_an_agent_cannot_do_is_refused_by_its_name() -> None:
    env = make_vec("mpe:simple_speaker_listener_v4", 1)
    env.reset()
    with pytest.raises(UserError, match="Action 3 does not exist for speaker_0; there are 0 to 2"):
        env.step(np.array([[3, 0]]))


def test_the_same_limit_may_be_said_twice() -> None:
    """Folders of runs that the package played say both."""
    assert make_vec("mpe:simple_tag_v3", 1, time_limit=40, max_cycles=40).spec.time_limit == 40


def test_every_number_has_a_name_and_every_argument_is_known() -> None:
    for name, make in games.GAMES.items():
        game = make()
        assert all(len(set(names)) == len(names) for names in game.features), name
        assert len(game.action_names) == max(game.num_actions)
