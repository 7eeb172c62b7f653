"""What was understood of somebody else's world, in sentences: for `lockstep doctor env`, and before a training."""

from lockstep.envs.protocol import Remark


class UnreadableError(Exception):
    """What came is nothing that can be used; the sentence says what came and what is expected, but not where."""


class Remarks(dict[str, Remark]):
    """The first remark about every thing."""

    def say(self, about: str, sentence: str, *, doubtful: bool = False) -> None:
        """Keep a remark, unless there is one about that already."""
        if about not in self:
            self[about] = Remark(about, sentence, doubtful)
