"""What the examples add to the house from outside works, and is short."""

from pathlib import Path

import pytest

from lockstep import Run, evaluate, train
from lockstep.analysis.report.build import build_report
from lockstep.analysis.report.markdown import to_markdown
from lockstep.runs.reader import RunReader
from tests.training.test_session import config

EXAMPLES = Path(__file__).parents[1] / "examples"
MOST_LINES = 80
SHORT = ("training.max_env_steps=480", "evaluation.every_env_steps=160", "training.num_threads=1")


@pytest.mark.parametrize("name", ["own_algorithm", "own_family", "own_logger", "own_mixer"])
def test_an_example_of_ones_own_is_short(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) <= MOST_LINES


def plain(run: Run) -> str:
    return to_markdown(build_report([RunReader.find(str(run.path))]), "report_files")


def test_a_mixer_of_ones_own_trains_resumes_and_is_reported(tmp_path: Path) -> None:
    words = ("mixer=examples.own_mixer:WeightedSum", "first_weight=0.5")
    run = train(config(), *SHORT, *words, out=tmp_path / "run")
    assert run.resume("t_max=640").status == "finished"
    assert len(evaluate(run, episodes=8).returns) == 8
    assert "A weighted sum" in plain(run)


def test_an_algorithm_of_ones_own_trains_resumes_and_is_reported(tmp_path: Path) -> None:
    words = ("algorithm=examples.own_algorithm:REINFORCE", "warmup_env_steps=0", "epsilon_start=0", "epsilon_finish=0")
    began = train(config(replay={}, logging={"every_env_steps": 80}), *SHORT, *words, out=tmp_path / "began")
    whole = train(
        config(replay={}, logging={"every_env_steps": 80}), *SHORT, *words, "t_max=640", out=tmp_path / "whole"
    )
    began.resume("t_max=640")
    assert began.metrics["loss"].tolist() == whole.metrics["loss"].tolist()
    assert (began.metrics["policy_entropy"] > 0).all()
    assert "REINFORCE" in plain(began)
