"""Particle games as pictures: landmarks are rings to fill, or obstacles, and agents are discs.

Who covers a goal shines, and so does prey that is caught. Adversaries have a rim of their own. What an agent said
stands above it.
"""

from collections.abc import Iterable

from PIL import Image, ImageDraw

from lockstep.drawing.page import PageLayout, typeface
from lockstep.drawing.palette import theme_named
from lockstep.envs.particles.plane import AGENT_RADIUS, ParticleScene, Point

SIDE = 420
"""Pixels of a picture, either way."""
_OVERSAMPLING = 3
_LEAST_REACH, _MOST_REACH = 1.25, 2.25
_AWAY = 0.55
"""Size of an agent that is further away than the picture shows; it waits at the edge."""
_GRID = 0.5
_LETTER, _ABOVE = 0.14, 0.12
"""Size of a word, and how far above the agent's edge it stands."""


def reach_of(planes: Iterable[ParticleScene]) -> float:
    """Half of the world that is shown: so much that everybody is in it, unless somebody flew very far away."""
    places = (abs(place) for plane in planes for point in (*plane.agents, *plane.landmarks) for place in point)
    return min(max(_LEAST_REACH, max(places) + 1.5 * AGENT_RADIUS), _MOST_REACH)


class ParticlePainter:
    """Pictures of one world in one size."""

    def __init__(self, reach: float, side: int = SIDE, theme: str = "light") -> None:
        """reach: see `reach_of`. side: pixels, either way."""
        self.theme, self.side, self.reach = theme_named(theme), side, reach
        self._unit = side * _OVERSAMPLING / (2 * reach)
        self._page = PageLayout((side, side), round(side / 24), max(9, round(side / 31)), self.theme, radius=side / 40)
        self._ground = self._painted_ground()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of `frame` in pixels."""
        return self._page.size

    def floor(self, plane: ParticleScene) -> Image.Image:
        """The world alone, RGB."""
        picture = self._ground.copy()
        pen, theme = ImageDraw.Draw(picture), self.theme
        for place in plane.landmarks:
            if plane.obstacle_size:
                self._disc(pen, place, plane.obstacle_size, fill=theme.shelf)
            else:
                ring = theme.goal if place in plane.targets else theme.place
                self._disc(pen, place, AGENT_RADIUS, outline=ring, width=round(0.024 * self._unit))
        for number, place in enumerate(plane.agents):
            shown, size = self._kept_inside(place, plane.size(number))
            rim = theme.conflict if number in plane.adversaries else theme.outline
            if plane.shines(number):
                self._disc(pen, place, size + 0.07, fill=theme.flash)
            self._disc(pen, shown, size + 0.02, fill=rim)
            self._disc(pen, shown, size, fill=theme.robots[number % len(theme.robots)])
        for place in plane.targets:
            self._disc(pen, place, 0.05, fill=theme.goal)
            self._disc(pen, place, 0.03, fill=theme.flash)
        font = typeface(round(_LETTER * self._unit))
        for number, word in enumerate(plane.words):
            (x, y), size = self._kept_inside(plane.agents[number], plane.size(number))
            pen.text(self._pixel((x, y + size + _ABOVE)), word, theme.text, font, anchor="mm")
        return picture.reduce(_OVERSAMPLING)

    def frame(self, plane: ParticleScene, left: str = "", right: str = "") -> Image.Image:
        """The world on a page with a line of text below it, RGB, of `size`."""
        page = self._page.blank(self.floor(plane))
        self._page.write(page, left, right)
        return page

    def _painted_ground(self) -> Image.Image:
        """Crosses every half unit, and the square that landmarks lie in."""
        ground = Image.new("RGB", (self.side * _OVERSAMPLING,) * 2, self.theme.floor)
        pen, thick = ImageDraw.Draw(ground), max(1, round(0.008 * self._unit))
        (left, top), (right, bottom) = self._pixel((-1.0, 1.0)), self._pixel((1.0, -1.0))
        pen.rounded_rectangle((left, top, right, bottom), 0.06 * self._unit, outline=self.theme.place, width=thick)
        lines = int(self.reach / _GRID)
        for x in range(-lines, lines + 1):
            for y in range(-lines, lines + 1):
                (across, down), arm = self._pixel((x * _GRID, y * _GRID)), 0.03 * self._unit
                pen.line((across - arm, down, across + arm, down), self.theme.cross, thick)
                pen.line((across, down - arm, across, down + arm), self.theme.cross, thick)
        return ground

    def _kept_inside(self, place: Point, size: float) -> tuple[Point, float]:
        """Where an agent of some radius is drawn, and how large."""
        edge = self.reach - size
        x, y = (min(edge, max(-edge, part)) for part in place)
        return (x, y), size if (x, y) == place else _AWAY * size

    def _disc(self, pen: ImageDraw.ImageDraw, place: Point, radius: float, **paint: object) -> None:
        (x, y), size = self._pixel(place), radius * self._unit
        pen.ellipse((x - size, y - size, x + size, y + size), **paint)  # type: ignore[arg-type]

    def _pixel(self, place: Point) -> tuple[float, float]:
        """World to picture: y points down there."""
        return (place[0] + self.reach) * self._unit, (self.reach - place[1]) * self._unit
