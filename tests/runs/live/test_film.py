"""Recorded episodes, played again: the same game, or a sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from lockstep.config.load import load_config
from lockstep.config.presets import smoke
from lockstep.envs.registry import make_vec
from lockstep.envs.rware.snapshot import Snapshot
from lockstep.errors import UserError
from lockstep.run_directory import RunDirectory, read_rows
from lockstep.runs.live.film import film, play_again
from tests.runs.live.recorded import recording


def test_a_film_has_every_moment_from_before_the_first_step() -> None:
    shown = film(smoke(), recording(1000))
    assert (shown["env_steps"], shown["width"], shown["height"], shown["goals"]) == (1000, 5, 5, ((2, 4),))
    assert shown["highways"] == ["11111", "10101", "10101", "11111", "11111"]
    assert len(shown["frames"]) == 41
    assert len(shown["shelves"]) == 4
    assert shown["frames"][0]["moved"] == []
    json.dumps(shown)


def test_shelves_moved_step_by_step_end_where_the_simulator_has_them() -> None:
    row = recording(1000, seed=8)
    _, snapshots, _ = play_again(smoke(), row)
    shown = film(smoke(), row)
    shelves = list(shown["shelves"])
    for frame in shown["frames"]:
        for number, x, y in frame["moved"]:
            shelves[number - 1] = (x, y)
    first, last = snapshots[0], snapshots[-1]
    assert isinstance(first, Snapshot)
    assert isinstance(last, Snapshot)
    assert first.shelves != last.shelves
    assert tuple(shelves) == last.shelves


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
    assert (shown["kind"], len(shown["landmarks"]), len(shown["frames"])) == ("plane", 3, 26)
    last = env.places()[0][0]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(shown["frames"][-1]["agents"], last)


def test_training_records_an_episode_at_every_evaluation_that_plays_again(tmp_path: Path) -> None:
    from lockstep.loggers import JsonlLogger
    from lockstep.training.trainer import train

    words = ["num_envs=4", "warmup_env_steps=0", "t_max=640", "test_interval=320", "test_nepisode=6", "batch_size=4"]
    config = load_config("smoke", [*words, "num_threads=1", "save_model_interval=10_000"])
    run = RunDirectory.create(tmp_path / "run", "smoke", 1, "")
    train(config, run, [JsonlLogger(run)])
    recordings, evaluations = read_rows(run.recordings), read_rows(run.evaluations)
    assert [row["env_steps"] for row in recordings] == [row["env_steps"] for row in evaluations] == [320, 640]
    for row in recordings:
        played, snapshots, _ = play_again(config, row)
        assert len(snapshots) == 41
        assert played.earned == row["return"]
    run.truncate_rows_after(320)
    assert len(read_rows(run.recordings)) == 1
