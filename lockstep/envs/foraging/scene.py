"""Fields of food as they are shown: what happened between two moments, fields in films, as text, and told to a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from PIL.Image import Image
from rich.text import Text

from lockstep.drawing.palette import theme_named
from lockstep.drawing.stamps import FLASH_FRAMES, Cell, fitting_cell_pixels, shining
from lockstep.envs.foraging.config import ACTION_NAMES
from lockstep.envs.foraging.draw import FieldPainter, draw
from lockstep.envs.foraging.moment import FieldMoment, Place
from lockstep.envs.scene import Event, Picture, Scene

CELL_PIXELS = 56
"""Of a single picture."""
_STEPS: dict[int, Place] = {1: (-1, 0), 2: (1, 0), 3: (0, -1), 4: (0, 1)}
_LOAD = 5


@dataclass(frozen=True)
class ForagingScene(Scene):
    """A field with players and food; a moment is a `FieldMoment`, of either engine."""

    sight: int
    action_names = ACTION_NAMES

    def moment(self, world: Any, lane: int) -> FieldMoment:
        """See ForagingSimulator.moment."""
        moment: FieldMoment = world.moment(lane)
        return moment

    def events(self, before: FieldMoment, actions: tuple[int, ...], after: FieldMoment) -> tuple[Event, ...]:
        """Meals, loads in vain, and cells that two wanted."""
        return events_between(before, actions, after)

    def picture(self, moments: Sequence[FieldMoment], number: int, theme: str) -> Picture:
        """The field alone."""
        return draw(moments[number], CELL_PIXELS, theme)

    def text(self, moments: Sequence[FieldMoment], number: int, theme: str) -> Text:
        """Two columns a cell."""
        return field_text(moments[number], theme)

    def film(
        self,
        moments: Sequence[FieldMoment],
        events: Sequence[tuple[Event, ...]],
        captions: Sequence[tuple[str, str]],
        theme: str,
        scale: float,
    ) -> list[Image]:
        """Fields of whole pixels a cell, on which rings grow where something is eaten."""
        first = moments[0]
        cell = max(6, round(scale * fitting_cell_pixels(first.rows, first.columns)))
        painter = FieldPainter(first.rows, first.columns, cell, theme)
        eaten = [(), *(_eaten(before, after) for before, after in pairwise(moments))]
        return [
            painter.frame(moment, *caption, flashes)
            for moment, caption, flashes in zip(moments, captions, shining(eaten), strict=True)
        ]

    def told(self, moments: Sequence[FieldMoment]) -> dict[str, Any]:
        """For scene.js. Food is told once, with the frames in which it is there."""
        first = moments[0]
        return {
            "kind": "foraging",
            "sight": self.sight,
            "flashFrames": FLASH_FRAMES,
            "rows": first.rows,
            "columns": first.columns,
            "levels": list(first.levels),
            "foods": [
                [column, row, level, sum(((row, column), level) in moment.foods for moment in moments)]
                for (row, column), level in first.foods
            ],
            "frames": [[[column, row] for row, column in moment.players] for moment in moments],
        }


def events_between(before: FieldMoment, actions: tuple[int, ...], after: FieldMoment) -> tuple[Event, ...]:
    """What happened in a step: a `meal` for everybody who ate, a `failed load` for everybody who loaded what was too
    heavy, a `conflict` for everybody who could not go where somebody else wanted to be."""
    events: list[Event] = []
    foods, eaten = {place for place, _ in before.foods}, {(row, column) for column, row in _eaten(before, after)}
    for agent, (place, now, action) in enumerate(zip(before.players, after.players, actions, strict=True)):
        at = (now[1], now[0])
        if action == _LOAD:
            beside = {(place[0] + down, place[1] + right) for down, right in _STEPS.values()}
            if beside & foods:
                events.append(Event("meal" if beside & eaten else "failed load", agent, at))
        elif action in _STEPS and now == place:
            row, column = place[0] + _STEPS[action][0], place[1] + _STEPS[action][1]
            if 0 <= row < before.rows and 0 <= column < before.columns and (row, column) not in foods:
                events.append(Event("conflict", agent, at))
    return tuple(events)


def field_text(moment: FieldMoment, theme: str) -> Text:
    """Players by letter and level, food as its level in a fruit's color. Shapes alone tell everything."""
    colors = theme_named(theme)
    foods = dict(moment.foods)
    players = {place: number for number, place in reversed(list(enumerate(moment.players)))}
    text = Text(no_wrap=True)
    for row in range(moment.rows):
        for column in range(moment.columns):
            bed = 0 < row < moment.rows - 1 and 0 < column < moment.columns - 1
            number, level = players.get((row, column)), foods.get((row, column))
            ground = colors.island if bed else colors.floor
            if number is not None:
                mark = f"{chr(ord('A') + number % 26)}{moment.levels[number] % 10}"
                text.append(mark, f"bold {colors.page} on {colors.robots[number % len(colors.robots)]}")
            elif level is not None:
                text.append(
                    f"●{level}" if level < 10 else f"{level % 100}", f"bold {colors.request_mark} on {colors.request}"
                )
            else:
                text.append(" ·", f"{colors.place} on {ground}")
        text.append("\n")
    return text.append("A2 a player and its level  ●3 food and its level", "dim")


def _eaten(before: FieldMoment, after: FieldMoment) -> list[Cell]:
    """(x, y) of the food that is gone."""
    return [(column, row) for (row, column), level in before.foods if ((row, column), level) not in after.foods]
