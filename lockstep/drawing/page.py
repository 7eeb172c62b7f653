"""A picture on a page: a margin around it, and one quiet line of text below."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lockstep.drawing.palette import Theme, theme_named

_OVERSAMPLING = 4
_LETTER, _LINE = (11, 22), 18
"""Pixels: (width, height) that a letter of `typed` takes, and the size of its font."""


class PageLayout:
    """Pages for pictures of one size."""

    def __init__(self, size: tuple[int, int], margin: int, text_pixels: int, theme: Theme, radius: float = 0.0) -> None:
        """size: (width, height) of the pictures. radius: of their corners. All in pixels."""
        self.margin, self.text_pixels, self.theme = margin, text_pixels, theme
        self._inside = size
        self.foot = round(2.1 * text_pixels)
        self._mask = _rounded(size, radius)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        width, height = self._inside
        return width + 2 * self.margin, height + self.margin + self.foot

    def blank(self, picture: Image.Image) -> Image.Image:
        """The page without its line, RGB."""
        page = Image.new("RGB", self.size, self.theme.page)
        page.paste(picture, (self.margin, self.margin), self._mask)
        return page

    def write(self, page: Image.Image, left: str, right: str) -> None:
        """Put the line on a page: quiet text on the left, cut where it is too long, and numbers on the right."""
        pen, font = ImageDraw.Draw(page), typeface(self.text_pixels)
        end, y = self.margin + self._inside[0], self.margin + self._inside[1] + self.foot // 2
        pen.text((end, y), right, self.theme.text, font, anchor="rm")
        room = end - self.margin - font.getlength(right) - self.text_pixels
        pen.text((self.margin, y), _shortened(left, font, room), self.theme.quiet_text, font, anchor="lm")


def on_pages(
    pictures: Sequence[NDArray[np.uint8]], captions: Sequence[tuple[str, str]], theme: str, scale: float
) -> list[Image.Image]:
    """Pictures of one size, (height, width, 3), enlarged by `scale`, each on a page with its words left and right."""
    large = [_scaled(Image.fromarray(picture), scale) for picture in pictures]
    margin = round(0.04 * max(large[0].size))
    page = PageLayout(large[0].size, margin, max(9, round(13 * scale)), theme_named(theme))
    pages = [page.blank(picture) for picture in large]
    for sheet, (left, right) in zip(pages, captions, strict=True):
        page.write(sheet, left, right)
    return pages


def typed(text: str, theme: str) -> Image.Image:
    """Text as a picture, every letter in a cell of one size, so that columns stay columns."""
    lines, colors, font = text.split("\n"), theme_named(theme), typeface(_LINE)
    (width, height), columns = _LETTER, max(map(len, lines))
    picture = Image.new("RGB", ((columns + 2) * width, (len(lines) + 1) * height), colors.floor)
    pen = ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        for column, letter in enumerate(line):
            pen.text(((column + 1.5) * width, (row + 1) * height), letter, colors.text, font, anchor="mm")
    return picture


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    if scale == 1.0:
        return picture
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)


def _rounded(size: tuple[int, int], radius: float) -> Image.Image:
    """A mask with round corners."""
    large = (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING)
    mask = Image.new("L", large, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, large[0] - 1, large[1] - 1), radius * _OVERSAMPLING, fill=255)
    return mask.reduce(_OVERSAMPLING)


@lru_cache(maxsize=8)
def typeface(pixels: int) -> ImageFont.FreeTypeFont:
    """Pillow's own, so that a picture is the same on every machine."""
    font = ImageFont.load_default(pixels)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font


def _shortened(text: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    """The text, or its beginning and dots where it is too long."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1]
    return text.rstrip(" ·") + "…"
