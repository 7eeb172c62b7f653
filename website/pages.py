"""Pages says which files of the repository are pages of the site, and where a link between two files leads there.

What stands in docs/ keeps its place on the site. Documents of the repository's root, the doctor's findings, and source
files that somebody links to have places of their own, so that nothing on the site leads out of it.
"""

import os
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FINDINGS = ROOT / "lockstep" / "doctor" / "pages"
CONFIGURATION = Path(__file__).with_name("zensical.toml")

AT_THE_ROOT = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Documents of the repository's root, and their places on the site."""

TOLD_BY_CODE = {
    "lockstep/api.py": "reference/python.md",
    "lockstep/cli/__init__.py": "reference/commands.md",
    "lockstep/config/presets.py": "reference/presets.md",
    "lockstep/config/schema/__init__.py": "reference/settings.md",
    "lockstep/runs/directory.py": "reference/run-folder.md",
    "lockstep/runs/metrics.py": "reference/metrics.md",
}
"""Sources that the site has a page about; who links to one of them, and to no line, is led there."""

_FENCE = re.compile(r"^\s*(```|~~~)")
_LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s]+)(?=\))")
_INLINE_CODE = re.compile(r"(`+)(?:.|\n)*?\1")


@dataclass(frozen=True)
class Link:
    """A link in a document, as it is written there."""

    document: Path
    target: str

    @property
    def file(self) -> Path:
        """The file that it leads to."""
        path = self.target.partition("#")[0]
        return Path(os.path.normpath(self.document.parent / path)) if path else self.document

    @property
    def anchor(self) -> str:
        """The heading or the line in that file; empty: the file itself."""
        return self.target.partition("#")[2]


def documents() -> list[Path]:
    """Every page that people wrote: Markdown and notebooks."""
    written = (path for pattern in ("*.md", "*.ipynb") for path in DOCS.rglob(pattern) if "reference" not in path.parts)
    return sorted({*(ROOT / name for name in AT_THE_ROOT), *written, *FINDINGS.glob("*.md")})


def place(file: Path) -> str:
    """Where a file of the repository stands on the site, as a path from the site's root."""
    inside = file.relative_to(ROOT).as_posix()
    if inside in AT_THE_ROOT:
        return AT_THE_ROOT[inside]
    if file == FINDINGS:
        return "reference/findings.md"
    if file.is_relative_to(FINDINGS):
        return f"findings/{file.name}"
    if file.is_relative_to(DOCS):
        return str(PurePosixPath(file.relative_to(DOCS)).with_suffix(".md" if file.suffix == ".ipynb" else file.suffix))
    return TOLD_BY_CODE.get(inside) or source_place(file)


def source_place(file: Path) -> str:
    """Where a file of the code stands itself, line by line."""
    return f"source/{file.relative_to(ROOT).as_posix()}.md"


def text(document: Path) -> str:
    """The Markdown of a document; of a notebook, its cells of words."""
    if document.suffix != ".ipynb":
        return document.read_text()
    from website.notebook import cells

    return "\n\n".join(cell.source for cell in cells(document) if cell.kind == "markdown")


def links(document: Path) -> Iterator[Link]:
    """The links and pictures of a document that lead to files or headings of ours."""
    for token in MarkdownIt("commonmark").enable("table").parse(text(document)):
        for part in token.children or ():
            target = str(part.attrs.get("href") or part.attrs.get("src") or "")
            if target and "://" not in target and not target.startswith("mailto:"):
                yield Link(document, target)


def anchors(markdown: str) -> list[str]:
    """The anchors of a document's headings, as GitHub and the site make them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    headings = (tokens[i + 1] for i, token in enumerate(tokens) if token.type == "heading_open")
    found: list[str] = []
    for heading in headings:
        words = "".join(part.content for part in heading.children or () if part.type in ("text", "code_inline"))
        anchor = slug(words)
        found.append(anchor if anchor not in found else f"{anchor}-{found.count(anchor)}")
    return found


def slug(words: str) -> str:
    """A heading's anchor: small letters, hyphens for spaces, no signs."""
    return re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")


def on_the_site(document: Path, markdown: str, found: Callable[[Path], None]) -> str:
    """The same Markdown with its links as they must be on the site. found: is told every file that they lead to."""
    here = PurePosixPath(place(document)).parent

    def anew(match: re.Match[str]) -> str:
        link = Link(document, match["target"])
        if "://" in link.target or link.target.startswith(("#", "mailto:")):
            return link.target
        found(link.file)
        line = re.fullmatch(r"L(\d+)", link.anchor)
        there = os.path.relpath(source_place(link.file) if line else place(link.file), here)
        anchor = f"__codelineno-0-{line[1]}" if line else link.anchor
        return f"{there}#{anchor}" if anchor else there

    return outside_code(markdown, lambda prose: _LINK.sub(anew, prose))


def outside_code(markdown: str, change: Callable[[str], str]) -> str:
    """Markdown whose prose was changed, paragraph by paragraph, and whose code was left alone."""
    parts: list[str] = []
    prose: list[str] = []
    fence = ""
    for line in markdown.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if not fence and not mark:
            prose.append(line)
            continue
        if prose:
            parts.append(_outside_inline_code("".join(prose), change))
            prose = []
        parts.append(line)
        if mark:
            fence = "" if fence == mark[1] else fence or mark[1]
    return "".join([*parts, _outside_inline_code("".join(prose), change)])


def _outside_inline_code(prose: str, change: Callable[[str], str]) -> str:
    """The same for spans of code in a text; a link's words may hold such a span, its target cannot.

    A bar in a table's code is escaped for GitHub, and the site would show the escape.
    """
    spans = [match.group() for match in _INLINE_CODE.finditer(prose)]
    kept = (_with_bars(span) if "\\|" in span else span for span in spans)
    changed = change(_INLINE_CODE.sub("\0", prose))
    return re.sub("\0", lambda _: next(kept), changed)


def _with_bars(span: str) -> str:
    words = escape(span.strip("`")).replace("\\|", "&#124;")
    return f"<code>{words}</code>"


def configuration() -> dict[str, Any]:
    """Zensical's, with every finding at its place in the order of pages."""
    config = tomllib.loads(CONFIGURATION.read_text())
    findings = [f"findings/{path.name}" for path in sorted(FINDINGS.glob("*.md"))]
    for section in config["project"]["nav"]:
        for title, pages in section.items():
            if title == "Findings":
                section[title] = [*pages, *findings]
    return config


def in_order(entries: list[Any] | str | dict[str, Any]) -> list[str]:
    """The places of all pages in the site's navigation, as they stand there."""
    if isinstance(entries, str):
        return [entries]
    inner = entries.values() if isinstance(entries, dict) else entries
    return [page for entry in inner for page in in_order(entry)]
