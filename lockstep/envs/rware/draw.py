"""A warehouse as a picture, seen from above: no display, no window.

What stands still is painted once, everything else is a small stamp: a frame costs a few dozen pastes. All is painted
several times as large and averaged, so that edges are smooth at any size.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lockstep.drawing.page import PageLayout
from lockstep.drawing.palette import theme_named
from lockstep.envs.rware.snapshot import Snapshot

_OVERSAMPLING = 4
_VECTORS = ((0, -1), (0, 1), (-1, 0), (1, 0))
_MARGIN = 0.5
"""Page around a floor, in cells."""
FLASH_FRAMES = 4
"""Frames for which a delivery shines."""
_FLASH_RADIUS = 1.15

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


def fitting_cell_pixels(height: int, width: int) -> int:
    """Pixels a cell for a picture of at most about 640 pixels either way, from 14 for the largest floors to 40."""
    return max(14, min(40, 640 // max(height, width)))


class Painter:
    """Pictures of one floor in one size: crisp, because every cell has whole pixels."""

    def __init__(self, plan: FloorPlan, cell_pixels: int, theme: str = "light") -> None:
        self.cell, self.theme = cell_pixels, theme_named(theme)
        self.width, self.height = plan.width * cell_pixels, plan.height * cell_pixels
        self.margin = round(_MARGIN * cell_pixels)
        text_pixels = max(9, round(0.36 * min(max(cell_pixels, 26), 2.2 * self.width / 26)))
        self._page = PageLayout(
            (self.width, self.height), self.margin, text_pixels, self.theme, radius=0.3 * cell_pixels
        )
        large = Image.new("RGB", (self.width * _OVERSAMPLING, self.height * _OVERSAMPLING), self.theme.floor)
        self._ground(ImageDraw.Draw(large), cell_pixels * _OVERSAMPLING, plan)
        self._base = large.reduce(_OVERSAMPLING)
        self._stamps: dict[tuple[object, ...], Image.Image] = {}

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
                self._paste(picture, self._shelf(number in snapshot.requested, lifted=False), x, y)
        for number, robot in enumerate(snapshot.robots):
            if robot.carried_shelf:
                requested = robot.carried_shelf in snapshot.requested
                self._paste(picture, self._shelf(requested, lifted=True), robot.x, robot.y)
            self._paste(picture, self._robot(number, robot.direction, bool(robot.carried_shelf)), robot.x, robot.y)
        return picture

    def frame(
        self, snapshot: Snapshot, left: str = "", right: str = "", flashes: dict[Place, int] | None = None
    ) -> Image.Image:
        """The floor on a page with a line of text below it, RGB, of `size`.

        flashes: for a cell, the frames since a delivery there, 0 up to FLASH_FRAMES - 1.
        """
        page = self._page.blank(self.floor(snapshot))
        for (x, y), age in (flashes or {}).items():
            stamp = self._flash(age)
            corner = self.margin + (self.cell - stamp.width) // 2
            page.paste(stamp, (corner + x * self.cell, corner + y * self.cell), stamp)
        self._page.write(page, left, right)
        return page

    def _ground(self, pen: ImageDraw.ImageDraw, k: int, plan: FloorPlan) -> None:
        """Islands with empty places, crosses between highway cells, goals. k: pixels a cell, before averaging."""
        theme = self.theme
        for y in range(plan.height):
            for x in range(plan.width):
                if not plan.highways[y][x]:
                    _square(pen, k, 0.0, x, y, radius=0.22, fill=theme.island)
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
                    _square(pen, k, 0.17, x, y, radius=0.10, outline=theme.place, thickness=0.035)
        for x, y in plan.goals:
            _square(pen, k, 0.06, x, y, radius=0.16, fill=theme.goal)
            for row in (0.34, 0.56):
                tip = [(x + 0.28, y + row), (x + 0.5, y + row + 0.16), (x + 0.72, y + row)]
                pen.line([(a * k, b * k) for a, b in tip], theme.goal_mark, round(0.075 * k), joint="curve")

    def _shelf(self, requested: bool, *, lifted: bool) -> Image.Image:
        theme = self.theme

        def paint(pen: ImageDraw.ImageDraw, k: int) -> None:
            inset = 0.055 if lifted else 0.14
            if lifted:
                _square(pen, k, 0.0, radius=0.16, fill=theme.outline)
            _square(pen, k, inset, radius=0.12, fill=theme.request if requested else theme.shelf)
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

        return self._stamp(("shelf", requested, lifted), paint)

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

        return self._stamp(("robot", color, direction, loaded), paint)

    def _flash(self, age: int) -> Image.Image:
        """A ring that grows and fades."""
        part = (age + 1) / FLASH_FRAMES
        cells = 2 * _FLASH_RADIUS + 0.3
        alpha = round(255 * (1.08 - part) ** 0.8)

        def paint(pen: ImageDraw.ImageDraw, k: int) -> None:
            middle, radius = cells / 2 * k, (0.45 + (_FLASH_RADIUS - 0.45) * part) * k
            box = (middle - radius, middle - radius, middle + radius, middle + radius)
            red, green, blue = (int(self.theme.flash[i : i + 2], 16) for i in (1, 3, 5))
            pen.ellipse(box, outline=(red, green, blue, alpha), width=max(1, round((0.16 - 0.09 * part) * k)))

        return self._stamp(("flash", age), paint, cells)

    def _stamp(
        self, key: tuple[object, ...], paint: Callable[[ImageDraw.ImageDraw, int], None], cells: float = 1.0
    ) -> Image.Image:
        if key not in self._stamps:
            side = round(cells * self.cell) * _OVERSAMPLING
            large = Image.new("RGBA", (side, side), (0, 0, 0, 0))
            paint(ImageDraw.Draw(large), self.cell * _OVERSAMPLING)
            self._stamps[key] = large.reduce(_OVERSAMPLING)
        return self._stamps[key]

    def _paste(self, picture: Image.Image, stamp: Image.Image, x: int, y: int) -> None:
        picture.paste(stamp, (x * self.cell, y * self.cell), stamp)


def _square(
    pen: ImageDraw.ImageDraw,
    k: int,
    inset: float,
    x: int = 0,
    y: int = 0,
    *,
    radius: float,
    fill: str | None = None,
    outline: str | None = None,
    thickness: float = 0.0,
) -> None:
    """A rounded square in a cell; all measures in cells of k pixels."""
    box = [(x + inset) * k, (y + inset) * k, (x + 1 - inset) * k - 1, (y + 1 - inset) * k - 1]
    pen.rounded_rectangle(box, radius * k, fill=fill, outline=outline, width=max(1, round(thickness * k)))


@lru_cache(maxsize=4)
def _painter(plan: FloorPlan, cell_pixels: int, theme: str) -> Painter:
    return Painter(plan, cell_pixels, theme)
