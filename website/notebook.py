"""A notebook becomes a page: its cells of code are run, one after the other, and what they say and show is kept.

It needs no Jupyter. What a cell's last line is shows itself as it would there: a figure, by `_repr_html_`, or as text.
"""

import ast
import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stdout
from html import escape
from pathlib import Path
from typing import Any, Literal, NamedTuple


class Cell(NamedTuple):
    """One cell of a notebook."""

    kind: Literal["markdown", "code"]
    source: str


class Shown(NamedTuple):
    """What a cell of code left behind."""

    said: str
    """What it printed."""
    markup: str
    """How its last line shows itself, as HTML; empty: it was None or no expression."""


def cells(notebook: Path) -> list[Cell]:
    """What is written in a notebook; what it once put out is left aside."""
    content = json.loads(notebook.read_text())
    return [Cell(cell["cell_type"], "".join(cell["source"])) for cell in content["cells"]]


def run(
    notebook: Path, folder: Path, change: Callable[[str], str] = lambda source: source
) -> Iterator[tuple[Cell, Shown]]:
    """Run a notebook's code in a folder. change: what a cell's code becomes before it is run, for a smaller budget."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells(notebook):
        yield cell, _run(change(cell.source), names, folder) if cell.kind == "code" else Shown("", "")


def _run(source: str, names: dict[str, Any], folder: Path) -> Shown:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with chdir(folder), redirect_stdout(io.StringIO()) as said:
        exec(compile(tree, "<cell>", "exec"), names)
        value = (
            eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if isinstance(last, ast.Expr) else None
        )
        return Shown(said.getvalue(), _markup(value))


def _markup(value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "savefig"):
        drawn = io.StringIO()
        value.savefig(drawn, format="svg", transparent=True, bbox_inches="tight")
        return drawn.getvalue()[drawn.getvalue().index("<svg") :]
    if hasattr(value, "_repr_html_"):
        return str(value._repr_html_())
    return f"<pre><code>{escape(repr(value))}</code></pre>"


def as_markdown(notebook: Path, folder: Path) -> str:
    """The notebook as a page, run in a folder."""
    os.environ.setdefault("MPLBACKEND", "agg")
    parts = []
    for cell, shown in run(notebook, folder):
        if cell.kind == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        if shown.said.strip():
            parts.append(f"```{{ .text .said }}\n{shown.said.rstrip()}\n```")
        if shown.markup:
            parts.append(f'<div class="shown">{shown.markup}</div>')
    return "\n\n".join(parts) + "\n"
