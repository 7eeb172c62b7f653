"""Worlds written to other libraries' habits train as they are; worlds that behave badly as programs are a sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockstep.cli import main
from lockstep.config.load import load_config
from lockstep.envs.foraging.keys import foraging_arguments
from lockstep.envs.foreign.trial import try_out as try_factory
from lockstep.envs.foreign.workers import WorkerSettings
from lockstep.envs.registry import make_env, make_vec, try_out
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, read_rows
from tests.envs.foreign.strangers import OnlyOne

HERE = "tests.envs.foreign.strangers"
TINY = [
    "collection.num_envs=2",
    "warmup_env_steps=0",
    "hidden_dim=8",
    "replay.batch_size=4",
    "t_max=60",
    "test_interval=30",
    "test_nepisode=2",
    "log_interval=30",
    "tensorboard=False",
    "num_threads=1",
]


def train(tmp_path: Path, name: str, *words: str, code: int = 0) -> RunDirectory:
    run = tmp_path / "run"
    arguments = ["train", "report-week1", f"env.key={HERE}:{name}", *TINY, *words, "--no-doctor", "--out", str(run)]
    assert main(arguments) == code
    return RunDirectory(run)


def task(name: str, *words: str) -> Any:
    return load_config("report-week1", [f"env.key={HERE}:{name}", *words]).env


@pytest.mark.parametrize(
    ("name", "words"),
    [("SmacLike", ["env.state=own"]), ("RllibLike", ["env.arguments.config.length=5"])],
)
def test_worlds_of_epymarls_and_rllibs_habits_train(name: str, words: list[str], tmp_path: Path) -> None:
    run = train(tmp_path, name, *words, "-q")
    assert read_rows(run.metrics)[-1]["updates"] > 0
    assert read_rows(run.evaluations)[-1]["episodes"] == 2
    assert main(["evaluate", str(run.path), "--episodes", "3"]) == 0


def test_smacs_calls_give_masks_state_and_the_kind_of_end() -> None:
    env = make_vec(f"{HERE}:SmacLike", 1, seed=3, own_state=True)
    env.reset()
    assert (env.spec.num_agents, env.spec.num_actions, env.spec.time_limit, env.spec.own_state_dim) == (2, 4, 8, 4)
    assert env.available_actions()[0].tolist() == [[True] * 4, [True, True, True, False]]  # type: ignore[index]
    assert env.state()[0, 3] == 1.0  # type: ignore[index]
    for _ in range(8):
        step = env.step(np.zeros((1, 2), dtype=np.int64))
        assert step.reward[0].tolist() == [np.float32(-0.1), 0.0]
    assert (bool(step.terminated[0]), bool(step.truncated[0])) == (False, True)


@pytest.mark.parametrize(
    ("how", "when", "sentence"),
    [
        ("dies", "make", "could not be started in a process of its own .*exit code 3"),
        ("exits", "make", "asked this process to exit"),
        ("raises", "make", "cannot be made with how='raises', when='make': RuntimeError: two"),
        ("needs", "make", "needs the package a_package_that_nobody_has, which is not installed"),
        ("dies", "step", r"its process ended \(exit code 3.*when it was tried"),
        ("exits", "step", "step 1: the world .*exit.*when it was tried"),
        ("raises", "step", r"step 1: the world raised RuntimeError: two .*strangers.py, line.*when it was tried"),
        ("hangs", "step", r"its process ended \(it did not answer in time"),
    ],
)
def test_whatever_a_world_does_to_its_process_is_a_sentence_before_anything_is_written(
    how: str, when: str, sentence: str
) -> None:
    words = [f"env.arguments.how={how}", f"env.arguments.when={when}", "env.worker_timeout_seconds=2"]
    with pytest.raises(UserError, match=sentence) as caught:
        try_out(task("Bad", *words))
    assert "\n" not in str(caught.value)


def test_a_refused_world_leaves_no_run_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tmp_path, "Bad", "env.arguments.how=raises", "env.arguments.when=step", code=2)
    assert not run.path.exists()
    assert "Traceback" not in capsys.readouterr().err


def test_doctor_env_takes_the_words_of_train(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["env.arguments.size=[8,9]", "env.arguments.rules={rain = true, names = ['x', 'y']}", "env.time_limit=4"]
    assert main(["doctor", "env", f"{HERE}:Sized", *words, "env.workers=2", "--json"]) == 0
    promises = {one["name"]: one for one in json.loads(capsys.readouterr().out)["promises"]}
    assert "within 4 steps" in promises["time limit"]["detail"]
    assert "6 steps (max_cycles)" in promises["own limit"]["detail"]


def test_lists_and_tables_reach_a_constructor_and_the_file(tmp_path: Path) -> None:
    table = tmp_path / "table.toml"
    table.write_text(
        f'[env]\nkey = "{HERE}:Sized"\n[env.arguments]\nsize = [8, 9]\nrules = {{rain = true, names = ["x", "y"]}}\n'
    )
    typed = ["env.arguments.size=[8,9]", 'env.arguments.rules={"rain": true, "names": ["x","y"]}']
    assert load_config(str(table)).env.arguments == task("Sized", *typed).arguments


def test_a_world_that_exists_once_is_tried_trained_and_judged(tmp_path: Path) -> None:
    OnlyOne.alive.clear()
    OnlyOne.made.clear()
    run = train(tmp_path, "OnlyOne", "collection.num_envs=1", "-q")
    assert read_rows(run.evaluations)
    assert len(OnlyOne.made) < 6  # one to look at, one to train in; those that could not be made do not count


def test_a_world_that_seeds_itself_is_made_once_for_each_lane() -> None:
    env = make_vec(f"{HERE}:Step", 3, seed=1)
    first = env.reset(seed=5).copy()
    env.reset(seed=6)
    teams = list(env.teams)  # type: ignore[attr-defined]
    assert env.reset(seed=5).tolist() == first.tolist()
    assert teams == env.teams  # type: ignore[attr-defined]


def test_level_based_foraging_does_not_seed_itself_and_is_made_anew() -> None:
    rules = {**foraging_arguments("Foraging-5x5-2p-1f-v3"), "max_episode_steps": 50}
    env = make_vec("lbforaging.foraging:ForagingEnv", 2, seed=1, time_limit=50, arguments=rules)
    first = env.reset(seed=5).copy()
    env.reset(seed=6)
    teams = list(env.teams)  # type: ignore[attr-defined]
    assert env.reset(seed=5).tolist() == first.tolist()
    assert teams != env.teams  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "words", "limit", "said"),
    [
        ("Step", ["env.time_limit=9"], 9, ""),  # its constructor takes a longer one
        ("SmacLike", ["env.time_limit=9"], 9, ""),
        ("CartPole-v1", ["env.time_limit=600"], 600, ""),
        ("Step", ["env.time_limit=9", "env.arguments.max_cycles=6"], 9, ""),
        ("Stubborn", ["env.time_limit=9"], 6, "cannot be raised"),
        ("Deaf", ["env.time_limit=9"], 6, ""),
        ("Step", ["env.time_limit=4"], 4, ""),
        ("Timed", ["env.time_limit=9"], 9, ""),  # its constructor demands one
        ("Timed", ["env.time_limit=None", "env.arguments.time_limit=7"], 7, ""),
        ("Timed", ["env.time_limit=9", "env.arguments.time_limit=7"], 9, ""),
        ("Timed", ["env.time_limit=4", "env.arguments.time_limit=7"], 4, ""),
    ],
)
def test_a_longer_limit_is_asked_for_or_the_worlds_own_wins(name: str, words: list[str], limit: int, said: str) -> None:
    key = name if "-" in name else f"{HERE}:{name}"
    trial = try_out(load_config("report-week1", [f"env.key={key}", *words]).env)
    assert trial is not None
    assert trial.limit == limit
    assert said in " ".join(remark.sentence for remark in trial.remarks if remark.doubtful)


def test_the_limit_that_counts_is_written_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tmp_path, "Deaf", "env.time_limit=9")
    assert load_config(str(run.config)).env.time_limit == 6
    assert "env.time_limit=9 is written down as 6" in capsys.readouterr().err


def test_chance_that_no_seed_sets_is_told_before_training() -> None:
    trial = try_out(task("Fresh"))
    assert trial is not None
    assert [remark.about for remark in trial.remarks if remark.doubtful] == ["same seed"]
    habits = {"seeding": "global"}
    from lockstep.envs.foreign.factory import ForeignEnvFactory

    factory = ForeignEnvFactory("tests.envs.foreign.odd:Odd", arguments=habits)
    told = {remark.about: remark for remark in try_factory(factory, WorkerSettings(1, 20.0), patient=False).remarks}
    assert "NumPy's global generator" in told["global generators"].sentence
    assert "same seed" not in told


def test_opposite_rewards_are_no_team_until_it_is_said_who_learns(tmp_path: Path) -> None:
    trial = try_out(task("Chase"))
    assert trial is not None
    assert "env.team=a_*" in next(remark.sentence for remark in trial.remarks if remark.about == "one team")
    run = train(tmp_path, "Chase", "env.team=a_*", "-q")
    row = read_rows(run.evaluations)[-1]
    assert row["test_return_mean"] == pytest.approx(row["test_return_mean_of_a_0"])
    assert row["test_return_mean_of_b_0"] == pytest.approx(-row["test_return_mean_of_a_0"])
    hunters = str(run.path)
    env = make_env(task("Chase", "env.team=1", f"env.others={hunters}"), 2, 3)
    env.reset(seed=1)
    assert (env.spec.num_agents, env.agent_names) == (1, ("b_0",))  # type: ignore[attr-defined]
    rewards = [env.step(np.zeros((2, 1), dtype=np.int64)).reward for _ in range(6)]
    assert np.isin(rewards, (0.0, -1.0)).all()
    with pytest.raises(UserError, match="is no agent of .*there are a_0, b_0"):
        make_env(task("Chase", "env.team=cat"), 1, 0)


def test_a_programmed_team_can_play_the_rest() -> None:
    words = ["env.team=0", "env.others=heuristic", "env.time_limit=60"]
    env = make_env(load_config("report-default", words).env, 2, 3)
    env.reset(seed=1)
    idle = [env.step(np.zeros((2, 1), dtype=np.int64)) for _ in range(60)]
    assert sum(step.reward.sum() for step in idle) == 0.0
    assert env.earned[:, 1].sum() > 0.0  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="no team is programmed for"):
        make_env(task("Chase", "env.team=0", "env.others=heuristic"), 1, 0)


def test_random_others_are_the_same_for_the_same_seed() -> None:
    rewards = []
    for _ in range(2):
        env = make_env(task("Chase", "env.team=b_0"), 2, 3)
        env.reset(seed=11)
        rewards.append([env.step(np.zeros((2, 1), dtype=np.int64)).reward.tolist() for _ in range(6)])
    assert rewards[0] == rewards[1]
    assert np.unique(rewards[0]).tolist() == [-1.0, 0.0]
