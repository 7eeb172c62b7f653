"""What somebody wrote down about a run: a name, tags, a note. A file of its own, so that training never meets it.

notes.json    {"name": "first that works", "tags": ["paper"], "note": "epsilon held at 0.7"}
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from lockstep.errors import UserError
from lockstep.runs.cleaning import one_line
from lockstep.runs.directory import RunDirectory, read_json, why, write_atomically

FILE = "notes.json"


@dataclass(frozen=True)
class Notes:
    """All that is written down about one run."""

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""


def read_notes(run: RunDirectory) -> Notes:
    """What is written down about a run; nothing where the file is missing or says something else."""
    said = read_json(run.path / FILE)
    name, tags, note = said.get("name"), said.get("tags"), said.get("note")
    return Notes(
        one_line(name) if isinstance(name, str) else "",
        tuple(one_line(tag) for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        one_line(note) if isinstance(note, str) else "",
    )


def write_notes(
    run: RunDirectory, *, name: str | None = None, note: str | None = None, tags: Sequence[str] = ()
) -> Notes:
    """Write down what is given, and leave the rest as it was. An empty text removes; so does a tag with - before it.

    Raises UserError for a tag that is no word, and where the folder cannot be written.
    """
    before = read_notes(run)
    kept = list(before.tags)
    for tag in tags:
        word = tag.removeprefix("-")
        if not word or any(character.isspace() or character == "," for character in word):
            raise UserError(f"--tag {tag!r} is no word; tags are single words, as in --tag paper --tag seed-3.")
        kept = [other for other in kept if other != word] + ([] if tag.startswith("-") else [word])
    after = Notes(
        before.name if name is None else one_line(name), tuple(kept), before.note if note is None else one_line(note)
    )
    run.refuse_links()
    try:
        write_atomically(run.path / FILE, json.dumps(asdict(after), ensure_ascii=False) + "\n")
    except OSError as error:
        raise UserError(f"{run.path / FILE} could not be written: {why(error)}. The note was not taken.") from error
    return after
