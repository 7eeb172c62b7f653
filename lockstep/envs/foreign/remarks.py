"""What was understood of somebody else's world, in sentences: for `lockstep doctor env`, and before a training."""

from typing import NamedTuple


class Remark(NamedTuple):
    """One thing that a world left open, and how it is taken here."""

    about: str
    """What it is about, in a word or two: only one remark about a thing is kept."""
    sentence: str
    doubtful: bool = False
    """Whether it may not be what its author meant, or changes what the run's numbers say."""


class UnreadableError(Exception):
    """What came is nothing that can be used; the sentence says what came and what is expected, but not where."""


class Remarks(dict[str, Remark]):
    """The first remark about every thing."""

    def say(self, about: str, sentence: str, *, doubtful: bool = False) -> None:
        """Keep a remark, unless there is one about that already."""
        if about not in self:
            self[about] = Remark(about, sentence, doubtful)
