import json
from pathlib import Path

import numpy as np
import pytest

from lockstep.analysis.curves import curve, line, metric_figure
from lockstep.analysis.groups import group_runs
from lockstep.analysis.plots import save_figure
from lockstep.errors import UserError
from lockstep.runs.reader import RunReader
from tests.runs.written import written_run


def test_a_curve_is_what_the_file_says(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [1.0, 3.0], every=500, seconds=90)
    steps, returns = curve(run, "test_return_mean")
    assert (steps.tolist(), returns.tolist()) == ([500, 1000], [1.0, 3.0])
    assert curve(run, "loss", "minutes")[0].tolist() == [1.5, 3.0]
    assert curve(run, "return_mean", "updates")[0].tolist() == [20, 40]


def test_a_confirming_evaluation_replaces_the_one_that_it_confirms(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [1.0, 2.6])
    row = {"env_steps": 2000, "test_return_mean": 2.4, "test_return_std": 1.0, "episodes": 1000}
    with run.directory.evaluations.open("a") as file:
        file.write(json.dumps(row) + "\n")
    run.refresh()
    assert curve(run, "test_return_mean")[1].tolist() == [1.0, 2.4]


def test_unknown_metrics_and_clocks_are_sentences(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [1.0])
    with pytest.raises(UserError, match="There is no metric 'retrun'"):
        curve(run, "retrun")
    with pytest.raises(UserError, match="must be one of env_steps"):
        curve(run, "loss", "days")


def test_one_run_shows_the_spread_of_its_episodes(tmp_path: Path) -> None:
    (group,) = group_runs([written_run(tmp_path / "run", [1.0, 2.0])])
    drawn = line(group, "test_return_mean")
    assert drawn is not None
    assert drawn.band is not None
    assert (drawn.band[0].tolist(), drawn.band[1].tolist()) == ([0.5, 1.5], [1.5, 2.5])


def test_an_ended_run_keeps_its_last_value(tmp_path: Path) -> None:
    runs = [
        written_run(tmp_path / "short", [0.0, 4.0], seed=1, status="solved"),
        written_run(tmp_path / "long", [0.0, 0.0, 2.0], seed=2),
    ]
    drawn = line(group_runs(runs)[0], "test_return_mean")
    assert drawn is not None
    assert drawn.x.tolist() == [1000, 2000, 3000]
    assert drawn.middle.tolist() == [0.0, 2.0, 3.0]


def test_the_common_curve_ends_with_an_unfinished_run(tmp_path: Path) -> None:
    runs = [
        written_run(tmp_path / "short", [0.0, 4.0], seed=1, status="interrupted"),
        written_run(tmp_path / "long", [0.0, 0.0, 2.0], seed=2),
    ]
    drawn = line(group_runs(runs)[0], "test_return_mean")
    assert drawn is not None
    assert drawn.x.tolist() == [1000, 2000]
    assert [len(x) for x, _ in drawn.members] == [2, 3]


def test_a_run_without_rows_is_left_out(tmp_path: Path) -> None:
    runs = [written_run(tmp_path / "empty", seed=1), written_run(tmp_path / "full", [1.0, 2.0], seed=2)]
    drawn = line(group_runs(runs)[0], "test_return_mean")
    assert drawn is not None
    assert np.array_equal(drawn.middle, [1.0, 2.0])


def test_nothing_to_draw_is_a_sentence(tmp_path: Path) -> None:
    empty: list[RunReader] = [written_run(tmp_path / "empty")]
    with pytest.raises(UserError, match="holds no loss yet"):
        metric_figure(empty, "loss")


def test_runs_of_different_tasks_are_told_apart_and_solved_nowhere(tmp_path: Path) -> None:
    words = (["env.time_limit=100"], ["env.time_limit=500"])
    runs = [
        written_run(tmp_path / str(number), [1.0, 2.6], preset="solve", words=said) for number, said in enumerate(words)
    ]
    save_figure(metric_figure(runs), tmp_path / "two.svg")
    drawn = (tmp_path / "two.svg").read_text()
    assert "rware-tiny-2ag-v2 in 100 steps" in drawn
    assert "rware-tiny-2ag-v2 in 500 steps" in drawn
    assert "different tasks" in drawn
    assert "solved above" not in drawn
    save_figure(metric_figure(runs[:1]), tmp_path / "one.svg")
    assert "solved above 3.25" in (tmp_path / "one.svg").read_text()
