"""The benchmarks say what they claim. How fast is no test's business."""

import json

import pytest

from lockstep.bench import collect, learner


def test_the_learners_result_is_json_with_a_row_for_every_workload(monkeypatch: pytest.MonkeyPatch) -> None:
    small = ["env.time_limit=9", "replay.batch_size=8", "network.hidden_dim=8"]
    monkeypatch.setattr(learner, "WORKLOADS", {"tiny": ("report-final", small)})
    monkeypatch.setattr(learner, "REPLAY_EPISODES", 400)
    result = json.loads(json.dumps(learner.bench_learner(rounds=2, seconds=0.01, num_threads=1)))
    (row,) = result["rows"]
    assert row["ratio"] > 0
    assert 0 < row["limit_ms"] < row["update_ms"]
    assert row["gflop"] == pytest.approx(0.0174, rel=0.2)
    assert result["replay"]["episodes"] == 400
    assert "| tiny | 1 |" in learner.table(result)


def test_the_teams_of_collect_all_play() -> None:
    result = json.loads(json.dumps(collect.bench_collect(rounds=1, seconds=0.01, lanes=(1, 4))))
    assert [row["team"] for row in result["rows"]] == ["GRU 64", "GRU 64", "feed-forward 128", "feed-forward 128"]
    assert [row["lanes"] for row in result["rows"]] == [1, 4, 1, 4]
    assert all(row["env_steps_per_second"] > 0 for row in result["rows"])
    assert "| GRU 64 | 4 |" in collect.table(result)


def test_an_actor_critics_update_is_timed_with_its_looking_back(monkeypatch: pytest.MonkeyPatch) -> None:
    small = ["algorithm=mappo", "env.time_limit=9", "num_envs=8", "minibatches=2", "network.hidden_dim=8"]
    monkeypatch.setattr(learner, "workloads_of", lambda algorithm: {algorithm: ("solve", small)})
    monkeypatch.setattr(learner, "REPLAY_EPISODES", 400)
    result = json.loads(json.dumps(learner.bench_learner(rounds=1, seconds=0.01, num_threads=1, algorithm="mappo")))
    (row,) = result["rows"]
    assert row["workload"] == "mappo"
    assert row["ratio"] > 0
    assert row["limit_ms"] > 0


def test_a_sampling_team_collects_by_sampling() -> None:
    result = collect.bench_collect(rounds=1, seconds=0.01, lanes=(4,), algorithm="ippo")
    assert all(row["env_steps_per_second"] > 0 for row in result["rows"])
