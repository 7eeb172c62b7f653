"""`python -m website` makes the site in build/site; open build/site/index.html."""

import shutil
import subprocess
import sys
from pathlib import Path

import tomli_w

from website import reference
from website.check import broken
from website.notebook import as_markdown
from website.pages import DOCS, ROOT, configuration, documents, on_the_site, place, source_place, text

BUILD = ROOT / "build"
THEME = Path(__file__).with_name("theme")


def stage(pages: Path, lessons: Path) -> None:
    """Write every page's Markdown, and what it shows, below `pages`. lessons: where notebooks run."""
    linked: set[Path] = set()
    for document in documents():
        markdown = as_markdown(document, lessons) if document.suffix == ".ipynb" else text(document)
        write(pages / place(document), on_the_site(document, markdown, linked.add))
    for name, markdown in reference.pages().items():
        write(pages / "reference" / name, markdown)
    for file in DOCS.rglob("*"):
        if file.is_file() and file.suffix not in (".md", ".ipynb"):
            (pages / place(file)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, pages / place(file))
    for file in sorted(linked - set(documents())):
        if file.is_file() and not file.is_relative_to(DOCS):
            write(pages / source_place(file), source_page(file))
    shutil.copytree(THEME, pages / "theme", ignore=shutil.ignore_patterns("overrides"))


def source_page(file: Path) -> str:
    """A file of the code as a page whose lines can be linked to."""
    name = file.relative_to(ROOT).as_posix()
    language = {".py": "python", ".toml": "toml"}.get(file.suffix, "text")
    head = "---\nsearch:\n  exclude: true\nhide:\n  - navigation\n  - toc\n---\n"
    return f'{head}\n# `{name}`\n\n````{language} linenums="1"\n{file.read_text().rstrip()}\n````\n'


def write(path: Path, content: str) -> None:
    """Write a text, and the folder it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def main() -> int:
    """Make the site. Returns 0, or 1 where a link of it leads nowhere."""
    work, site = BUILD / "site-source", BUILD / "site"
    for folder in (work, site):
        shutil.rmtree(folder, ignore_errors=True)
    lessons = work / "lessons"
    lessons.mkdir(parents=True)
    stage(work / "pages", lessons)
    write(work / "zensical.toml", tomli_w.dumps(configuration()))
    shutil.copytree(THEME / "overrides", work / "overrides")
    subprocess.run([sys.executable, "-m", "zensical", "build", "--clean"], cwd=work, check=True)
    shutil.move(work / "site", site)
    faults = broken(site)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{site / 'index.html'}: {sum(1 for _ in site.rglob('*.html'))} pages, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
