"""What is looked at before a training begins, and what may change before it goes on."""

import json
from pathlib import Path

import pytest
import torch

from lockstep.cli import main
from lockstep.runs.directory import RunDirectory, read_rows

TINY = ["t_max=96", "test_interval=48", "test_nepisode=2", "log_interval=8", "tensorboard=False", "num_threads=1"]


def train(tmp_path: Path, *words: str, code: int = 0) -> RunDirectory:
    run = tmp_path / "run"
    assert main(["train", "smoke", *TINY, *words, "--no-doctor", "--out", str(run)]) == code
    return RunDirectory(run)


def test_a_budget_below_the_warm_up_is_told_and_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tmp_path, "warmup_env_steps=100_000")
    printed = capsys.readouterr()
    assert "the team will be judged, but nothing will be learnt" in printed.err
    assert "nothing was learnt" in printed.out
    assert read_rows(run.evaluations)[-1]["updates"] == 0


@pytest.mark.parametrize(
    ("device", "count", "sentence"),
    [("cuda", 0, "finds none"), ("cuda:1", 1, r"finds 1, counted from 0 \(CUDA_VISIBLE_DEVICES='3'")],
)
def test_a_gpu_that_is_not_there_is_a_sentence_and_nothing_is_written(
    device: str,
    count: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    run = train(tmp_path, f"device={device}", code=2)
    assert sentence.replace("\\", "") in capsys.readouterr().err.replace("\n", " ")
    assert not run.path.exists()


def test_a_run_from_a_gpu_goes_on_on_a_cpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tmp_path, "-q", "warmup_env_steps=0")
    run.config.write_text(run.config.read_text().replace('device = "cpu"', 'device = "cuda"'))
    assert main(["resume", str(run.path), "t_max=192"]) == 2
    assert "device=cpu" in capsys.readouterr().err
    assert main(["resume", str(run.path), "t_max=192", "device=cpu", "-q"]) == 0
    assert read_rows(run.evaluations)[-1]["env_steps"] >= 192


def test_a_training_ends_when_its_time_is_over_and_is_judged_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunDirectory(tmp_path / "run")
    words = [*TINY, "t_max=1_000_000_000", "test_interval=1_000_000", "max_seconds=1e-6"]
    assert main(["train", "smoke", *words, "--no-doctor", "--json", "--out", str(run.path)]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["stopped_because"] == "max_seconds"
    assert 0 < row["env_steps"] < 1_000_000
    assert run.has_ended
    assert [row["env_steps"] for row in read_rows(run.evaluations)] == [row["env_steps"]]
    assert main(["resume", str(run.path), "max_seconds=None", f"t_max={row['env_steps'] + 100}", "-q"]) == 0
    assert read_rows(run.evaluations)[-1]["env_steps"] >= row["env_steps"] + 100
