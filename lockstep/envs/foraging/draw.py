"""A field of food as a picture, seen from above: players are discs, food is fruit, and both wear their level."""

from collections import Counter
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lockstep.drawing.page import PageLayout, typeface
from lockstep.drawing.palette import theme_named
from lockstep.drawing.stamps import OVERSAMPLING, Cell, Stamps, fitting_text_pixels
from lockstep.envs.foraging.moment import FieldMoment

_MARGIN = 0.5
"""Page around a field, in cells."""
_RADIUS = 0.36
_BESIDE = 0.22
"""Cells between the middles of two players who stand on one cell."""
_STALK, _TIP, _BELLY = np.array([0.53, 0.2]), np.array([0.84, 0.08]), np.array([0.032, 0.083])
_LEAF = [
    _STALK + (_TIP - _STALK) * part + side * _BELLY * np.sin(np.pi * part)
    for side, parts in ((-1, np.linspace(0, 1, 13)), (1, np.linspace(1, 0, 13)))
    for part in parts
]
"""Corners of a leaf, in cells: two bows from its stalk to its tip."""


def draw(moment: FieldMoment, cell_pixels: int = 24, theme: str = "light") -> NDArray[np.uint8]:
    """The field alone: (rows * cell_pixels, columns * cell_pixels, 3) uint8."""
    return np.array(_painter(moment.rows, moment.columns, cell_pixels, theme).floor(moment))


class FieldPainter:
    """Pictures of one field in one size: crisp, because every cell has whole pixels."""

    def __init__(self, rows: int, columns: int, cell_pixels: int, theme: str = "light") -> None:
        self.cell, self.theme = cell_pixels, theme_named(theme)
        self.margin = round(_MARGIN * cell_pixels)
        size = columns * cell_pixels, rows * cell_pixels
        text_pixels = fitting_text_pixels(cell_pixels, size[0])
        self._page = PageLayout(size, self.margin, text_pixels, self.theme, radius=0.3 * cell_pixels)
        large = Image.new("RGB", (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING), self.theme.floor)
        self._ground(ImageDraw.Draw(large), cell_pixels * OVERSAMPLING, rows, columns)
        self._base = large.reduce(OVERSAMPLING)
        self._stamps = Stamps(cell_pixels)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of `frame` in pixels."""
        return self._page.size

    def floor(self, moment: FieldMoment) -> Image.Image:
        """The field alone, RGB."""
        picture = self._base.copy()
        for (row, column), level in moment.foods:
            self._stamps.paste(picture, self._fruit(level), column, row)
        together, drawn = Counter(moment.players), Counter[tuple[int, int]]()
        for number, (row, column) in enumerate(moment.players):
            aside = _BESIDE * (drawn[row, column] - (together[row, column] - 1) / 2)
            drawn[row, column] += 1
            stamp = self._player(number, moment.levels[number])
            self._stamps.paste(picture, stamp, column + aside, row + aside)
        return picture

    def frame(
        self, moment: FieldMoment, left: str = "", right: str = "", flashes: dict[Cell, int] | None = None
    ) -> Image.Image:
        """The field on a page with a line of text below it, RGB, of `size`.

        flashes: for a cell, (x, y), the frames since something was eaten there, 0 up to FLASH_FRAMES - 1.
        """
        page = self._page.blank(self.floor(moment))
        for (x, y), age in (flashes or {}).items():
            self._stamps.paste(page, self._stamps.flash(age, self.theme.flash), x, y, self.margin)
        self._page.write(page, left, right)
        return page

    def _ground(self, pen: ImageDraw.ImageDraw, k: int, rows: int, columns: int) -> None:
        """The bed in which food grows, and crosses between the cells. k: pixels a cell, before averaging."""
        theme = self.theme
        pen.rounded_rectangle((k, k, (columns - 1) * k - 1, (rows - 1) * k - 1), 0.3 * k, fill=theme.island)
        reach, thick = 0.10 * k, max(1, round(0.024 * k))
        for y in range(1, rows):
            for x in range(1, columns):
                pen.line((x * k - reach, y * k, x * k + reach, y * k), theme.cross, thick)
                pen.line((x * k, y * k - reach, x * k, y * k + reach), theme.cross, thick)

    def _fruit(self, level: int) -> Image.Image:
        theme = self.theme

        def paint(pen: ImageDraw.ImageDraw, k: int) -> None:
            pen.ellipse([v * k for v in (0.16, 0.22, 0.84, 0.9)], fill=theme.request)
            pen.line([v * k for v in (0.5, 0.26, 0.53, 0.1)], theme.request_mark, round(0.06 * k))
            pen.polygon([(a * k, b * k) for a, b in _LEAF], fill=theme.robots[2])
            pen.text((0.5 * k, 0.565 * k), str(level), theme.request_mark, typeface(_letter(level, k)), anchor="mm")

        return self._stamps.stamp(("fruit", level), paint)

    def _player(self, number: int, level: int) -> Image.Image:
        theme = self.theme
        color = theme.robots[number % len(theme.robots)]

        def paint(pen: ImageDraw.ImageDraw, k: int) -> None:
            for radius, paint in ((_RADIUS + 0.055, theme.outline), (_RADIUS, color)):
                pen.ellipse([v * k for v in (0.5 - radius, 0.5 - radius, 0.5 + radius, 0.5 + radius)], fill=paint)
            pen.text((0.5 * k, 0.505 * k), str(level), theme.heading, typeface(_letter(level, k)), anchor="mm")

        return self._stamps.stamp(("player", color, level), paint)


@lru_cache(maxsize=4)
def _painter(rows: int, columns: int, cell_pixels: int, theme: str) -> FieldPainter:
    return FieldPainter(rows, columns, cell_pixels, theme)


def _letter(level: int, k: int) -> int:
    """Pixels of a level's digits, so that they fit into a disc."""
    return round(k * (0.46, 0.4, 0.3, 0.24)[min(len(str(level)), 4) - 1])
