"""The public face: what ten lines of Python can do."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

import lockstep
from lockstep import Run, RunConfig, UserError, evaluate, load_team, train
from tests.training.test_session import config

SHORT = ("training.max_env_steps=400", "evaluation.every_env_steps=200")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(config(), *SHORT, out=tmp_path_factory.mktemp("runs") / "run")


def test_everything_that_the_face_names_is_there() -> None:
    assert all(hasattr(lockstep, name) for name in lockstep.__all__)


def test_a_run_knows_what_was_asked_and_what_came_of_it(run: Run) -> None:
    assert isinstance(run.config, RunConfig)
    assert (run.status, run.config.training.max_env_steps) == ("finished", 400)
    assert run.evaluations["env_steps"][-1] >= 400
    assert Run(run.path).path == run.path


def test_a_run_goes_on_to_a_later_end(tmp_path: Path) -> None:
    began = train(config(), *SHORT, out=tmp_path / "run")
    assert began.resume("t_max=480").config.training.max_env_steps == 480
    with pytest.raises(UserError, match="keeps its"):
        began.resume("lr=1")


def test_a_team_plays_step_by_step_what_its_evaluation_plays(run: Run) -> None:
    judged = evaluate(run, episodes=8)
    team, env = load_team(run), run.make_env(num_envs=8, seed=0)
    earned = []
    for _ in range(2):  # the second episode begins with nothing remembered of the first
        team.reset()
        obs, total, running = env.reset(seed=judged_seed(run)), np.zeros(8), np.ones(8, dtype=bool)
        while running.any():
            step = env.step(team.act(obs, env.available_actions()), running)
            total, obs = total + step.reward.sum(-1) * running, step.obs
            running = running & ~(step.terminated | step.truncated)
        earned.append(total.tolist())
    assert earned[0] == earned[1] == judged.returns.tolist()
    assert judged.mean == np.mean(earned[0])


def judged_seed(run: Run) -> int:
    from lockstep.seeding import derive_seed

    return derive_seed(run.config.seed, "confirm")


def test_one_lane_needs_no_axis_of_lanes(run: Run) -> None:
    team = load_team(run)
    obs = run.make_env(num_envs=1, seed=3).reset()
    many = team.act(obs)
    team.reset()
    assert team.act(obs[0]).tolist() == many[0].tolist()


def test_a_logger_of_ones_own_writes_its_file_once_also_after_a_resume(tmp_path: Path) -> None:
    began = train(config(), *SHORT, 'logging.loggers=["examples.own_logger:ReturnsFile"]', out=tmp_path / "run")
    began.resume("t_max=800")
    lines = (began.path / "returns.csv").read_text().splitlines()
    steps = [int(line.partition(",")[0]) for line in lines[1:]]
    assert steps == sorted(set(steps)) == [int(value) for value in began.evaluations["env_steps"]]
    assert tomllib.loads((began.path / "config.toml").read_text())["logging"]["loggers"]


def test_what_cannot_work_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean"):
        train("smoke", "env.key=rware-tini-2ag-v2", out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
