"""Warehouses put together by hand, for pictures and recordings."""

from dataclasses import replace

from lockstep.envs.rware.layout import layout_from_sizes, layout_from_text
from lockstep.envs.rware.snapshot import Robot, Snapshot

UP, DOWN, LEFT, RIGHT = range(4)
SMALL = "x.x\n...\n.g."


def scene(
    robots: list[Robot],
    requested: tuple[int, ...] = (1,),
    layout: str = SMALL,
    shelves: dict[int, tuple[int, int]] | None = None,
) -> Snapshot:
    """A drawn warehouse with its shelves at home, but for those in `shelves` by number, and those that are carried."""
    floor = layout_from_text(layout)
    places = [(int(cell) % floor.width, int(cell) // floor.width) for cell in floor.shelf_cells]
    for number, place in (shelves or {}).items():
        places[number - 1] = place
    for robot in robots:
        if robot.carried_shelf:
            places[robot.carried_shelf - 1] = (robot.x, robot.y)
    return Snapshot(
        height=floor.height,
        width=floor.width,
        goals=floor.goals,
        highways=tuple(tuple(bool(cell) for cell in row) for row in floor.highways),
        robots=tuple(robots),
        shelves=tuple(places),
        requested=requested,
        steps=0,
        idle_steps=0,
    )


def large_scene() -> Snapshot:
    """The largest registered floor with 19 robots on its diagonal, every third one loaded."""
    floor = layout_from_sizes(shelf_columns=5, shelf_rows=3, column_height=8)
    places = [(int(cell) % floor.width, int(cell) // floor.width) for cell in floor.shelf_cells]
    robots = [Robot(i % floor.width, i, i % 4, i + 1 if i % 3 == 0 else 0, False) for i in range(19)]
    small = scene([])
    for robot in robots:
        if robot.carried_shelf:
            places[robot.carried_shelf - 1] = (robot.x, robot.y)
    return replace(
        small,
        height=floor.height,
        width=floor.width,
        goals=floor.goals,
        highways=tuple(tuple(bool(cell) for cell in row) for row in floor.highways),
        robots=tuple(robots),
        shelves=tuple(places),
        requested=tuple(range(1, 20)),
    )
