"""A run has one result, and every verb tells the same."""

import re
from pathlib import Path
from typing import Any

import pytest

from lockstep.cli import main
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.headline import chance_of_contradiction, headline
from lockstep.runs.reader import RunReader
from lockstep.training import command
from tests.runs.folders import evaluation, make_run
from tests.runs.written import written_run
from tests.training.faults import TINY


def test_every_verb_tells_the_same_number_by_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    written_run(Path("runs/one"), [1.0, 3.48, 2.97], judged=3.65)
    for verb in (["doctor", "latest"], ["runs"], ["train", "smoke", "--resume-if-there", "--out", "runs/one"]):
        assert main(verb) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "judged return" in shown
        assert "3.65" in shown
        assert "3.48" not in shown
    assert main(["report", "latest"]) == 0
    assert "reached a judged return of 3.65, one seed" in Path("runs/one/report.md").read_text()
    assert main(["plot", "latest"]) == 0
    assert "smoke, judged return 3.65" in Path("runs/one/test_return_mean.svg").read_text()


def test_before_it_is_judged_the_last_evaluation_stands_under_its_own_name(tmp_path: Path) -> None:
    found = headline(written_run(tmp_path / "run", [1.0, 3.5, 3.0]))
    assert found is not None
    assert (found.name, found.score.mean, found.is_judged) == ("test return", 3.0, False)
    assert headline(written_run(tmp_path / "new")) is None


def test_an_evaluation_that_was_denied_selected_nothing(tmp_path: Path) -> None:
    rows = [evaluation(10, 3.0), evaluation(20, 3.6), evaluation(20, 2.9, episodes=1000), evaluation(30, 2.5)]
    selected = RunReader.open(make_run(tmp_path / "run", evaluations=rows).path).selected
    assert selected is not None
    assert (selected.env_steps, selected.test_return_mean) == (10, 3.0)


def test_the_evaluation_that_solved_a_run_selected_its_policy(tmp_path: Path) -> None:
    rows = [evaluation(10, 3.5), evaluation(20, 3.4), evaluation(20, 3.3, episodes=1000)]
    selected = RunReader.open(make_run(tmp_path / "run", evaluations=rows, status="solved").path).selected
    assert selected is not None
    assert (selected.env_steps, selected.test_return_mean) == (20, 3.3)


def test_the_chance_of_a_denial_follows_from_mean_and_standard_error() -> None:
    # Two means of 200 episodes with a deviation of 1 differ with a deviation of 0.1.
    assert chance_of_contradiction(3.25, 1.0, 200, 3.25) == pytest.approx(0.5)
    assert chance_of_contradiction(3.35, 1.0, 200, 3.25) == pytest.approx(0.1587, abs=1e-4)
    assert chance_of_contradiction(3.49, 1.0, 200, 3.25) < 0.01
    assert (chance_of_contradiction(1.0, 0.0, 2, 1.0), chance_of_contradiction(1.1, 0.0, 2, 1.0)) == (1.0, 0.0)


def test_the_last_words_of_a_training_are_what_its_folder_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["t_max=96", "warmup_env_steps=0", "num_envs=2", "test_interval=48", "test_nepisode=4", "log_interval=8"]
    run = tmp_path / "run"
    verb = ["train", "smoke", *words, "tensorboard=False", "num_threads=1", "--no-doctor", "--out", str(run)]
    assert main(verb) == 0
    said = capsys.readouterr().out
    found = headline(RunReader.open(run))
    assert found is not None
    assert found.is_judged
    assert re.search(rf"judged return +{re.escape(found.score.text)}", said)
    assert "100 greedy episodes on the official package" in said
    assert "selected at" in said


def test_a_judgement_that_refuses_lets_the_training_go_on_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[int] = []

    def judged(run: RunDirectory, episodes: int, engine: str) -> dict[str, Any]:
        asked.append(int(max(row["env_steps"] for row in read_rows(run.evaluations))))
        mean = -1.9 if len(asked) == 1 else 0.0
        return {"test_return_mean": mean, "test_return_std": 1.0, "episodes": episodes, "engine": "official"}

    monkeypatch.setattr(command, "judge_every_way", judged)
    run = tmp_path / "run"
    words = ["stop_at_test_return=-2", "t_max=800", "--no-doctor", "--out", str(run)]
    assert main(["train", "smoke", *TINY, *words]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "400 new episodes on the official package earn -1.90" in said
    assert "so training goes on" in said
    assert "Solved after" in said
    assert len(asked) == 2
    assert asked[1] > asked[0]
    assert RunReader.open(run).standing == "solved"
