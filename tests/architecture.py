"""The rooms in ARCHITECTURE.md are the packages' own introductions.

python -m tests.architecture --write        writes them anew, between the two marks
"""

import argparse
import ast
from pathlib import Path
from textwrap import fill

import lockstep

PACKAGE = Path(lockstep.__file__).parent
DOCUMENT = PACKAGE.parent / "ARCHITECTURE.md"
BEGIN, END = "<!-- rooms: python -m tests.architecture --write -->", "<!-- end of rooms -->"
ORDER = (
    "compute", "config", "acting", "drawing", "envs", "networks", "runs", "experience", "algorithms", "training",
    "teams", "show", "doctor", "analysis", "sweeps", "reproduce", "bench", "cli",
)  # fmt: skip
"""From below to above; a new room is listed at the end until it is put in its place."""


def rooms() -> str:
    """A heading for every room, with what it says of itself; folders inside it as items."""
    found = {path.parent.relative_to(PACKAGE): introduction(path) for path in PACKAGE.rglob("__init__.py")}
    top = sorted((path for path in found if len(path.parts) == 1), key=lambda path: (_place(path.name), path.name))
    parts = []
    for room in top:
        inner = sorted(path for path in found if len(path.parts) > 1 and path.parts[0] == room.name)
        items = "\n".join(_item(f"`{path.relative_to(room)}/` {found[path]}") for path in inner)
        parts.append(f"### {room}/\n\n{found[room]}\n" + (f"\n{items}\n" if items else ""))
    return "\n".join(parts)


def introduction(path: Path) -> str:
    """What a package's `__init__` says."""
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def _place(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _item(text: str) -> str:
    """All paragraphs as one item of a list."""
    return fill(" ".join(text.split()), 120, initial_indent="- ", subsequent_indent="  ", break_long_words=False)


def written() -> str:
    """What stands in the document."""
    return DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0].strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    if not parser.parse_args().write:
        print(rooms())
        return
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{rooms()}\n{END}{rest.partition(END)[2]}")
    print(f"{DOCUMENT} written")


if __name__ == "__main__":
    main()
