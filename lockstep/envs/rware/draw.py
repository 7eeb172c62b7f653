"""A warehouse as a picture, seen from above: no display, no window.

What stands still is painted once, everything else is a small stamp: a frame costs a few dozen pastes.
"""

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lockstep.drawing.page import PageLayout
from lockstep.drawing.palette import theme_named
from lockstep.drawing.stamps import OVERSAMPLING, Stamps, fitting_text_pixels, square
from lockstep.envs.rware.snapshot import Snapshot

_VECTORS = ((0, -1), (0, 1), (-1, 0), (1, 0))
_MARGIN = 0.5
"""Page around a floor, in cells."""

Place = tuple[int, int]


class FloorPlan(NamedTuple):
    """What stands still in a warehouse; see Snapshot."""

    height: int
    width: int
    goals: tuple[Place, ...]
    highways: tuple[tuple[bool, ...], ...]

    @classmethod
    def of(cls, snapshot: Snapshot) -> "FloorPlan":
        return cls(snapshot.height, snapshot.width, snapshot.goals, snapshot.highways)


def draw(snapshot: Snapshot, cell_pixels: int = 24, theme: str = "light") -> NDArray[np.uint8]:
    """The floor alone: (height * cell_pixels, width * cell_pixels, 3) uint8."""
    return np.array(_painter(FloorPlan.of(snapshot), cell_pixels, theme).floor(snapshot))


class Painter:
    """Pictures of one floor in one size: crisp, because every cell has whole pixels."""

    def __init__(self, plan: FloorPlan, cell_pixels: int, theme: str = "light") -> None:
        self.cell, self.theme = cell_pixels, theme_named(theme)
        self.width, self.height = plan.width * cell_pixels, plan.height * cell_pixels
        self.margin = round(_MARGIN * cell_pixels)
        text_pixels = fitting_text_pixels(cell_pixels, self.width)
        self._page = PageLayout(
            (self.width, self.height), self.margin, text_pixels, self.theme, radius=0.3 * cell_pixels
        )
        large = Image.new("RGB", (self.width * OVERSAMPLING, self.height * OVERSAMPLING), self.theme.floor)
        self._ground(ImageDraw.Draw(large), cell_pixels * OVERSAMPLING, plan)
        self._base = large.reduce(OVERSAMPLING)
        self._stamps = Stamps(cell_pixels)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of `frame` in pixels."""
        return self._page.size

    def floor(self, snapshot: Snapshot) -> Image.Image:
        """The floor alone, RGB."""
        picture = self._base.copy()
        carried = {robot.carried_shelf for robot in snapshot.robots}
        for number, (x, y) in enumerate(snapshot.shelves, start=1):
            if number not in carried:
                self._stamps.paste(picture, self._shelf(number in snapshot.requested, lifted=False), x, y)
        for number, robot in enumerate(snapshot.robots):
            if robot.carried_shelf:
                requested = robot.carried_shelf in snapshot.requested
                self._stamps.paste(picture, self._shelf(requested, lifted=True), robot.x, robot.y)
            self._stamps.paste(
                picture, self._robot(number, robot.direction, bool(robot.carried_shelf)), robot.x, robot.y
            )
        return picture

    def frame(
        self, snapshot: Snapshot, left: str = "", right: str = "", flashes: dict[Place, int] | None = None
    ) -> Image.Image:
        """The floor on a page with a line of text below it, RGB, of `size`.

        flashes: for a cell, the frames since a delivery there, 0 up to FLASH_FRAMES - 1.
        """
        page = self._page.blank(self.floor(snapshot))
        for (x, y), age in (flashes or {}).items():
            self._stamps.paste(page, self._stamps.flash(age, self.theme.flash), x, y, self.margin)
        self._page.write(page, left, right)
        return page

    def _ground(self, pen: ImageDraw.ImageDraw, k: int, plan: FloorPlan) -> None:
        """Islands with empty places, crosses between highway cells, goals. k: pixels a cell, before averaging."""
        theme = self.theme
        for y in range(plan.height):
            for x in range(plan.width):
                if not plan.highways[y][x]:
                    square(pen, k, 0.0, x, y, radius=0.22, fill=theme.island)
                    for a, b in ((x + 1, y), (x, y + 1)):  # no notch where two places touch
                        if a < plan.width and b < plan.height and not plan.highways[b][a]:
                            middle = (0.5 * (x + a), 0.5 * (y + b))
                            box = [middle[0] * k, middle[1] * k, (middle[0] + 1) * k - 1, (middle[1] + 1) * k - 1]
                            pen.rectangle(box, fill=theme.island)
        reach, thick = 0.10 * k, max(1, round(0.024 * k))
        for y in range(1, plan.height):
            for x in range(1, plan.width):
                if all(plan.highways[b][a] for a in (x - 1, x) for b in (y - 1, y)):
                    pen.line((x * k - reach, y * k, x * k + reach, y * k), theme.cross, thick)
                    pen.line((x * k, y * k - reach, x * k, y * k + reach), theme.cross, thick)
        for y in range(plan.height):
            for x in range(plan.width):
                if not plan.highways[y][x]:
                    square(pen, k, 0.17, x, y, radius=0.10, outline=theme.place, thickness=0.035)
        for x, y in plan.goals:
            square(pen, k, 0.06, x, y, radius=0.16, fill=theme.goal)
            for row in (0.34, 0.56):
                tip = [(x + 0.28, y + row), (x + 0.5, y + row + 0.16), (x + 0.72, y + row)]
                pen.line([(a * k, b * k) for a, b in tip], theme.goal_mark, round(0.075 * k), joint="curve")

    def _shelf(self, requested: bool, *, lifted: bool) -> Image.Image:
        theme = self.theme

        def paint(pen: ImageDraw.ImageDraw, k: int) -> None:
            inset = 0.055 if lifted else 0.14
            if lifted:
                square(pen, k, 0.0, radius=0.16, fill=theme.outline)
            square(pen, k, inset, radius=0.12, fill=theme.request if requested else theme.shelf)
            if requested:  # a mark that needs no color: in the middle, or where a robot on it leaves room
                corners = (0.165, 0.835) if lifted else (0.5,)
                reach = 0.05 if lifted else 0.12
                for x, y in product(corners, corners):
                    box = (x - reach, y - reach, x + reach, y + reach)
                    pen.ellipse([v * k for v in box], fill=theme.request_mark)
            else:
                for y in (0.36, 0.64):
                    line = (inset + 0.1, y - 0.035, 1 - inset - 0.1, y + 0.035)
                    pen.rounded_rectangle([v * k for v in line], 0.035 * k, fill=theme.shelf_board)

        return self._stamps.stamp(("shelf", requested, lifted), paint)

    def _robot(self, number: int, direction: int, loaded: bool) -> Image.Image:
        theme = self.theme
        color = theme.robots[number % len(theme.robots)]

        def paint(pen: ImageDraw.ImageDraw, k: int) -> None:
            radius, (dx, dy) = (0.31 if loaded else 0.37), _VECTORS[direction]
            ring = radius + 0.055
            pen.ellipse([v * k for v in (0.5 - ring, 0.5 - ring, 0.5 + ring, 0.5 + ring)], fill=theme.outline)
            pen.ellipse([v * k for v in (0.5 - radius, 0.5 - radius, 0.5 + radius, 0.5 + radius)], fill=color)
            arrow = [(0.68, 0.0), (-0.42, 0.52), (-0.16, 0.0), (-0.42, -0.52)]
            points = [
                ((0.5 + radius * (a * dx - b * dy)) * k, (0.5 + radius * (a * dy + b * dx)) * k) for a, b in arrow
            ]
            pen.polygon(points, fill=theme.heading)

        return self._stamps.stamp(("robot", color, direction, loaded), paint)


@lru_cache(maxsize=4)
def _painter(plan: FloorPlan, cell_pixels: int, theme: str) -> Painter:
    return Painter(plan, cell_pixels, theme)
