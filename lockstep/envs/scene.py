"""How the moments of an episode are drawn and told: in films and reports, in a terminal, and by a page's script."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.protocol import Renders

if TYPE_CHECKING:
    from PIL.Image import Image
    from rich.text import Text

Picture = NDArray[np.uint8]
"""(height, width, 3) RGB"""


@dataclass(frozen=True)
class Event:
    """Something worth a mark on the timeline."""

    kind: str
    agent: int
    place: tuple[int, int]
    """(x, y) where the agent is afterwards."""


class Scene(Protocol):
    """How worlds of one kind are drawn and told. One that one writes derives from this class and says what a moment is,
    and what it looks like: a `picture`, a `text`, or both. Films and pages make do with either.

    A moment is everything that is shown of one lane at one time: plain data that no later step changes.
    """

    action_names: tuple[str, ...] = ()
    """Names of the actions, by number; empty: they are shown by number."""

    def moment(self, world: Any, lane: int) -> Any:
        """What is to be shown of a lane now. world: the environment without a memory around it."""

    def events(self, before: Any, actions: tuple[int, ...], after: Any) -> tuple[Event, ...]:
        """What happened between two moments."""
        return ()

    def picture(self, moments: Sequence[Any], number: int, theme: str) -> Picture:
        """One moment, of one size throughout an episode; without a picture of its own, the text is drawn.

        theme: light or dark, see `lockstep.drawing.palette.theme_named`.
        """
        from lockstep.drawing.page import typed

        text = self.text(moments, number, theme)
        assert text is not None, "a scene has a picture or a text"
        return np.array(typed(str(text), theme))

    def text(self, moments: Sequence[Any], number: int, theme: str) -> "Text | str | None":
        """One moment in a terminal; None: it has no text."""
        return None

    def film(
        self,
        moments: Sequence[Any],
        events: Sequence[tuple[Event, ...]],
        captions: Sequence[tuple[str, str]],
        theme: str,
        scale: float,
    ) -> "list[Image]":
        """Every moment with a line of text below it, RGB, all of one size.

        events: those of every step, one entry fewer than moments. captions: what the line says at its left and right.
        scale: 2 doubles the pixels either way.
        """
        from lockstep.drawing.page import on_pages

        pictures = [self.picture(moments, number, theme) for number in range(len(moments))]
        return on_pages(pictures, captions, theme, scale)

    def told(self, moments: Sequence[Any]) -> dict[str, Any]:
        """The episode for a page, ready for `json.dumps`. `kind` names what draws it there: the family whose `script`
        does, or without one, `pictures` or `text`."""
        numbers = range(len(moments))
        if type(self).picture is Scene.picture:
            return {"kind": "text", "texts": [str(self.text(moments, number, "light")) for number in numbers]}
        return {
            "kind": "pictures",
            "pictures": [_data_address(self.picture(moments, number, "light")) for number in numbers],
        }


@dataclass(frozen=True)
class OwnPictures(Scene):
    """A world that draws itself (see `lockstep.envs.protocol.Renders`): a moment is its picture."""

    def moment(self, world: Renders, lane: int) -> Picture:
        """A copy of the world's picture."""
        return world.picture(lane).copy()

    def picture(self, moments: Sequence[Picture], number: int, theme: str) -> Picture:
        """The world's own, in any theme."""
        return moments[number]


def _data_address(picture: Picture) -> str:
    from PIL import Image

    stream = BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
