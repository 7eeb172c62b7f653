"""What a report consists of, before it is HTML or Markdown: sections of blocks. Every text is one line of Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lockstep.runs.cleaning import one_line


@dataclass(frozen=True)
class Text:
    """A paragraph. `quiet` is set smaller: conventions, caveats."""

    markdown: str
    quiet: bool = False


@dataclass(frozen=True)
class Tiles:
    """Headline numbers: value, what it is, and a remark."""

    tiles: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Table:
    """Rows of Markdown cells. Columns whose name is in `numeric` are set flush right; in a `wide_first` table the first
    column takes what room there is, with its leading code on a line of its own."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[str] = frozenset()
    caption: str = ""
    wide_first: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure: SVG, PNG or both of one drawing, or a GIF. `name` is its file's, without ending."""

    name: str
    caption: str
    alt: str
    svg: str | None = None
    png: bytes | None = None
    gif: bytes | None = None
    max_width: str = "100%"

    def files(self) -> dict[str, bytes]:
        """By ending, the one to show first."""
        svg = None if self.svg is None else self.svg.encode()
        return {ending: data for ending, data in (("svg", svg), ("png", self.png), ("gif", self.gif)) if data}


@dataclass(frozen=True)
class CodeBlock:
    """Lines to be copied."""

    text: str
    language: str = "sh"


@dataclass(frozen=True)
class Terms:
    """Words with their explanations."""

    terms: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class FindingBlock:
    """Something the doctor has to say about a run."""

    severity: str
    title: str
    paragraphs: Sequence[str]


@dataclass(frozen=True)
class EmbeddedPage:
    """A page that stands by itself, such as the replay player: embedded in HTML, a file of its own beside Markdown."""

    name: str
    html: str
    caption: str
    height: int = 620


@dataclass(frozen=True)
class Folded:
    """Blocks that open on a click, and stand open in print and in Markdown."""

    title: str
    blocks: Sequence["Block"]


Block = Text | Tiles | Table | Picture | CodeBlock | Terms | FindingBlock | EmbeddedPage | Folded


@dataclass(frozen=True)
class Section:
    anchor: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


@dataclass(frozen=True)
class Document:
    title: str
    subtitle: str
    sections: Sequence[Section]

    def files(self) -> list[Picture | EmbeddedPage]:
        """Every block that becomes a file of its own, in reading order."""
        found: list[Picture | EmbeddedPage] = []

        def walk(blocks: Sequence[Block]) -> None:
            for block in blocks:
                if isinstance(block, Picture | EmbeddedPage):
                    found.append(block)
                elif isinstance(block, Folded):
                    walk(block.blocks)

        for section in self.sections:
            walk(section.blocks)
        return found


def literal(text: object) -> str:
    """Text from a file or a user, as Markdown code: nothing in it can become markup."""
    plain = one_line(" ".join(str(text).split())).replace("`", "'").replace("|", "¦")
    return f"`{plain}`" if plain else ""


def plain(text: str) -> str:
    """Text of others as one line of Markdown in which nothing is markup."""
    return one_line(" ".join(text.split())).translate(_PLAIN)


_PLAIN = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<|"})
