"""What trials are judged by: what a team earns, or how soon it earns enough. More is better, always."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lockstep.analysis.statistics import iqm
from lockstep.errors import UserError
from lockstep.formats import clock, decimal
from lockstep.runs.headline import judged_scores
from lockstep.runs.reader import RunReader

RETURN = "test_return"
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m|min|h)?")


@dataclass(frozen=True)
class Goal:
    """`test_return`, or a number that the test return must exceed as soon as it can."""

    threshold: float | None = None
    within: float | None = None
    """Seconds of training that every run has; None: as many as it takes to its end."""

    @property
    def words(self) -> list[str]:
        """Overrides that make runs end where the goal says."""
        limit = [] if self.within is None else [f"max_seconds={self.within:g}"]
        return limit if self.threshold is None else [*limit, f"stop_at_test_return={self.threshold!r}"]

    def value(self, run: RunReader) -> float | None:
        """What an ended run is worth; None where it was never judged.

        The mean return of its best policy on new episodes; or minus the logarithm of the seconds until it was solved,
        and for a run that was not, as many as it had, and what it lacked, as a share of the threshold, on top.
        """
        selected = run.selected
        if selected is None:
            return None
        if self.threshold is None:
            judged = judged_scores(run)
            return judged[0].mean if judged else selected.test_return_mean
        seconds = max(run.wall_seconds, 1e-3)
        if run.standing == "solved":
            return -math.log(seconds)
        lacks = max(self.threshold - selected.test_return_mean, 0.0) / max(abs(self.threshold), 1e-9)
        return -math.log(max(seconds, self.within or 0.0)) - lacks

    def text(self, value: float | None) -> str:
        """A value in a table."""
        if value is None:
            return "–"
        return decimal(value) if self.threshold is None else clock(round(math.exp(-value)))

    @property
    def title(self) -> str:
        """What values are, in words."""
        return "test return" if self.threshold is None else f"time to {self.threshold:g}"

    @property
    def text_of_all(self) -> str:
        """The goal as it was typed."""
        return RETURN if self.threshold is None else f"{self.threshold:g}"


def over_seeds(values: Sequence[float]) -> float:
    """What a trial is worth whose seeds are worth this."""
    return iqm(values)


def read_goal(text: str, within: str | None) -> Goal:
    """The goal that is typed. Raises UserError for what is none."""
    seconds = None if within is None else read_time(within)
    if text == RETURN:
        return Goal(None, seconds)
    try:
        threshold = float(text)
    except ValueError:
        threshold = math.nan
    if not math.isfinite(threshold):
        raise UserError(
            f"--goal {text} is unknown; it must be {RETURN}, which is made as high as it can be, or a number that the "
            "test return must exceed as soon as it can."
        )
    return Goal(threshold, seconds)


def read_time(text: str) -> float:
    """Seconds of a time as it is typed behind --within. Raises UserError for what is none."""
    found = _TIME.fullmatch(text.strip())
    seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else 0.0
    if not 0 < seconds < 1e8:
        raise UserError(f"--within {text} is no time; write it as 90s, 5m or 2h.")
    return seconds
