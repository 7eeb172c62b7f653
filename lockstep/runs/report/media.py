"""What lies in the runs' media folders: a recorded game, a page that plays it."""

from collections.abc import Sequence

from lockstep.runs.groups import Group
from lockstep.runs.record import RunRecord
from lockstep.runs.report.document import Block, Page, Picture, Section, literal

LARGEST = 4_000_000
"""Bytes of one embedded file: a report should still fit into a mail."""


def media_sections(groups: Sequence[Group]) -> list[Section]:
    """One section with the first page and the first GIF of every configuration; none where there are none."""
    blocks: list[Block] = []
    for number, group in enumerate(groups, start=1):
        for ending in ("html", "gif"):
            found = next((block for run in group.runs if (block := _first(run, ending, group.name, number))), None)
            blocks += [found] if found else []
    return [Section("watch", "Watch them work", blocks)] if blocks else []


def _first(run: RunRecord, ending: str, name: str, number: int) -> Block | None:
    for path in sorted(run.directory.media.glob(f"*.{ending}")):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if len(data) > LARGEST:
            continue
        stem, about = f"{path.stem}-{number}", f"{literal(name)}, seed {run.config.seed}"
        if ending == "html":
            return Page(stem, data.decode(errors="replace"), f"A game of {about}: play, pause, step, click a robot.")
        return Picture(stem, f"A recorded game of {about}.", "A game from above", gif=data, max_width="26rem")
    return None
