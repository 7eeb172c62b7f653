"""The finished site is looked through: every link leads somewhere, and nothing comes from outside."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}
"""What a browser fetches by itself, and the attribute that says from where."""


class _Page(HTMLParser):
    """The anchors and links of one page."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.leads: list[str] = []
        self.loads: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """As the parser calls it."""
        given = dict(attrs)
        self.anchors |= {name for name in (given.get("id"), given.get("name")) if name}
        if tag == "a" and given.get("href"):
            self.leads.append(given["href"] or "")
        loaded = given.get(LOADED.get(tag, ""))
        if loaded and given.get("rel") not in ("canonical", "prev", "next", "describedby", "alternate"):
            self.loads.append(loaded)


def broken(site: Path) -> list[str]:
    """A sentence for every link that leads nowhere, and for everything that a page would load from elsewhere."""
    pages = {path.resolve(): _Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    return [
        fault
        for path, page in pages.items()
        if path.name != "404.html" and "report_files" not in path.parts
        for fault in _faults(path, page, pages, site.resolve())
    ]


def _faults(path: Path, page: _Page, pages: dict[Path, _Page], site: Path) -> Iterator[str]:
    here = path.relative_to(site)
    for target in page.loads:
        if urlsplit(target).netloc:
            yield f"{here} loads {target} from elsewhere"
    for target in {*page.leads, *page.loads}:
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        there = there / "index.html" if there.is_dir() else there
        if not there.is_relative_to(site) or not there.is_file():
            yield f"{here} leads to {target}, which is not there"
        elif parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].anchors:
            yield f"{here} leads to {target}, where that heading is not"
