"""The replay player shows recorded episodes as one page that needs nothing and nobody."""

import html
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from lockstep.drawing.palette import THEMES
from lockstep.envs.registry import family_named
from lockstep.show.recording import Recording

SCENE = "scene.js"
"""What draws episodes; kinds of worlds add theirs. The live page has it too."""
_BUILT_IN = ("pictures", "text")
"""Kinds that are drawn without a family's script."""
_SCRIPTS = ("charts.js", "timeline.js", "mind.js", "player.js")


def page(recordings: Sequence[Recording], *, playing: bool = False) -> str:
    """A whole HTML document: one file, no outside request, works from file://. playing: as soon as it is open, unless
    whoever looks has asked for less motion."""
    episodes = [recording.to_json() for recording in recordings]
    kinds = dict.fromkeys(episode["kind"] for episode in episodes)
    scripts = [_source(SCENE), *map(scene_script, kinds), *map(_source, _SCRIPTS)]
    start = (
        'new LockstepPlayer(document.getElementById("lockstep-player"), '
        f"{_json(episodes)}, {_json(themes())}, {_json(playing)});"
    )
    text = _source("page.html")
    for name, value in {
        "title": html.escape(f"{recordings[0].env} · {recordings[0].policy}"),
        "background": THEMES["light"].page,
        "dark_background": THEMES["dark"].page,
        "styles": _source("player.css"),
        "scripts": "\n".join(scripts),
        "start": start,
    }.items():
        text = text.replace(f"@{name}@", value)
    return text


def scene_script(kind: str) -> str:
    """The script that draws one kind of world, by adding itself to what scene.js has. Raises UserError for a kind that
    no family known here has."""
    return "" if kind in _BUILT_IN else family_named(kind).script()


def themes() -> dict[str, dict[str, str | list[str]]]:
    """Colors for the player's script."""
    return {name: theme.as_dict() for name, theme in THEMES.items()}


def _source(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
