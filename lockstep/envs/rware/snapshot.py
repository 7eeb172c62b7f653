"""One warehouse at one moment, in plain words: for drawing, and for comparing with the official package."""

from dataclasses import dataclass

HEADINGS = "^v<>"
"""A robot's picture, by direction: up, down, left, right."""


@dataclass(frozen=True)
class Robot:
    """Where one robot is and what it does."""

    x: int
    y: int
    direction: int
    """0 up, 1 down, 2 left, 3 right"""
    carried_shelf: int
    """The shelf's number, counted from 1, or 0."""
    has_delivered: bool
    message: tuple[int, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """Everything that decides the future of one warehouse, but for its random stream."""

    height: int
    width: int
    goals: tuple[tuple[int, int], ...]
    """(x, y)"""
    highways: tuple[tuple[bool, ...], ...]
    """[y][x]: False on the places where shelves belong"""
    robots: tuple[Robot, ...]
    shelves: tuple[tuple[int, int], ...]
    """(x, y) of every shelf, standing or carried; the first is shelf number 1"""
    requested: tuple[int, ...]
    """Numbers of the requested shelves, in the order of the queue"""
    steps: int
    idle_steps: int

    def text(self) -> str:
        """A picture of three letters a cell. Robots ^v<> by direction, in brackets when loaded; s a shelf, R a
        requested one, g a goal, . a corridor, - an empty shelf place. A robot on a shelf shows both."""
        shelf_at = {place: number for number, place in enumerate(self.shelves, start=1)}
        robot_at = {(robot.x, robot.y): robot for robot in self.robots}
        lines = []
        for y in range(self.height):
            cells = []
            for x in range(self.width):
                shelf, robot = shelf_at.get((x, y), 0), robot_at.get((x, y))
                ground = "g" if (x, y) in self.goals else "." if self.highways[y][x] else "-"
                thing = ("R" if shelf in self.requested else "s") if shelf else ground
                if robot is None:
                    cells.append(f" {thing} ")
                elif robot.carried_shelf:
                    cells.append(f"[{HEADINGS[robot.direction]}{thing}")
                else:
                    cells.append(f" {HEADINGS[robot.direction]}{thing}")
            lines.append("".join(cells).rstrip())
        return "\n".join(lines)
