"""The colors of a warehouse, for pictures and pages, in a light and a dark theme.

Robots differ in hues that color-blind readers can tell apart (Okabe and Ito 2008). What matters is told by shape and
brightness too: a requested shelf is bright and carries a mark, so it survives a black and white printer.
"""

from dataclasses import asdict, dataclass

from lockstep.errors import UserError


@dataclass(frozen=True)
class Theme:
    """Colors as #rrggbb."""

    page: str
    floor: str
    cross: str
    """The small crosses where four cells meet."""
    island: str
    """Ground where shelves belong."""
    place: str
    """The outline of an empty shelf place."""
    shelf: str
    shelf_board: str
    request: str
    request_mark: str
    goal: str
    goal_mark: str
    outline: str
    """Around robots and what they carry."""
    heading: str
    flash: str
    conflict: str
    text: str
    quiet_text: str
    robots: tuple[str, ...]
    """By robot number; they start over after the last."""

    def as_dict(self) -> dict[str, str | list[str]]:
        """For a page's script."""
        return {**asdict(self), "robots": list(self.robots)}


THEMES: dict[str, Theme] = {
    "light": Theme(
        page="#f4f2ec",
        floor="#fdfcf9",
        cross="#dedad0",
        island="#efebe2",
        place="#d3cdbf",
        shelf="#98a1b0",
        shelf_board="#b9c0cc",
        request="#f2b020",
        request_mark="#5b3c00",
        goal="#2f3644",
        goal_mark="#f2b020",
        outline="#ffffff",
        heading="#ffffff",
        flash="#f2b020",
        conflict="#b3261e",
        text="#2f3644",
        quiet_text="#7b8190",
        robots=("#0072b2", "#c4480a", "#00805c", "#9a4a86", "#2f93cf", "#4b5563"),
    ),
    "dark": Theme(
        page="#12151c",
        floor="#1b202a",
        cross="#343b49",
        island="#252c39",
        place="#424b5c",
        shelf="#5c6778",
        shelf_board="#778294",
        request="#f5b93b",
        request_mark="#3a2700",
        goal="#e6e9ef",
        goal_mark="#8a5a00",
        outline="#12151c",
        heading="#ffffff",
        flash="#f5b93b",
        conflict="#ff8a80",
        text="#e6e9ef",
        quiet_text="#8d96a7",
        robots=("#2f93d6", "#e0641f", "#10a37a", "#c06cae", "#6cc0f0", "#97a3b6"),
    ),
}


def theme_named(name: str) -> Theme:
    """Raises UserError for an unknown name."""
    if name not in THEMES:
        raise UserError(f"--theme {name} is unknown; it must be {' or '.join(THEMES)}.")
    return THEMES[name]
