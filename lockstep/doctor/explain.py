"""The pages of findings, one for every check, which come with the package: what was seen, why, what to try."""

from difflib import get_close_matches
from pathlib import Path

from lockstep.errors import UserError

PAGES = Path(__file__).with_name("pages")


def explained_names() -> list[str]:
    """The names of all findings, sorted."""
    return sorted(path.stem for path in PAGES.glob("*.md"))


def page_of(name: str) -> str:
    """A finding's page, in Markdown. Raises UserError, with the nearest name, where there is none."""
    names = explained_names()
    if name not in names:
        near = get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}."
        raise UserError(f"There is no finding {name!r}; {hint}")
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")
