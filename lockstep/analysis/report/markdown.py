"""A document as Markdown, with its pictures as files beside it."""

import re

from lockstep.analysis.report.document import (
    Block,
    CodeBlock,
    Document,
    EmbeddedPage,
    FindingBlock,
    Folded,
    Picture,
    Table,
    Terms,
    Text,
    Tiles,
    plain,
)


def to_markdown(document: Document, folder: str) -> str:
    """The text; pictures and pages are linked as `folder/NAME.ENDING`."""
    parts = [f"# {plain(document.title)}", document.subtitle]
    for section in document.sections:
        parts.append(f"## {section.title}")
        parts += [_block(block, folder) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def _block(block: Block, folder: str) -> str:
    match block:
        case Text():
            return block.markdown
        case Tiles():
            return "\n".join(
                f"- **{value}** {label}{f' ({note})' if note else ''}" for value, label, note in block.tiles
            )
        case Table():
            return _table(block)
        case Picture():
            ending = next(iter(block.files()))
            return f"![{plain(block.alt)}]({folder}/{block.name}.{ending})\n\n*{block.caption}*"
        case CodeBlock():
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", block.text)), default=0))
            return f"{fence}{block.language}\n{block.text.rstrip()}\n{fence}"
        case Terms():
            return "\n".join(f"- **{term}**: {meaning}" for term, meaning in block.terms)
        case FindingBlock():
            return "\n\n".join([f"**{block.severity}: {block.title}**", *block.paragraphs])
        case EmbeddedPage():
            return f"[{block.caption}]({folder}/{block.name}.html)"
        case Folded():
            return "\n\n".join([f"### {block.title}", *(_block(inner, folder) for inner in block.blocks)])


def _table(table: Table) -> str:
    ruler = ["---:" if column in table.numeric else "---" for column in table.columns]
    rows = [f"| {' | '.join(row)} |" for row in (table.columns, ruler, *table.rows)]
    return "\n".join([*rows, *(["", f"*{table.caption}*"] if table.caption else [])])
