"""Runs that learn from what was just played: the same again, and exactly on from wherever they stopped."""

from pathlib import Path
from typing import Any

import pytest

from lockstep.config.load import load_config
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.loggers import JsonlLogger, SilentLogger
from lockstep.training.checkpoints.checkpoint import load_policy
from lockstep.training.kill_test import ending, first_difference
from lockstep.training.trainer import TrainResult, resume, train
from tests.training.checkpoints.test_checkpoint import StopAfter, run_of

PLAIN = {"name": "mappo", "minibatches": 2}
SCHEDULED = {
    "name": "mappo",
    "minibatches": 2,
    "lr_finish": 0.0,
    "entropy_finish": 0.0,
    "anneal_env_steps": 400,
    "normalize_values": "popart",
    "critic_tau": 0.1,
    "standardize_rewards": True,
}


def begun(path: Path, algorithm: dict[str, Any], **more: Any) -> RunDirectory:
    return run_of(
        path,
        env={"key": "probe-coin"},
        collection={"num_envs": 8},
        exploration={"epsilon_start": 0.0, "epsilon_finish": 0.0},
        network={"recurrent": False, "hidden_dim": 8},
        algorithm=algorithm,
        **more,
    )


def trained(run: RunDirectory, *more: SilentLogger) -> TrainResult:
    return train(load_config(str(run.path)), run, [JsonlLogger(), *more])


@pytest.mark.parametrize("name", ["ippo", "mappo", "ia2c", "maa2c"])
def test_the_same_seed_is_the_same_run_and_another_is_not(name: str, tmp_path: Path) -> None:
    ends = []
    for folder, seed in (("first", 1), ("again", 1), ("other", 2)):
        run = begun(tmp_path / folder, {"name": name}, seed=seed)
        trained(run)
        ends.append(ending(run))
    first, again, other = ends
    assert first_difference(first, again)[0] is None
    assert first["metrics.jsonl"][-1]["loss"] != other["metrics.jsonl"][-1]["loss"]


@pytest.mark.parametrize("rounds", [1, 12, 30])
@pytest.mark.parametrize("algorithm", [PLAIN, SCHEDULED])
def test_stopped_anywhere_and_resumed_equals_never_stopped(
    algorithm: dict[str, Any], rounds: int, tmp_path: Path
) -> None:
    """With schedules, the second and the third stop are in the middle of them."""
    whole, stopped = begun(tmp_path / "whole", algorithm), begun(tmp_path / "stopped", algorithm)
    trained(whole)
    assert trained(stopped, StopAfter(rounds)).stopped_because == "interrupted"
    assert resume(stopped, [JsonlLogger()]).stopped_because == "max_env_steps"
    assert first_difference(ending(whole), ending(stopped))[0] is None


def test_a_checkpoint_keeps_the_policy_and_its_steps(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", PLAIN)
    result = trained(run)
    _, spec, env_steps = load_policy(run, "latest")
    assert (spec.key, env_steps) == ("probe-coin", result.env_steps)
    assert read_rows(run.metrics)[-1]["policy_entropy"] > 0
