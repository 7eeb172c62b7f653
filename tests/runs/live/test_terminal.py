"""A run in a terminal."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from lockstep.config.presets import smoke
from lockstep.envs.rware.snapshot import Robot, Snapshot
from lockstep.runs.live.film import Plane
from lockstep.runs.live.terminal import draw_plane, draw_warehouse, episode, plot, watch_in_terminal
from lockstep.runs.record import RunRecord
from tests.runs.folders import make_run
from tests.runs.live.recorded import recorded_run


def printed(record: RunRecord) -> str:
    out = io.StringIO()
    watch_in_terminal(record, Console(file=out, width=100))
    return out.getvalue()


def test_everything_of_a_warehouse_is_in_the_picture() -> None:
    robots = (Robot(0, 0, 0, 0, False), Robot(1, 0, 3, 1, False), Robot(2, 0, 2, 2, True))
    snapshot = Snapshot(
        height=2,
        width=3,
        goals=((2, 1),),
        highways=((True, True, True), (False, False, True)),
        robots=robots,
        shelves=((1, 0), (2, 0), (0, 1)),
        requested=(1,),
        steps=0,
        idle_steps=0,
    )
    assert draw_warehouse(snapshot).plain.splitlines()[:2] == [" ▲ [▶](◀)", " ■     G "]


def test_off_a_terminal_the_last_moment_is_printed_once(tmp_path: Path) -> None:
    text = printed(RunRecord.open(recorded_run(tmp_path / "a").path))
    assert "a  rware-tiny-2ag-v2  QMIX  finished" in text
    assert "after 200 env steps of training, step 40 of 40" in text
    assert "test return 2.00 ± 0.50  best 2.00 at 200 env steps" in text


def test_a_run_that_just_began_says_what_will_come(tmp_path: Path) -> None:
    text = printed(RunRecord.open(make_run(tmp_path / "a", status="running").path))
    assert "its process is gone" in text
    assert "first evaluation to come" in text
    assert "No episode is recorded yet" in text


def test_a_world_without_a_picture_still_has_its_curve(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "a")
    run.recordings.write_text('{"env_steps": 1}\n')
    record = RunRecord.open(run.path)
    assert list(episode(record)) == []
    assert "test return 2.00" in printed(record)


def test_an_episode_ends_with_what_was_recorded(tmp_path: Path) -> None:
    moments = list(episode(RunRecord.open(recorded_run(tmp_path / "a").path)))
    assert [moment.step for moment in moments] == list(range(41))
    assert moments[0].picture.height == smoke().env.arguments["layout"].count("\n") - 1  # type: ignore[union-attr]


def test_particles_stand_where_they_are() -> None:
    plane = Plane(agents=((0.0, 0.0), (1.25, -1.25)), landmarks=((-1.25, 1.25), (0.0, 2.5)))
    lines = draw_plane(plane, width=9, height=5).plain.splitlines()
    assert lines[:5] == ["    ○    ", "  ○      ", "    1    ", "      2  ", "         "]


@pytest.mark.parametrize(
    ("y", "lines"), [([0.0, 1.0], ["⠀⢀⠎", "⡠⠃⠀"]), ([1.0, 1.0], ["⠉⠉⠉", "⠀⠀⠀"]), ([0.0, 0.0], ["⠀⠀⠀", "⣀⣀⣀"])]
)
def test_a_curve_in_dots(y: list[float], lines: list[str]) -> None:
    assert plot(np.array([0.0, 1.0]), np.array(y), 3, 2) == lines


def test_a_curve_begins_where_its_first_point_is() -> None:
    (line,) = plot(np.array([50.0, 100.0]), np.array([1.0, 1.0]), 4, 1)
    assert line == "⠀⠀⠉⠉"
