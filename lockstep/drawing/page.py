"""A picture on a page: a margin around it, and one quiet line of text below."""

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from lockstep.drawing.palette import Theme

_OVERSAMPLING = 4


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
        pen, font = ImageDraw.Draw(page), _font(self.text_pixels)
        end, y = self.margin + self._inside[0], self.margin + self._inside[1] + self.foot // 2
        pen.text((end, y), right, self.theme.text, font, anchor="rm")
        room = end - self.margin - font.getlength(right) - self.text_pixels
        pen.text((self.margin, y), _shortened(left, font, room), self.theme.quiet_text, font, anchor="lm")


def _rounded(size: tuple[int, int], radius: float) -> Image.Image:
    """A mask with round corners."""
    large = (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING)
    mask = Image.new("L", large, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, large[0] - 1, large[1] - 1), radius * _OVERSAMPLING, fill=255)
    return mask.reduce(_OVERSAMPLING)


@lru_cache(maxsize=8)
def _font(pixels: int) -> ImageFont.FreeTypeFont:
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
