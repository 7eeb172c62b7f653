"""Fields of food are trained in, resumed, judged, filmed and looked at by the commands that do it for warehouses."""

import json
from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.config.load import load_config
from lockstep.doctor.task import measure_task
from lockstep.runs.directory import read_rows

KEY = "Foraging-5x5-2p-1f-v3"
WORDS = [
    f"env.key=lbforaging:{KEY}",
    "env.arguments={}",
    "env.time_limit=12",
    "collection.num_envs=4",
    "collection.warmup_env_steps=100",
    "replay.batch_size=4",
    "evaluation.episodes=4",
    "evaluation.confirm_episodes=4",
    "evaluation.every_env_steps=200",
    "checkpoint.every_env_steps=200",
    "logging.every_env_steps=200",
    "logging.tensorboard=false",
    "training.num_threads=1",
]


def test_it_trains_resumes_exactly_and_is_judged_on_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "smoke", *WORDS, "t_max=800", "--out", "whole", "--no-doctor", "-q"]) == 0
    assert main(["train", "smoke", *WORDS, "t_max=400", "--out", "half", "--no-doctor", "-q"]) == 0
    assert main(["resume", "half", "t_max=800", "-q"]) == 0
    rows = [read_rows(Path(run) / "eval.jsonl")[-1] for run in ("whole", "half")]
    timed = ("wall_seconds",)
    assert {n: v for n, v in rows[0].items() if n not in timed} == {n: v for n, v in rows[1].items() if n not in timed}
    assert {"test_idle_share", "test_eaten_share"} <= rows[0].keys()
    capsys.readouterr()
    judged = []
    for engine in ("lockstep", "official"):
        assert main(["evaluate", "whole", "--engine", engine, "--episodes", "5", "--json"]) == 0
        judged.append(json.loads(capsys.readouterr().out))
    assert judged[0]["test_return_mean"] == judged[1]["test_return_mean"]


def test_it_is_filmed_and_told_in_a_page(tmp_path: Path) -> None:
    for name in ("team.gif", "team.html"):
        out = tmp_path / name
        assert main(["render", "--env", KEY, "--policy", "heuristic", "--out", str(out), "--quiet"]) == 0
        assert out.stat().st_size > 1_000
    assert "SCENES.foraging" in (tmp_path / "team.html").read_text()


def test_the_doctor_looks_at_it_blind() -> None:
    task = measure_task(load_config("smoke", WORDS), effort=0.002)
    assert task.blind_warmup
    assert 0.05 < task.random.chance < 0.6
    assert task.delivery_steps == pytest.approx(10 / 3)
    assert task.way == "a meal takes about"
