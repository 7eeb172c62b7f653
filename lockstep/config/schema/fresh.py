"""`[algorithm]` of whatever learns from what was just played, and then forgets it."""

from lockstep.config.schema.algorithm import AlgorithmConfig
from lockstep.config.schema.section import Count


class FreshConfig(AlgorithmConfig):
    """What every algorithm has that learns from the team's own choices. `[replay]` means nothing to it."""

    epochs: Count = 1
    """How often a collection is gone through before it is forgotten."""
    minibatches: Count = 1
    """Equal parts into which every epoch deals the collection's episodes; an update studies one of them."""


def dealt(section: AlgorithmConfig) -> tuple[int, int]:
    """Epochs and minibatches of a round; once and whole where the algorithm has no such settings."""
    return (section.epochs, section.minibatches) if isinstance(section, FreshConfig) else (1, 1)
