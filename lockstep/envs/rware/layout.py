"""The floor plan: corridors, shelf places, goals. Made from sizes or drawn as text, as the official package does it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lockstep.errors import UserError
from lockstep.formats import counted

MAX_CELLS = 10_000
"""Above this, numpy draws the robots' starting cells by another algorithm, and no warehouse is that large."""


@dataclass(frozen=True)
class Layout:
    """A static floor plan. Cells are numbered row by row: cell = y * width + x."""

    height: int
    width: int
    highways: NDArray[np.uint8]
    """(height, width): 1 on corridors and goals, 0 on shelf places."""
    goals: tuple[tuple[int, int], ...]
    """(x, y) in the order in which deliveries are served."""

    def __post_init__(self) -> None:
        if self.height * self.width > MAX_CELLS:
            raise UserError(
                f"A warehouse of {self.height} x {self.width} cells is too large; at most {MAX_CELLS:,} are supported."
            )
        if not (self.highways == 0).any():
            raise UserError("The layout has no shelf place: draw at least one x, or ask for at least one shelf row.")

    @property
    def shelf_cells(self) -> NDArray[np.int64]:
        """(shelves,) cell of every shelf place; shelf i + 1 starts on entry i."""
        return np.flatnonzero(self.highways.reshape(-1) == 0)


def layout_from_sizes(shelf_columns: int, shelf_rows: int, column_height: int) -> Layout:
    """Blocks of 2 x column_height shelves with corridors around them and two goals below (warehouse.py, line 294)."""
    if shelf_columns < 1 or shelf_rows < 1 or column_height < 1:
        raise UserError(
            f"shelf_columns={shelf_columns}, shelf_rows={shelf_rows}, column_height={column_height}: at least 1 each."
        )
    if shelf_columns % 2 == 0:
        raise UserError(f"shelf_columns={shelf_columns} must be odd: the goals' approach replaces the middle one.")
    height, width = (column_height + 1) * shelf_rows + 2, 3 * shelf_columns + 1
    if height * width > MAX_CELLS:
        raise UserError(f"A warehouse of {height} x {width} cells is too large; at most {MAX_CELLS:,} are supported.")
    y, x = np.indices((height, width))
    middle = (x == width // 2 - 1) | (x == width // 2)
    approach = middle & (y > height - (column_height + 3))
    highways = (x % 3 == 0) | (y % (column_height + 1) == 0) | (y == height - 1) | approach
    goals = ((width // 2 - 1, height - 1), (width // 2, height - 1))
    return Layout(height, width, highways.astype(np.uint8), goals)


def plain_drawing(text: str) -> str:
    """A drawing as the official package reads it, from one as people have it: lines that end in any way or with a
    typed backslash and n, spaces, tabs and empty lines anywhere, and comments from # to the end of a line."""
    lines = text.replace("\ufeff", "").replace("\\n", "\n").splitlines()
    rows = ("".join(line.partition("#")[0].split()) for line in lines)
    return "\n".join(row for row in rows if row)


def out_of_reach(layout: Layout) -> str | None:
    """What to say of shelves that cannot be brought to a goal, and of goals that are shut in; None: there are none.

    A loaded robot cannot pass under standing shelves: it needs corridors all the way.
    """
    corridors = {(int(x), int(y)) for y, x in np.argwhere(layout.highways != 0)}
    shelves = [(int(cell % layout.width), int(cell // layout.width)) for cell in layout.shelf_cells]
    areas = [_area(goal, corridors) for goal in layout.goals]
    shut_in = [shelf for shelf in shelves if not any(_beside(shelf) & area for area in areas)]
    shut_off = [goal for goal, area in zip(layout.goals, areas, strict=True) if len(area) == 1]
    parts = []
    if shut_in:
        x, y = shut_in[0]
        parts.append(
            f"{len(shut_in)} of {len(shelves)} shelves can be brought to no goal (first: line {y + 1}, column {x + 1})"
        )
    if shut_off:
        x, y = shut_off[0]
        parts.append(f"the goal in line {y + 1}, column {x + 1} has no corridor beside it")
    return f"As the shelves stand in this layout, {' and '.join(parts)}." if parts else None


def _area(start: tuple[int, int], corridors: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """The corridor cells that are connected with one of them."""
    reached, waiting = {start}, [start]
    while waiting:
        new = _beside(waiting.pop()) & corridors - reached
        reached |= new
        waiting += new
    return reached


def _beside(cell: tuple[int, int]) -> set[tuple[int, int]]:
    x, y = cell
    return {(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)}


def layout_from_text(text: str) -> Layout:
    """A drawing: x a shelf place, . a corridor, g a goal; one line per row (warehouse.py, line 328)."""
    rows = plain_drawing(text).split("\n")
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise UserError(
                f"Line {number} of the layout has {counted(len(row), 'cell')}, the first has {width}; make them equal."
            )
        strange = set(row.lower()) - set("gx.")
        if strange:
            raise UserError(
                f"Line {number} of the layout contains {sorted(strange)[0]!r}; draw with x shelf, . corridor, g goal."
            )
    cells = np.array([list(row.lower()) for row in rows])
    goals = tuple((int(x), int(y)) for y, x in np.argwhere(cells == "g"))
    if not goals:
        raise UserError("The layout has no goal: draw at least one g.")
    return Layout(len(rows), width, (cells != "x").astype(np.uint8), goals)
