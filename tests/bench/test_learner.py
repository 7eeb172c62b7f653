"""The naive twin is the page's equal, and the benchmarks say what they claim. How fast is no test's business."""

import json
from typing import Any

import pytest
import torch

from lockstep.algorithms.registry import build
from lockstep.bench import collect, learner
from lockstep.bench.stepwise import stepwise_loss
from lockstep.config.schema import RunConfig
from tests.episodes import SPEC, in_double, random_episodes


@pytest.mark.parametrize("name", ["iql", "vdn", "qmix"])
@pytest.mark.parametrize("recurrent", [True, False])
@pytest.mark.parametrize("algorithm", [{}, {"td_lambda": 0.8, "double_q": False}, {"bootstrap_time_limit": False}])
def test_step_by_step_gives_the_same_loss_and_gradients(name: str, recurrent: bool, algorithm: dict[str, Any]) -> None:
    network = {"recurrent": recurrent, "hidden_dim": 8, "last_action": recurrent}
    subject = build(SPEC, RunConfig.model_validate({"network": network, "algorithm": {"name": name, **algorithm}}))
    for parameter in subject.target.parameters():
        parameter.mul_(1.5)
    subject.online.double()
    subject.target.double()
    batch = in_double(random_episodes(SPEC, 5, some_unavailable=False))
    fast, _ = subject.loss(batch)
    slow = stepwise_loss(subject, batch)
    torch.testing.assert_close(slow, fast)
    for one, other in zip(
        torch.autograd.grad(slow, subject.parameters), torch.autograd.grad(fast, subject.parameters), strict=True
    ):
        torch.testing.assert_close(one, other)


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
