"""A checkpoint is whole, or it is passed over; a stopped run goes on as if it had not."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockstep.config.load import dump_toml, load_config
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.loggers import JsonlLogger, SilentLogger, Status
from lockstep.runs.reader import RunReader
from lockstep.seeding import StreamName, derive_seed
from lockstep.teams.judge import evaluate_run, judge, judge_every_way
from lockstep.training.checkpoints.checkpoint import load_policy, numbered_checkpoints, save_checkpoint
from lockstep.training.kill_test import ending, first_difference
from lockstep.training.session import Session
from lockstep.training.trainer import TrainResult, resume, train
from tests.training.test_session import advanced, config


def run_of(path: Path, **changes: Any) -> RunDirectory:
    sections: dict[str, Any] = {
        "training": {"max_env_steps": 800},
        "evaluation": {"every_env_steps": 160, "episodes": 10},
        "checkpoint": {"every_env_steps": 160},
        "logging": {"every_env_steps": 80},
    }
    return RunDirectory.create(path, "test", 1, dump_toml(config(**(sections | changes))))


def trained(run: RunDirectory, *more: SilentLogger) -> TrainResult:
    return train(load_config(str(run.path)), run, [JsonlLogger(), *more])


def untimed(path: Path) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if "second" not in name and name != "resident_mib"}
        for row in read_rows(path)
    ]


def state_of(run: RunDirectory) -> Any:
    """Every leaf of the newest checkpoint, as comparable plain data."""
    return plain({name: part for name, part in ending(run).items() if not name.endswith(".jsonl")})


def plain(tree: Any) -> Any:
    if isinstance(tree, torch.Tensor):
        return tree.tolist()
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items() if key not in ("wall_seconds", "row_before")}
    return [plain(value) for value in tree] if isinstance(tree, list | tuple) else tree


class StopAfter(SilentLogger):
    """Sends the signal of Ctrl-C after some rounds, as an impatient person would."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds

    def tick(self, status: Status) -> None:
        import signal

        self.rounds -= 1
        if self.rounds == 0:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("rounds", [1, 2, 7, 20])
def test_interrupted_anywhere_and_resumed_equals_never_interrupted(rounds: int, tmp_path: Path) -> None:
    whole, stopped = run_of(tmp_path / "whole"), run_of(tmp_path / "stopped")
    trained(whole)
    assert trained(stopped, StopAfter(rounds)).stopped_because == "interrupted"
    assert resume(stopped, [JsonlLogger()]).stopped_because == "max_env_steps"
    assert state_of(stopped) == state_of(whole)
    assert untimed(stopped.metrics) == untimed(whole.metrics)
    assert untimed(stopped.evaluations) == untimed(whole.evaluations)


def test_rows_written_after_the_checkpoint_are_written_again(tmp_path: Path) -> None:
    whole, crashed = run_of(tmp_path / "whole"), run_of(tmp_path / "crashed")
    trained(whole)
    trained(crashed)
    newest = numbered_checkpoints(crashed)[-1]
    newest.rename(newest.with_name(".gone"))  # as if the machine had died before the last checkpoint
    resume(crashed, [JsonlLogger()])
    assert untimed(crashed.metrics) == untimed(whole.metrics)
    assert state_of(crashed) == state_of(whole)


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "remove", "manifest"])
def test_a_damaged_checkpoint_is_passed_over_with_a_sentence(damage: str, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    trained(run)
    newest = numbered_checkpoints(run)[-1]
    victim = newest / ("manifest.json" if damage == "manifest" else "state.pt")
    data = bytearray(victim.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    keep = {"empty": 0, "truncate": len(data) // 2, "manifest": len(data) // 2}.get(damage, len(data))
    victim.write_bytes(data[:keep])
    if damage == "remove":
        victim.unlink()

    notes: list[str] = []

    class Notes(SilentLogger):
        def note(self, sentence: str) -> None:
            notes.append(sentence)

    assert resume(run, [JsonlLogger(), Notes()]).env_steps == 800
    assert len(notes) == 1
    assert newest.name in notes[0]


def test_a_run_stopped_before_its_first_checkpoint_begins_again(tmp_path: Path) -> None:
    notes: list[str] = []

    class Notes(SilentLogger):
        def note(self, sentence: str) -> None:
            notes.append(sentence)

    whole, stopped = run_of(tmp_path / "whole"), run_of(tmp_path / "stopped")
    trained(whole)
    stopped.metrics.write_text('{"env_steps": 80, "loss": 1.0}\n{"torn')
    resume(stopped, [JsonlLogger(), Notes()])
    assert notes == ["It stopped before its first checkpoint, so it begins again, from nothing."]
    assert first_difference(ending(whole), ending(stopped))[0] is None


def test_only_the_newest_checkpoints_and_the_best_are_kept(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", checkpoint={"every_env_steps": 80, "keep": 2})
    trained(run)
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["000000000720", "000000000800", "best", "replay"]


def test_a_strangers_pickle_is_not_executed(tmp_path: Path) -> None:
    import hashlib
    import pickle

    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "exploded",))

    run = run_of(tmp_path / "run")
    trained(run)
    folder = run.checkpoints / "best"
    (folder / "policy.pt").write_bytes(pickle.dumps(Bomb()))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["policy.pt"] = hashlib.sha256((folder / "policy.pt").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="not a checkpoint that Lockstep wrote"):
        load_policy(run)
    assert not (tmp_path / "exploded").exists()


def test_a_loaded_policy_plays_as_the_trained_one(tmp_path: Path) -> None:
    session = advanced(config(algorithm={"actor_tau": 0.1}), 12)
    run = run_of(tmp_path / "run")
    save_checkpoint(session, run)
    policy, spec, env_steps = load_policy(run, "latest")
    assert (spec, env_steps) == (session.spec, session.env_steps)
    obs = session.env.reset(seed=3)
    nothing = np.full(obs.shape[:2], -1)
    assert torch.equal(policy.values(obs, nothing, None)[0], session.policy.values(obs, nothing, None)[0])


def test_a_checkpoint_is_named_by_its_env_steps(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    trained(run)
    assert load_policy(run, "800")[2] == 800
    with pytest.raises(UserError, match="no checkpoint at 123 env steps; it has: 640, 800"):
        load_policy(run, "123")
    with pytest.raises(UserError, match="'newest' is unknown"):
        load_policy(run, "newest")


def test_a_run_stops_when_it_is_solved(tmp_path: Path) -> None:
    result = trained(run_of(tmp_path / "run", training={"max_env_steps": 10_000, "stop_at_test_return": 6.5}))
    assert result.stopped_because == "solved"
    assert result.last_evaluation is not None
    assert result.last_evaluation["test_return_mean"] > 6.5
    assert result.last_evaluation["test_return_mean"] == result.best_test_return
    assert result.last_evaluation["episodes"] == 1_000
    assert result.env_steps < 10_000


def test_confirming_uses_other_episodes_than_training_and_its_evaluations(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", env={"key": "probe-coin"})
    trained(run)
    first, again = evaluate_run(run, 50), evaluate_run(run, 50)
    assert first.row() == again.row()
    used = Session(load_config(str(run.path))).config.seed
    names: tuple[StreamName, ...] = ("confirm", "eval", "env")
    confirm, evaluation, training = (derive_seed(used, name) for name in names)
    # Far more episodes than any run plays lie between the seeds where each purpose begins.
    assert min(abs(confirm - evaluation), abs(confirm - training), abs(evaluation - training)) > 10_000_000


def test_a_judgement_is_remembered_with_every_return(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", env={"key": "probe-coin"})
    trained(run)
    judged = judge(run, 20)
    (row,) = read_rows(run.judgements)
    assert row.items() >= judged.row().items()
    assert row["checkpoint"] == "best"
    assert len(row["returns"]) == 20
    assert sum(row["returns"]) / 20 == pytest.approx(row["test_return_mean"])


def test_what_trains_by_drawing_is_judged_greedy_and_sampled(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", env={"key": "probe-coin"}, algorithm={"name": "ippo"})
    trained(run)
    row = judge_every_way(run, 20)
    assert (row["choice"], row["sampled"]["choice"]) == ("greedy", "sampled")
    assert [judged["choice"] for judged in read_rows(run.judgements)] == ["greedy", "sampled"]
    assert row["sampled"]["test_return_mean"] == evaluate_run(run, 20, choice="sampled").evaluation.mean
    record = RunReader.open(run.path)
    assert [judged["choice"] for judged in record.judgements()] == ["greedy"]
    assert [judged["choice"] for judged in record.judgements(otherwise=True)] == ["sampled"]


def test_what_trains_greedily_is_judged_once(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", env={"key": "probe-coin"})
    trained(run)
    assert "sampled" not in judge_every_way(run, 20)


def test_a_run_that_cannot_be_written_is_judged_all_the_same(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", env={"key": "probe-coin"})
    trained(run)
    run.judgements.mkdir()  # appending to a folder fails, as writing into somebody else's run does
    assert judge(run, 20).evaluation.returns.shape == (20,)
