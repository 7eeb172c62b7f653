"""Floors of square cells: everything that moves is a small stamp, painted once and pasted where it is.

All is painted several times as large and averaged, so that edges are smooth at any size.
"""

from collections.abc import Callable, Iterable, Sequence

from PIL import Image, ImageDraw

OVERSAMPLING = 4
FLASH_FRAMES = 4
"""Frames for which a ring shines."""
_FLASH_RADIUS = 1.15

Cell = tuple[int, int]
"""(x, y)"""


class Stamps:
    """Stamps of one size, by name."""

    def __init__(self, cell: int) -> None:
        """cell: pixels, either way."""
        self.cell = cell
        self._stamps: dict[tuple[object, ...], Image.Image] = {}

    def stamp(
        self, name: tuple[object, ...], paint: Callable[[ImageDraw.ImageDraw, int], None], cells: float = 1.0
    ) -> Image.Image:
        """What `paint` draws, with a pen and the pixels of a cell. cells: its size."""
        if name not in self._stamps:
            side = round(cells * self.cell) * OVERSAMPLING
            large = Image.new("RGBA", (side, side), (0, 0, 0, 0))
            paint(ImageDraw.Draw(large), self.cell * OVERSAMPLING)
            self._stamps[name] = large.reduce(OVERSAMPLING)
        return self._stamps[name]

    def paste(self, picture: Image.Image, stamp: Image.Image, x: float, y: float, origin: int = 0) -> None:
        """Put a stamp, whatever its size, around the middle of the cell (x, y). origin: pixels before cell (0, 0)."""
        corner = origin + (self.cell - stamp.width) // 2
        picture.paste(stamp, (corner + round(x * self.cell), corner + round(y * self.cell)), stamp)

    def flash(self, age: int, color: str) -> Image.Image:
        """A ring that grows and fades. age: frames since it began, 0 up to FLASH_FRAMES - 1. color: #rrggbb"""
        part = (age + 1) / FLASH_FRAMES
        cells = 2 * _FLASH_RADIUS + 0.3
        alpha = round(255 * (1.08 - part) ** 0.8)

        def paint(pen: ImageDraw.ImageDraw, k: int) -> None:
            middle, radius = cells / 2 * k, (0.45 + (_FLASH_RADIUS - 0.45) * part) * k
            box = (middle - radius, middle - radius, middle + radius, middle + radius)
            red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
            pen.ellipse(box, outline=(red, green, blue, alpha), width=max(1, round((0.16 - 0.09 * part) * k)))

        return self.stamp(("flash", age, color), paint, cells)


def square(
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


def shining(begun: Sequence[Iterable[Cell]]) -> list[dict[Cell, int]]:
    """For every frame, the cells that shine, with the frames since they began. begun: where that is, frame by frame."""
    frames: list[dict[Cell, int]] = [{} for _ in begun]
    for number, cells in enumerate(begun):
        for cell in cells:
            for age, frame in enumerate(frames[number : number + FLASH_FRAMES]):
                frame[cell] = age
    return frames


def fitting_cell_pixels(height: int, width: int) -> int:
    """Pixels a cell for a picture of at most about 640 pixels either way, from 14 for the largest floors to 40."""
    return max(14, min(40, 640 // max(height, width)))


def fitting_text_pixels(cell: int, width: int) -> int:
    """Pixels of the line below a floor. cell, width: pixels of a cell and of the floor."""
    return max(9, round(0.36 * min(max(cell, 26), 2.2 * width / 26)))
