"""What the documents point to is there, and their pictures are light."""

import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MOST_BYTES = 3_000_000


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize(
    "document", [path for path in DOCUMENTS if "#L" in path.read_text()], ids=lambda path: path.name
)
def test_links_to_lines_find_what_they_name(document: Path) -> None:
    for name, link, number in re.findall(r"\[`(\w+)`\]\(([^)#]+)#L(\d+)\)", document.read_text()):
        line = (document.parent / link).read_text().splitlines()[int(number) - 1]
        assert re.match(rf"\s*(def|class) {name}\b", line), f"{link}#L{number} is {line!r}"


def test_all_media_together_are_light_and_all_are_shown() -> None:
    media = list((ROOT / "docs" / "media").iterdir())
    assert sum(path.stat().st_size for path in media) < MOST_BYTES
    texts = "".join(document.read_text() for document in DOCUMENTS)
    assert [path.name for path in media if path.name not in texts] == []


def test_films_repeat_and_have_a_frame_for_every_step() -> None:
    for name, frames in (("teams", 101), ("nineteen", 61), ("spread", 26)):
        with Image.open(ROOT / "docs" / "media" / f"{name}.gif") as film:
            assert (film.n_frames, film.info["loop"]) == (frames, 0)  # type: ignore[attr-defined]
