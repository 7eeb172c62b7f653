"""The replay player shows a recorded episode as one page that needs nobody, or as a piece of another page."""

import base64
import html
import json
from collections.abc import Sequence
from importlib.resources import files
from io import BytesIO
from typing import Any

from PIL import Image

from lockstep.drawing.palette import THEMES
from lockstep.show.recording import Picture, Recording

_SCRIPTS = ("scene.js", "charts.js", "timeline.js", "mind.js", "player.js")


def page(recordings: Sequence[Recording], *, playing: bool = False) -> str:
    """A whole HTML document: one file, no outside request, works from file://. playing: as soon as it is open, unless
    whoever looks has asked for less motion."""
    text = _source("page.html")
    for name, value in {
        "title": html.escape(f"{recordings[0].env} · {recordings[0].policy}"),
        "background": THEMES["light"].page,
        "dark_background": THEMES["dark"].page,
        "player": f"<style>{styles()}</style>\n<script>{scripts()}</script>\n"
        + element(recordings, "lockstep-player", playing=playing),
    }.items():
        text = text.replace(f"@{name}@", value)
    return text


def styles() -> str:
    """The player's style sheet, once for any number of players; everything in it is below `.lockstep-player`."""
    return _source("player.css")


def scripts() -> str:
    """Its scripts, once for any number of players. They define the class `LockstepPlayer`, see player.js."""
    return "\n".join(_source(name) for name in _SCRIPTS)


def element(recordings: Sequence[Recording], identifier: str, *, playing: bool = False) -> str:
    """A player's element with its data. identifier: an HTML id of its own. Needs `styles` and `scripts` before it."""
    episodes = [data(recording) for recording in recordings]
    return (
        f'<div id="{identifier}" style="height: 100%"></div>\n'
        f"<script>new LockstepPlayer(document.getElementById({_json(identifier)}), {_json(episodes)}, "
        f"{_json(themes())}, {_json(playing)});</script>"
    )


def data(recording: Recording) -> dict[str, Any]:
    """What the player's script reads: the recording, with pictures as data addresses."""
    return recording.to_json() | {"pictures": [_address(picture) for picture in recording.pictures]}


def themes() -> dict[str, dict[str, str | list[str]]]:
    """Colors for the player's script."""
    return {name: theme.as_dict() for name, theme in THEMES.items()}


def _source(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _address(picture: Picture) -> str:
    stream = BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
