"""`[checkpoint]`: what survives a crash."""

from lockstep.config.schema.section import ConfigSection, Count


class CheckpointConfig(ConfigSection):
    """What survives a crash."""

    every_env_steps: Count = 500_000
    """Env steps between two checkpoints; one is always written at the end and on interruption."""
    keep: Count = 2
    """Newest checkpoints kept, besides the best by test return."""
    save_replay: bool = True
    """Include the replay, so that a resumed run continues bit for bit."""
