"""What a recording remembers is what happened, and what the team thought."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lockstep.acting.policy import RandomPolicy
from lockstep.config.load import dump_toml, load_config
from lockstep.config.presets import smoke
from lockstep.envs.particles.heuristic import LandmarkAssignment
from lockstep.envs.registry import make_env, make_vec
from lockstep.errors import UserError
from lockstep.networks.greedy_policy import GreedyPolicy
from lockstep.networks.mixers import MixingInputs
from lockstep.runs.directory import RunDirectory
from lockstep.teams.demo import DEMO_TEAMS, play_demo
from lockstep.teams.judge import evaluate_reference
from lockstep.teams.play import play
from lockstep.teams.record import Player, record_episode
from tests.learners import build

KEY = "rware-tiny-2ag-v2"


def test_both_engines_record_the_same_episode() -> None:
    recordings = []
    for engine in ("lockstep", "official"):
        env = make_vec(KEY, 1, time_limit=60, engine=engine)
        team = Player(RandomPolicy(5, np.random.default_rng(2)), "random")
        recordings.append(record_episode(env, team, seed=9, engine="any"))
    assert recordings[0] == recordings[1]
    assert recordings[0].num_frames == len(recordings[0].moments) == 61


def test_values_and_weights_are_the_networks_own() -> None:
    config = smoke()
    env = make_env(config.env, 1, 4)
    learner = build(env.spec, config)
    team = Player(GreedyPolicy(learner.actor, env.spec, config.network), "untrained", learner.thoughts)
    recording = record_episode(env, team, seed=4)
    obs = env.reset(4)
    policy = team.policy
    assert isinstance(policy, GreedyPolicy)
    q, _ = policy.values(obs, np.full((1, 2), -1, dtype=np.int64), None)
    first = recording.steps[0]
    assert first.values is not None
    np.testing.assert_allclose(first.values, q[0].numpy(), rtol=1e-6)
    assert first.actions == tuple(q[0].argmax(-1).tolist())
    # Raise one agent's value a little: the team's rises by the weight times that.
    taken = q.amax(-1).double().clone().unsqueeze(1)
    mixer = learner.online["mixer"].double()
    inputs = MixingInputs(torch.from_numpy(obs.reshape(1, 1, -1)).double(), q.argmax(-1).unsqueeze(1), taken)
    with torch.no_grad():
        before = mixer(taken, inputs).item()
        taken[0, 0, 1] += 1e-4
        slope = (mixer(taken, inputs).item() - before) / 1e-4
    assert first.weights is not None
    assert first.weights[1] == pytest.approx(slope, rel=1e-3)
    assert first.team_value == pytest.approx(before, rel=1e-4)


def test_a_policy_tells_chances_and_its_critic_what_it_expected() -> None:
    config = load_config("smoke", ["algorithm=mappo", "env.time_limit=6"])
    env = make_env(config.env, 1, seed=5)
    learner = build(env.spec, config)
    team = Player(GreedyPolicy(learner.actor, env.spec, config.network), "untrained", learner.thoughts)
    recording = record_episode(env, team, seed=5)
    assert recording.thinks_in == recording.to_json()["thinksIn"] == "chances"
    for step in recording.steps:
        assert step.values is not None
        assert step.team_value is not None
        assert step.advantage is not None
        assert [sum(chances) for chances in step.values] == pytest.approx([1.0, 1.0], abs=1e-5)
        assert step.weights is None
        assert step.team_value + step.advantage == pytest.approx(0.0)  # a fresh critic expects nothing; nothing came


def test_a_random_team_has_no_thoughts() -> None:
    env = make_vec(KEY, 1, time_limit=5)
    step = record_episode(env, Player(RandomPolicy(5, np.random.default_rng(1)), "random"), 1).steps[0]
    assert (step.values, step.weights, step.team_value) == (None, None, None)


def test_a_world_that_draws_itself_gives_pictures() -> None:
    class Canvas:
        """A probe with a picture: its brightness is the step."""

        def __init__(self) -> None:
            self.inner = make_vec("probe-coin", 1)
            self.spec, self.num_envs, self.time = self.inner.spec, 1, 0

        def __getattr__(self, name: str) -> object:
            return getattr(self.inner, name)

        def picture(self, lane: int) -> np.ndarray:
            self.time += 1
            return np.full((4, 6, 3), self.time, dtype=np.uint8)

    env = Canvas()
    team = Player(RandomPolicy(env.spec.num_actions, np.random.default_rng(1)), "random")
    recording = record_episode(env, team, 1)  # type: ignore[arg-type]
    assert [int(picture[0, 0, 0]) for picture in recording.moments] == list(range(1, recording.num_frames + 1))


def test_what_cannot_be_drawn_is_a_sentence() -> None:
    with pytest.raises(UserError, match="cannot be drawn"):
        record_episode(make_vec("probe-coin", 1), Player(RandomPolicy(2, np.random.default_rng(1)), "random"), 1)


def test_the_team_in_the_package_is_small_and_delivers() -> None:
    import lockstep.teams.demo as module

    assert (Path(module.__file__).parent / DEMO_TEAMS["rware"]).stat().st_size < 300_000
    recording = play_demo()
    assert recording.engine == "official"
    assert recording.returns()[-1] / len(recording.steps) > 0.025  # 2.5 in 100 steps is what counts as solved
    assert recording.steps[0].weights is not None
    assert recording == play_demo()


def test_a_team_of_foragers_comes_along_too() -> None:
    import lockstep.teams.demo as module

    assert (Path(module.__file__).parent / DEMO_TEAMS["foraging"]).stat().st_size < 200_000
    recording = play_demo(family="foraging")
    assert recording.returns()[-1] == pytest.approx(1.0)  # all food
    assert recording.steps[0].weights is not None
    with pytest.raises(UserError, match="No trained team comes along for 'chess'; there are: rware, foraging"):
        play_demo(family="chess")


def test_reference_teams_are_judged_where_the_run_was(tmp_path: Path) -> None:
    """Random earns next to nothing, a sensible programmer much: on the smoke floor as on every other."""
    run = RunDirectory.create(tmp_path / "run", "smoke", 1, dump_toml(smoke()))
    settings = load_config(str(run.config))
    random, heuristic = (evaluate_reference(settings, policy, episodes=20) for policy in ("random", "heuristic"))
    assert len(random.returns) == len(heuristic.returns) == 20
    assert heuristic.returns.min() > random.returns.max()
    official = evaluate_reference(settings, "heuristic", episodes=20, engine="official")
    np.testing.assert_array_equal(official.returns, heuristic.returns)
    assert not run.judgements.exists()


def test_particles_have_a_heuristic_team_too() -> None:
    random, heuristic = (
        play(policy=policy, env_key="mpe:simple_spread_v3", seed=3)[0] for policy in ("random", "heuristic")
    )
    assert heuristic.returns()[-1] > random.returns()[-1]
    assert len(heuristic.moments) == 26
    assert heuristic.scene.action_names == ("stay", "left", "right", "down", "up")
    with pytest.raises(UserError, match="up to 7 agents, not of 8"):
        LandmarkAssignment(8)
