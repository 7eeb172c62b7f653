"""Links of documents to lines of our code: `[`name`](path#L12)` leads to where `name` is defined.

`python -m tests.line_links` writes the numbers anew.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\[`(?P<name>\w+)`\]\((?P<path>[^)#]+)#L\d+\)")


def linked(document: Path) -> str:
    """The document's text with every such number as it is today. Raises StopIteration for what is defined nowhere."""

    def anew(link: re.Match[str]) -> str:
        lines = enumerate((document.parent / link["path"]).read_text().splitlines(), 1)
        number = next(number for number, line in lines if re.match(rf"\s*(def|class) {link['name']}\b", line))
        return f"[`{link['name']}`]({link['path']}#L{number})"

    return LINK.sub(anew, document.read_text())


if __name__ == "__main__":
    for document in (ROOT / "docs").rglob("*.md"):
        document.write_text(linked(document))
