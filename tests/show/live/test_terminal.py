"""A run in a terminal."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from lockstep.config.presets import smoke
from lockstep.runs.reader import RunReader
from lockstep.show.live.terminal import episode, plot, watch_in_terminal
from tests.runs.folders import make_run
from tests.show.live.recorded import recorded_run


def printed(record: RunReader) -> str:
    out = io.StringIO()
    watch_in_terminal(record, Console(file=out, width=100))
    return out.getvalue()


def test_off_a_terminal_the_last_moment_is_printed_once(tmp_path: Path) -> None:
    text = printed(RunReader.open(recorded_run(tmp_path / "a").path))
    assert "a  5 x 5 floor, 2 robots  QMIX  finished" in text
    assert "after 200 env steps of training, step 40 of 40" in text
    assert "test return 2.00 ± 0.50  selected at 200 env steps by 2.00" in text


def test_a_run_that_just_began_says_what_will_come(tmp_path: Path) -> None:
    text = printed(RunReader.open(make_run(tmp_path / "a", status="running").path))
    assert "its process is gone" in text
    assert "first evaluation to come" in text
    assert "No episode is recorded yet" in text


def test_a_world_without_a_picture_still_has_its_curve(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "a")
    run.recordings.write_text('{"env_steps": 1}\n')
    record = RunReader.open(run.path)
    assert list(episode(record)) == []
    assert "test return 2.00" in printed(record)


def test_an_episode_ends_with_what_was_recorded(tmp_path: Path) -> None:
    moments = list(episode(RunReader.open(recorded_run(tmp_path / "a").path)))
    assert [moment.step for moment in moments] == list(range(41))
    assert moments[0].picture().plain.count("\n") == len(str(smoke().env.arguments["layout"]).split())


@pytest.mark.parametrize(
    ("y", "lines"), [([0.0, 1.0], ["⠀⢀⠎", "⡠⠃⠀"]), ([1.0, 1.0], ["⠉⠉⠉", "⠀⠀⠀"]), ([0.0, 0.0], ["⠀⠀⠀", "⣀⣀⣀"])]
)
def test_a_curve_in_dots(y: list[float], lines: list[str]) -> None:
    assert plot(np.array([0.0, 1.0]), np.array(y), 3, 2) == lines


def test_a_curve_begins_where_its_first_point_is() -> None:
    (line,) = plot(np.array([50.0, 100.0]), np.array([1.0, 1.0]), 4, 1)
    assert line == "⠀⠀⠉⠉"


def test_a_curve_begins_with_its_first_point_if_nothing_was_measured_in_the_first_half() -> None:
    (line,) = plot(np.array([90.0, 100.0]), np.array([1.0, 1.0]), 4, 1)
    assert line == "⠉⠉⠉⠉"
