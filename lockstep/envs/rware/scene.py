"""Warehouses as they are shown: what happened between two snapshots, floors in films, as text, and told to a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL.Image import Image
from rich.text import Text

from lockstep.drawing.palette import theme_named
from lockstep.drawing.stamps import FLASH_FRAMES, fitting_cell_pixels, shining
from lockstep.envs.rware.draw import FloorPlan, Painter, draw
from lockstep.envs.rware.snapshot import Snapshot
from lockstep.envs.scene import Event, Picture, Scene

CELL_PIXELS = 56
"""Of a single picture."""
_FORWARD = 1
_AHEAD = ((0, -1), (0, 1), (-1, 0), (1, 0))
_ARROWS = "▲▼◀▶"


@dataclass(frozen=True)
class WarehouseScene(Scene):
    """A floor with robots and shelves; a moment is a `Snapshot`, of either engine."""

    sensor_range: int = 1
    action_names = ("stay", "forward", "left", "right", "load")

    def moment(self, world: Any, lane: int) -> Snapshot:
        """See Simulator.snapshot."""
        snapshot: Snapshot = world.snapshot(lane)
        return snapshot

    def events(self, before: Snapshot, actions: tuple[int, ...], after: Snapshot) -> tuple[Event, ...]:
        """Deliveries, conflicts, shelves that were lifted and put down."""
        return events_between(before, actions, after)

    def picture(self, moments: Sequence[Snapshot], number: int, theme: str) -> Picture:
        """The floor alone."""
        return draw(moments[number], CELL_PIXELS, theme)

    def text(self, moments: Sequence[Snapshot], number: int, theme: str) -> Text:
        """Two columns a cell."""
        return floor_text(moments[number], theme)

    def film(
        self,
        moments: Sequence[Snapshot],
        events: Sequence[tuple[Event, ...]],
        captions: Sequence[tuple[str, str]],
        theme: str,
        scale: float,
    ) -> list[Image]:
        """Floors of whole pixels a cell, on which deliveries shine."""
        first = moments[0]
        delivered = [[event.place for event in happened if event.kind == "delivery"] for happened in events]
        cell = max(6, round(scale * fitting_cell_pixels(first.height, first.width)))
        painter = Painter(FloorPlan.of(first), cell, theme)
        return [
            painter.frame(snapshot, *caption, flashes)
            for snapshot, caption, flashes in zip(moments, captions, shining([(), *delivered]), strict=True)
        ]

    def told(self, moments: Sequence[Snapshot]) -> dict[str, Any]:
        """For scene.js. Shelves are told once: they move with who carries them."""
        return {
            "kind": "rware",
            "sensorRange": self.sensor_range,
            "flashFrames": FLASH_FRAMES,
            "floor": _floor(moments[0]),
            "frames": [_frame(snapshot) for snapshot in moments],
        }


def events_between(before: Snapshot, actions: tuple[int, ...], after: Snapshot) -> tuple[Event, ...]:
    """What happened in a step of a warehouse.

    A conflict is a robot that wanted to go ahead, could have but for another robot, and stayed. A delivery is seen in
    the queue: a requested shelf stood on a goal, and is not requested any more.
    """
    events: list[Event] = []
    standing = set(before.shelves) - {(robot.x, robot.y) for robot in before.robots if robot.carried_shelf}
    taken = {(robot.x, robot.y) for robot in (*before.robots, *after.robots)}
    for agent, (was, now, action) in enumerate(zip(before.robots, after.robots, actions, strict=True)):
        place = (now.x, now.y)
        if now.carried_shelf and not was.carried_shelf:
            events.append(Event("pick-up", agent, place))
        elif was.carried_shelf and not now.carried_shelf:
            events.append(Event("put-down", agent, place))
        delivered = now.carried_shelf in before.requested and now.carried_shelf not in after.requested
        if delivered and place in after.goals:
            events.append(Event("delivery", agent, place))
        if action == _FORWARD and (was.x, was.y) == place:
            ahead = (was.x + _AHEAD[was.direction][0], was.y + _AHEAD[was.direction][1])
            pushes = was.carried_shelf and ahead in standing
            if ahead in taken and not pushes:
                events.append(Event("conflict", agent, place))
    return tuple(events)


def floor_text(snapshot: Snapshot, theme: str) -> Text:
    """Arrows are robots, on the color of what they carry. Shapes alone tell everything, where there are no colors."""
    colors = theme_named(theme)
    shelf_at = {place: number for number, place in enumerate(snapshot.shelves, start=1)}
    robot_at = {(robot.x, robot.y): number for number, robot in enumerate(snapshot.robots)}
    text = Text(no_wrap=True)
    for y in range(snapshot.height):
        for x in range(snapshot.width):
            shelf, number, goal = shelf_at.get((x, y), 0), robot_at.get((x, y)), (x, y) in snapshot.goals
            highway, requested = snapshot.highways[y][x], shelf in snapshot.requested
            ground = colors.goal if goal else colors.floor if highway else colors.island
            if number is not None:
                robot = snapshot.robots[number]
                load = "]" if requested else ")"
                under = (colors.request if requested else colors.shelf) if robot.carried_shelf else ground
                ink = colors.page if robot.carried_shelf or goal else colors.robots[number % len(colors.robots)]
                arrow = _ARROWS[robot.direction] + (load if robot.carried_shelf else " ")
                text.append(arrow, f"bold {ink} on {under}")
            elif requested:
                text.append("[]", f"bold {colors.request_mark} on {colors.request}")
            elif shelf:
                text.append("▐▌", f"{colors.shelf} on {colors.island}")
            elif goal:
                text.append("GO", f"bold {colors.goal_mark} on {colors.goal}")
            else:
                text.append(" ·" if highway else "  ", f"{colors.place} on {ground}")
        text.append("\n")
    return text.append("▲ robot  ▲] with a request  ▲) with another  [] requested  ▐▌ shelf  GO goal", "dim")


def _floor(snapshot: Snapshot) -> dict[str, Any]:
    places = [[x, y] for y in range(snapshot.height) for x in range(snapshot.width) if not snapshot.highways[y][x]]
    return {
        "height": snapshot.height,
        "width": snapshot.width,
        "goals": [list(goal) for goal in snapshot.goals],
        "places": places,
        "shelves": [list(shelf) for shelf in snapshot.shelves],
    }


def _frame(snapshot: Snapshot) -> dict[str, Any]:
    robots = [[robot.x, robot.y, robot.direction, robot.carried_shelf] for robot in snapshot.robots]
    return {"robots": robots, "requested": list(snapshot.requested)}
