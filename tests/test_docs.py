"""What the documents say of code can be typed, and their pictures are light. Their links: see test_website.py."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from lockstep.cli import main
from tests.documents import agrees, as_printed, quoting
from tests.line_links import linked
from tests.mentions import astray
from tests.teams.test_epymarl import results

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MOST_BYTES = 3_000_000


def test_links_to_lines_lead_to_what_they_name() -> None:
    """After a change: `python -m tests.line_links`."""
    assert [path.name for path in DOCUMENTS if linked(path) != path.read_text()] == []


def test_files_classes_and_tests_that_are_mentioned_are_there() -> None:
    pages = [*DOCUMENTS, *(ROOT / "lockstep" / "doctor" / "pages").glob("*.md")]
    assert {path.name: wrong for path in pages if (wrong := astray(path))} == {}


@pytest.mark.parametrize("document", quoting(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_quoted_of_a_command_is_what_it_prints(document: Path) -> None:
    """After a change: `python -m tests.documents --write`."""
    assert as_printed(document) == document.read_text()


def test_what_commands_print_is_quoted_where_it_is_compared() -> None:
    blocks = re.compile(r"^```(?!console)\w*\n(?:(?!```).*\n)*?(?:\$ lockstep |lockstep: )", re.MULTILINE)
    assert [path.name for path in DOCUMENTS if blocks.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("quoted", "printed", "agree"),
    [
        ("one\ntwo\n", "one\ntwo\n", True),
        ("one\n", "one\ntwo\n", False),
        ("took … s\n", "took 12 s\n", True),
        ("took … s\n", "took 12 min\n", False),
        ("took … s\n", "took 1\n2 s\n", False),
        ("first\n…\nlast\n", "first\na\nb\nlast\n", True),
        ("first\n…\nlast\n", "first\nlast\n", True),
        ("first\n…\nlast\n", "first\na\n", False),
    ],
)
def test_only_an_ellipsis_stands_for_anything(quoted: str, printed: str, agree: bool) -> None:
    assert agrees(quoted, printed) is agree


def test_all_media_together_are_light_and_all_are_shown() -> None:
    media = list((ROOT / "docs" / "media").iterdir())
    assert sum(path.stat().st_size for path in media) < MOST_BYTES
    texts = "".join(document.read_text() for document in DOCUMENTS)
    assert [path.name for path in media if path.name not in texts] == []


def test_films_repeat_and_have_a_frame_for_every_step() -> None:
    for name, frames in (("teams", 101), ("nineteen", 61), ("spread", 26)):
        with Image.open(ROOT / "docs" / "media" / f"{name}.gif") as film:
            assert (film.n_frames, film.info["loop"]) == (frames, 0)  # type: ignore[attr-defined]


def commands(document: str) -> list[list[str]]:
    """What a document lets people type, as words; what is written into files by the shell is printed."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / document).read_text(), re.MULTILINE | re.DOTALL)
    lines = [line.partition(" > ")[0] for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("lockstep ")]


def test_the_page_for_epymarls_users_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    token = results(tmp_path / "results", "qmix_ff")
    token.rename(token.with_name(token.name.replace(" ", "_")))
    typed = commands("epymarl.md")
    assert len(typed) == 12
    shorter = ["env_args.time_limit=5", "test_nepisode=2", "batch_size=2", "buffer_size=4", "--no-doctor", "-q"]
    config = Path("runs/theirs/config.toml")
    for words in typed:
        quick = {"train": [*shorter, "t_max=20", "--out", f"runs/{len(list(Path().glob('runs/*')))}"]}
        if words[0] == "resume":
            told = config.read_text().replace("batch_size = 32", "batch_size = 2")
            config.write_text(told.replace("time_limit = 100", "time_limit = 5"))
            quick["resume"] = ["t_max=15120", "--changed", "-q"]
        assert main([*words, *quick.get(words[0], [])]) == 0, words
    assert {"theirs.gif", "both.svg", "theirs.svg", "back"} <= {path.name for path in tmp_path.iterdir()}
    assert Path("runs/theirs/export/1/metrics.json").is_file()
