"""One field of food at one moment, of either engine: for drawing, for comparing, and for teams that plan."""

from dataclasses import dataclass

Place = tuple[int, int]
"""(row, column)"""


@dataclass(frozen=True)
class FieldMoment:
    """Who and what is where. Rows count from the north, columns from the west."""

    rows: int
    columns: int
    players: tuple[Place, ...]
    levels: tuple[int, ...]
    """Of the players."""
    foods: tuple[tuple[Place, int], ...]
    """Place and level of what is not eaten yet, in reading order."""
    spawned: int
    """The levels of all food at the beginning, added up."""
    steps: int

    def text(self) -> str:
        """The field in letters: players A, B, ... with their level, food as its level alone."""
        cells = [["  ."] * self.columns for _ in range(self.rows)]
        for (row, column), level in self.foods:
            cells[row][column] = f"{level:>3}"
        for number, (row, column) in enumerate(self.players):
            cells[row][column] = f" {chr(ord('A') + number % 26)}{self.levels[number]}"
        return "\n".join("".join(row) for row in cells)
