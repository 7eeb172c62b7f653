"""A document as one HTML file: nothing is loaded from anywhere, so it opens offline and can be mailed."""

from base64 import b64encode
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from lockstep.analysis.report.document import Block, Document, EmbeddedPage, Picture

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
"""What a report may load: nothing but itself. It holds for the pages inside it, too, which may be a stranger's."""
_MARKDOWN = MarkdownIt("commonmark", {"html": False})


def to_html(document: Document) -> str:
    """The whole page. Texts are escaped; pictures are embedded as data."""
    environment = Environment(
        loader=PackageLoader("lockstep.analysis.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["inline"] = _inline
    environment.filters["source"] = _source
    environment.tests["kind"] = _is_kind
    style = files("lockstep.analysis.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(document=document, policy=POLICY, style=Markup(style))


def alone(page: EmbeddedPage) -> str:
    """A page as a file of its own, in the same cage as inside a report: it reaches neither files nor the network."""
    return (
        f'<!doctype html>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(page.caption)}</title>\n"
        "<style>html, body { margin: 0; height: 100%; } iframe { border: 0; width: 100%; height: 99%; }</style>\n"
        f'<iframe sandbox="allow-scripts" srcdoc="{escape(page.html)}"></iframe>\n'
    )


def _inline(text: str) -> Markup:
    """Markdown of one line as HTML; HTML inside it is shown, not obeyed."""
    return Markup(_MARKDOWN.renderInline(text))


def _source(picture: Picture) -> str:
    """The picture as a data URI; in an image element its ids and styles cannot meet another's."""
    ending, data = next(iter(picture.files().items()))
    kind = {"svg": "svg+xml"}.get(ending, ending)
    return f"data:image/{kind};base64,{b64encode(data).decode()}"


def _is_kind(block: Block, name: str) -> bool:
    return type(block).__name__ == name
