"""The runs' games: what lies in their media folders, or else the best team of every configuration, to play with."""

from collections.abc import Callable, Sequence

from lockstep.analysis.groups import Group
from lockstep.analysis.report.document import Block, EmbeddedPage, Picture, Section, literal
from lockstep.errors import UserError
from lockstep.files import read_regular
from lockstep.runs.directory import read_rows
from lockstep.runs.headline import headline
from lockstep.runs.reader import RunReader
from lockstep.show import player
from lockstep.show.live.film import play_again
from lockstep.show.recording import Recording

LARGEST = 4_000_000
"""Bytes of one embedded file: a report should still fit into a mail."""
Replay = Callable[[RunReader], Recording]
"""Plays an episode of a run's team, with what it expects. Raises UserError where that cannot be shown."""


def media_sections(groups: Sequence[Group], replay: Replay | None = None) -> list[Section]:
    """One section with a page and the first GIF of every configuration; none where nothing can be shown.

    The page is the first in a media folder. Where there is none, it is made: of an episode by `replay`, or of the last
    one that was recorded while the best run trained.
    """
    blocks: list[Block] = []
    for number, group in enumerate(groups, start=1):
        page = _first_of(group, "html", number) or _made(group, number, replay)
        blocks += [block for block in (page, _first_of(group, "gif", number)) if block]
    return [Section("watch", "Watch them work", blocks)] if blocks else []


def _made(group: Group, number: int, replay: Replay | None) -> Block | None:
    best = max(group.runs, key=lambda run: found.score.mean if (found := headline(run)) else float("-inf"))
    try:
        recording = replay(best) if replay else _last_recorded(best)
    except UserError:
        try:
            recording = _last_recorded(best)
        except UserError:
            return None
    html = player.page([recording])
    return None if len(html) > LARGEST else EmbeddedPage(f"replay-{number}", html, _caption(group, best))


def _last_recorded(run: RunReader) -> Recording:
    rows = read_rows(run.directory.recordings)
    if not rows:
        raise UserError(f"{run.name} has no recorded episode yet; its first evaluation makes one.")
    return play_again(run.config, rows[-1])[1]


def _caption(group: Group, run: RunReader) -> str:
    return f"A game of {literal(group.name)}, seed {run.config.seed}: play, pause, step, click a robot."


def _first_of(group: Group, ending: str, number: int) -> Block | None:
    return next((block for run in group.runs if (block := _first(run, ending, group, number))), None)


def _first(run: RunReader, ending: str, group: Group, number: int) -> Block | None:
    folder = run.directory.media
    if folder.is_symlink():  # it could put anything of the user's into a report that is sent to somebody
        return None
    for path in sorted(folder.glob(f"*.{ending}")):
        try:
            data = read_regular(path, LARGEST)
        except OSError:
            continue
        stem = f"game-{number}"
        if ending == "html":
            return EmbeddedPage(stem, data.decode(errors="replace"), _caption(group, run))
        about = f"A recorded game of {literal(group.name)}, seed {run.config.seed}."
        return Picture(stem, about, "A game from above", gif=data, max_width="26rem")
    return None
