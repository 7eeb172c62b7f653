"""The public face: what ten lines of Python can do."""

import re
import tomllib
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import lockstep
from lockstep import Run, RunConfig, Team, UserError, evaluate, load_team, make_vec, train
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.registry import make_env
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


def test_a_team_brings_its_world(run: Run) -> None:
    team = load_team(run)
    env = team.make_env(num_envs=3, seed=5)
    assert (env.num_envs, env.spec) == (3, team.spec)
    assert env.reset().tolist() == run.make_env(num_envs=3, seed=5).reset().tolist()


def test_a_worlds_options_may_be_others_than_the_runs(robots: Run) -> None:
    assert robots.make_env(1, 3, time_limit=7).spec.time_limit == 7
    assert load_team(robots).make_env(time_limit=8).spec.time_limit == 8
    assert make_env(robots.config.env, 1, 3, arguments={}).spec.time_limit == 40


@pytest.mark.parametrize("shape", [(2, 3, 7), (2, 1, 2), (1, 2, 3, 4), (5,), ()])
def test_observations_of_another_world_are_a_sentence(run: Run, shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"team.make_env\(\) makes the world that it was trained in"):
        load_team(run).act(np.zeros(shape, np.float32))


def test_another_number_of_lanes_begins_with_a_reset(run: Run) -> None:
    team = load_team(run)
    team.act(team.make_env(num_envs=3).reset())
    with pytest.raises(UserError, match="plays 3 lanes, and was shown 2"):
        team.act(team.make_env(num_envs=2).reset())
    team.reset()
    team.act(team.make_env(num_envs=2).reset())


@pytest.fixture(scope="module")
def robots(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A recurrent team with an onset memory, as it is after no learning at all."""
    words = ["env.time_limit=40", "hidden_dim=16", "recurrent=true", "obs_last_action=true", "segment_steps=0"]
    words += ["warmup_env_steps=0", "t_max=80", "num_envs=2", "test_nepisode=2", "stop_at_test_return=None"]
    words += ["env.arguments.request_queue_size=8", "buffer_size=64", "rewarding_buffer_size=64", "num_threads=1"]
    return train("solve", *words, out=tmp_path_factory.mktemp("runs") / "robots")


def done(team: Team, world: VectorEnv, steps: int = 30) -> list[list[int]]:
    """What the team does in every lane."""
    team.reset()
    obs, told = world.reset(seed=3), []
    for _ in range(steps):
        actions = team.act(obs)
        told.append(actions.reshape(-1).tolist())
        obs = world.step(actions).obs
    return told


def test_a_team_keeps_its_worlds_memory_where_the_world_does_not(robots: Run) -> None:
    team = load_team(robots)
    arguments = dict(team.task.arguments)
    plain = make_vec("rware-tiny-2ag-v2", num_envs=4, seed=3, arguments=arguments)
    assert (plain.spec.obs_dim, team.own_numbers, team.spec.obs_dim) == (71, 71, 73)
    assert done(team, plain) == done(team, team.make_env(num_envs=4, seed=3))


def test_a_team_plays_gymnasiums_and_pettingzoos_face_of_its_world(robots: Run) -> None:
    team = load_team(robots)
    expected = done(team, team.make_env(num_envs=1, seed=3))
    gym = gymnasium.make("rware:rware-tiny-2ag-v2", disable_env_checker=True, request_queue_size=8)
    zoo = lockstep.parallel_env("rware-tiny-2ag-v2", request_queue_size=8)
    team.reset()
    seen, _ = gym.reset(seed=3)
    for actions in expected:
        chosen = team.act(tuple(seen))
        assert list(chosen) == actions
        seen = gym.step(chosen)[0]
    team.reset()
    observations, _ = zoo.reset(seed=3)
    for actions in expected:
        named = team.act(observations)
        assert list(named.values()) == actions
        observations = zoo.step(named)[0]


def test_a_lane_can_begin_anew_alone(robots: Run) -> None:
    team = load_team(robots)
    world = make_vec("rware-tiny-2ag-v2", num_envs=2, seed=3, arguments=dict(team.task.arguments))
    first = world.reset(seed=3).copy()
    for _ in range(5):
        world.step(team.act(first))
    team.reset(np.array([False, True]))
    again = team.act(first)
    team.reset()
    assert again[1].tolist() == team.act(first)[1].tolist()


def test_the_readmes_lines_of_python_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    quick = '"seed=2", "t_max=6400", "warmup_env_steps=2560", "test_nepisode=4", "updates_per_collection=1"'
    assert '"seed=2"' in lines
    exec(compile(lines.replace('"seed=2"', quick).replace("episodes=200", "episodes=4"), "README.md", "exec"), {})
    assert (tmp_path / "team.gif").is_file()


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
