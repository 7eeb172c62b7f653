"""What counts as an event, worked by hand."""

from dataclasses import replace

from lockstep.drawing.stamps import FLASH_FRAMES
from lockstep.envs.rware.scene import WarehouseScene, events_between
from lockstep.envs.rware.snapshot import Robot
from lockstep.envs.scene import Event
from lockstep.show.recording import Recording, Step
from tests.envs.rware.scenes import DOWN, LEFT, RIGHT, UP, scene

STAY, FORWARD, TURN_LEFT, TURN_RIGHT, LOAD = range(5)


def robot(x: int, y: int, direction: int = UP, carried: int = 0) -> Robot:
    return Robot(x, y, direction, carried, False)


def test_lifting_and_putting_down() -> None:
    empty, full = scene([robot(0, 0)]), scene([robot(0, 0, carried=1)])
    assert events_between(empty, (LOAD,), full) == (Event("pick-up", 0, (0, 0)),)
    assert events_between(full, (LOAD,), empty) == (Event("put-down", 0, (0, 0)),)
    assert events_between(empty, (STAY,), empty) == ()


def test_a_delivery_is_a_request_that_is_over_on_a_goal() -> None:
    before = scene([robot(1, 1, DOWN, carried=1)], requested=(1,))
    after = scene([robot(1, 2, DOWN, carried=1)], requested=(2,))
    assert events_between(before, (FORWARD,), after) == (Event("delivery", 0, (1, 2)),)
    assert events_between(replace(before, requested=(2,)), (FORWARD,), after) == ()


def test_two_robots_head_on_are_both_in_conflict() -> None:
    here = scene([robot(0, 1, RIGHT), robot(1, 1, LEFT)])
    kinds = [(event.kind, event.agent) for event in events_between(here, (FORWARD, FORWARD), here)]
    assert kinds == [("conflict", 0), ("conflict", 1)]


def test_the_loser_of_a_contested_cell_is_in_conflict() -> None:
    before, after = scene([robot(0, 1, RIGHT), robot(2, 1, LEFT)]), scene([robot(1, 1, RIGHT), robot(2, 1, LEFT)])
    assert events_between(before, (FORWARD, FORWARD), after) == (Event("conflict", 1, (2, 1)),)


def test_a_wall_and_a_shelf_in_the_way_are_no_conflict() -> None:
    wall = scene([robot(0, 1, LEFT)])
    assert events_between(wall, (FORWARD,), wall) == ()
    pushing = scene([robot(1, 0, RIGHT, carried=1)])
    assert events_between(pushing, (FORWARD,), pushing) == ()


def test_a_recording_counts_and_tells_itself() -> None:
    frames = (scene([robot(1, 1, DOWN, carried=1)]), scene([robot(1, 2, DOWN, carried=1)], requested=(2,)))
    step = Step((FORWARD,), (1.0,), events_between(frames[0], (FORWARD,), frames[1]), ((0.1, 0.9),), (0.5,), 0.7)
    recording = Recording("rware-test", "a team", 3, WarehouseScene(), frames, (step,))
    assert recording.num_frames == 2
    assert recording.returns() == [0.0, 1.0]
    told = recording.to_json()
    assert (told["kind"], told["sensorRange"], told["actionNames"][1]) == ("rware", 1, "forward")
    assert told["flashFrames"] == FLASH_FRAMES  # the page's script has no number of its own
    assert told["floor"] == {
        "height": 3,
        "width": 3,
        "goals": [[1, 2]],
        "places": [[0, 0], [2, 0]],
        "shelves": [[1, 1], [2, 0]],
    }
    assert told["frames"][1] == {"robots": [[1, 2, DOWN, 1]], "requested": [2]}
    assert told["steps"][0]["events"] == [["delivery", 0, 1, 2]]
    assert told["steps"][0]["weights"] == [0.5]
