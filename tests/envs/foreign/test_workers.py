"""Environments in processes of their own: the same game, and a fault costs an episode, not the run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockstep.acting.policy import RandomPolicy
from lockstep.cli import main
from lockstep.config.load import load_config
from lockstep.envs.foreign.workers import WorkerLanes, WorkerSettings
from lockstep.envs.registry import make_vec
from lockstep.errors import UserError
from lockstep.experience.rollout import collect
from lockstep.runs.directory import RunDirectory, read_rows

HERE = "tests.envs.foreign.games"
TINY = [
    "collection.num_envs=4",
    "warmup_env_steps=0",
    "hidden_dim=8",
    "replay.batch_size=4",
    "t_max=120",
    "test_interval=60",
    "test_nepisode=4",
    "log_interval=12",
    "tensorboard=False",
]


def lanes(name: str, num_envs: int, workers: int, timeout: float = 30.0, **arguments: Any) -> Any:
    settings = WorkerSettings(workers, timeout) if workers else None
    return make_vec(f"{HERE}:{name}", num_envs, 5, workers=settings, **arguments)


def played(env: Any, rounds: int) -> list[Any]:
    """Random play: first on the lanes' own seeds, then on others."""
    rng = np.random.default_rng(1)
    seeds = [None, 40, 41][:rounds]
    batches = [collect(env, RandomPolicy(env.spec.num_actions, rng), seed=seed) for seed in seeds]
    return [value.tolist() for batch in batches for value in batch.fields().values()]


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_play_the_same_game(workers: int) -> None:
    here, there = lanes("Unequal", 5, 0), lanes("Unequal", 5, workers)
    assert there.spec == here.spec
    assert played(there, 3) == played(here, 3)
    there.close()


@pytest.mark.parametrize("how", ["die", "hang", "raise"])
def test_a_fault_costs_the_workers_episodes_and_no_others(how: str, tmp_path: Path) -> None:
    env = lanes("Mortal", 4, 2, timeout=2.0, marks=str(tmp_path), how=how)
    actions = np.zeros((4, 2), dtype=np.int64)
    env.reset(seed=7)
    env.step(actions)
    step = env.step(actions)
    assert env.dropped.sum() == 2
    assert step.truncated[env.dropped].all()
    assert not step.terminated.any()
    assert (step.reward[env.dropped] == 0).all()
    kept = ~env.dropped
    for _ in range(2):
        step = env.step(actions, kept)
    assert (step.terminated == kept).all()
    obs = env.reset(seed=8)
    assert not env.dropped.any()
    whole = lanes("Unequal", 4, 0)
    assert obs.tolist() == whole.reset(seed=8).tolist()
    assert env.step(actions).reward.tolist() == whole.step(actions).reward.tolist()
    env.close()


def test_a_world_that_always_fails_ends_in_a_sentence(tmp_path: Path) -> None:
    env = lanes("Mortal", 1, 1, marks=str(tmp_path), times=99)
    for _ in range(2):
        played(env, 1)
        assert env.dropped.all()
    with pytest.raises(UserError, match=r"failed 3 times without finishing an episode \(exit code -9.*env.workers=0"):
        played(env, 1)
    env.close()


def test_what_cannot_be_made_is_the_same_sentence_as_in_process() -> None:
    with pytest.raises(UserError, match="made 7, which is no PettingZoo parallel environment"):
        lanes("nothing", 2, 1)
    with pytest.raises(UserError, match=r"env.workers=2 is for environments of other people; probe-coin is stepped"):
        make_vec("probe-coin", 2, workers=WorkerSettings(2, 1.0))


def test_workers_leave_with_the_lanes() -> None:
    env = lanes("Unequal", 2, 2)
    assert isinstance(env, WorkerLanes)
    processes = [worker.process.process for worker in env.workers]
    del env
    assert all(process.poll() is not None for process in processes)


@pytest.mark.parametrize("how", ["die", "hang"])
def test_a_run_survives_its_worlds_faults_and_counts_them(
    how: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    words = [f"env.key={HERE}:Mortal", f"env.arguments.marks={marks}", f"env.arguments.how={how}", *TINY]
    words += ["env.arguments.times=2", "env.workers=2", "env.worker_timeout_seconds=2"]
    assert main(["train", "report-week1", *words, "--no-doctor", "--out", str(tmp_path / "run")]) == 0
    run = RunDirectory(tmp_path / "run")
    dropped = read_rows(run.metrics)[-1]["dropped_episodes"]
    assert 1 <= dropped <= 4
    assert "died or hung: it was started anew" in capfd.readouterr().out
    rows = read_rows(run.metrics)
    assert rows[-1]["env_steps"] >= 120
    assert all(row["ep_length_mean"] == 4 for row in rows if "ep_length_mean" in row)  # nothing cut was remembered
    assert main(["resume", str(run.path), "-q"]) == 0


def test_a_run_with_workers_learns_what_one_without_learns(tmp_path: Path) -> None:
    rows = []
    for workers in (0, 2):
        run, words = tmp_path / str(workers), [f"env.key={HERE}:Unequal", *TINY, f"env.workers={workers}"]
        assert main(["train", "report-week1", *words, "--no-doctor", "-q", "--out", str(run)]) == 0
        rows.append([row["loss"] for row in read_rows(RunDirectory(run).metrics) if "loss" in row])
    assert rows[0] == rows[1] != []
    assert load_config(str(tmp_path / "2")).env.workers == 2
