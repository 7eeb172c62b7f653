"""Recorded episodes, played again: the same game, or a sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from lockstep.config.load import load_config
from lockstep.config.presets import smoke
from lockstep.envs.registry import make_vec
from lockstep.envs.rware.simulator import Simulator
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.show.live.film import film, play_again
from tests.show.live.recorded import recording


def test_a_film_has_every_moment_from_before_the_first_step() -> None:
    shown = film(smoke(), recording(1000))
    assert shown["env_steps"] == 1000
    assert (shown["floor"]["width"], shown["floor"]["height"], shown["floor"]["goals"]) == (5, 5, [[2, 4]])
    assert shown["floor"]["places"] == [[1, 1], [3, 1], [1, 2], [3, 2]]
    assert (len(shown["frames"]), len(shown["steps"]), len(shown["floor"]["shelves"])) == (41, 40, 4)
    json.dumps(shown)


def test_playing_again_ends_where_the_first_play_ended() -> None:
    task, row = smoke().env, recording(1000, seed=8)
    env_steps, shown = play_again(smoke(), row)
    env = make_vec(task.key, 1, seed=8, time_limit=task.time_limit, layout=task.arguments["layout"])
    env.reset(8)
    assert isinstance(env, Simulator)
    assert shown.moments[0] == env.snapshot(0)
    for actions in row["actions"]:
        env.step(np.array([actions]))
    assert (env_steps, shown.moments[-1]) == (1000, env.snapshot(0))
    assert shown.moments[0].shelves != shown.moments[-1].shelves
    assert "pick-up" in {event.kind for step in shown.steps for event in step.events}


def test_an_episode_that_earned_something_else_is_not_shown() -> None:
    with pytest.raises(UserError, match="another version"):
        film(smoke(), {**recording(1000), "return": 99.0})


@pytest.mark.parametrize(
    "damage", [{"actions": None}, {"actions": [[0.5, 1]]}, {"seed": -1}, {"seed": "x"}, {"return": float("nan")}]
)
def test_a_damaged_recording_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(UserError, match="damaged"):
        film(smoke(), {**recording(1000), **damage})


@pytest.mark.parametrize("actions", [[[9, 9]], [[0]], [[0, 0]] * 41])
def test_actions_that_the_world_refuses_are_refused(actions: list[list[int]]) -> None:
    with pytest.raises(UserError):
        film(smoke(), {**recording(1000), "actions": actions})


def test_a_world_without_a_picture_says_so() -> None:
    config = load_config("smoke", ["env.key=probe-coin", "env.arguments={}", "env.time_limit=None"])
    with pytest.raises(UserError, match="no picture"):
        film(config, recording(1000))


def test_particles_have_a_film_too() -> None:
    config = load_config("smoke", ["env.key=mpe:simple_spread_v3", "env.arguments={}", "env.time_limit=None"])
    env = make_vec("mpe:simple_spread_v3", 1, seed=3)
    env.reset(3)
    actions = np.random.default_rng(3).integers(0, 5, (25, 1, 3))
    earned = sum(float(env.step(action).reward.sum()) for action in actions)
    shown = film(config, {"env_steps": 10, "seed": 3, "return": earned, "actions": actions[:, 0].tolist()})
    assert (shown["kind"], len(shown["landmarks"]), len(shown["planes"])) == ("particles", 3, 26)
    last = env.places()[0][0]  # type: ignore[attr-defined]
    np.testing.assert_allclose(shown["planes"][-1], last, atol=1e-4)


def test_training_records_an_episode_at_every_evaluation_that_plays_again(tmp_path: Path) -> None:
    from lockstep.runs.loggers import JsonlLogger
    from lockstep.training.trainer import train

    words = ["num_envs=4", "warmup_env_steps=0", "t_max=640", "test_interval=320", "test_nepisode=6", "batch_size=4"]
    config = load_config("smoke", [*words, "num_threads=1", "save_model_interval=10_000"])
    run = RunDirectory.create(tmp_path / "run", "smoke", 1, "")
    train(config, run, [JsonlLogger()])
    recordings, evaluations = read_rows(run.recordings), read_rows(run.evaluations)
    assert [row["env_steps"] for row in recordings] == [row["env_steps"] for row in evaluations] == [320, 640]
    for row in recordings:
        _, played = play_again(config, row)
        assert played.num_frames == 41
        assert played.returns()[-1] == row["return"]
    run.truncate_rows_after(320)
    assert len(read_rows(run.recordings)) == 1
