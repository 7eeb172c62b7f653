"""`[replay]`: what is remembered."""

from typing import Self

from pydantic import model_validator

from lockstep.config.schema.section import ConfigSection, Count, CountOrZero, Fraction


class ReplayConfig(ConfigSection):
    """What is remembered, and what of it is studied."""

    buffer_size: Count = 5_000
    """Episodes kept; the oldest leave first."""
    batch_size: Count = 32
    """Episodes, or pieces of them, in one update."""
    segment_steps: CountOrZero = 0
    """Study random pieces of this many steps instead of whole episodes; 0: whole. More examples, less alike, for the
    same arithmetic. A recurrent network starts each piece with an empty memory."""
    rewarding_fraction: Fraction = 0.0
    """Share of every batch drawn from a second memory that holds only episodes with a positive return."""
    rewarding_buffer_size: Count = 4_096
    """Episodes kept in that second memory."""

    @model_validator(mode="after")
    def _a_batch_comes_together(self) -> Self:
        if self.buffer_size < self.batch_size:
            raise ValueError(
                f"buffer_size={self.buffer_size} episodes never hold a batch_size={self.batch_size} to learn from; "
                "make one of them larger or the other smaller"
            )
        return self
