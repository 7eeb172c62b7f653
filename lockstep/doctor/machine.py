"""The machine that a run will have, in numbers."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """What was measured of the machine; None where nothing was."""

    seconds_per_collection: float | None = None
    seconds_per_update: float | None = None
    seconds_per_warmup_step: float | None = None
    free_bytes: float | None = None
    unreservable_bytes: float = math.inf
    """So many could not be set aside at once."""


UNMEASURED = Machine()
