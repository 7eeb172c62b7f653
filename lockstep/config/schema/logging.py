"""`[logging]`: what is written while it runs."""

from lockstep.config.schema.section import ConfigSection, Count


class LoggingConfig(ConfigSection):
    """What is written while it runs."""

    every_env_steps: Count = 10_000
    """Env steps between two rows of metrics.jsonl and TensorBoard."""
    tensorboard: bool = True
    """Write TensorBoard events beside metrics.jsonl."""
    loggers: tuple[str, ...] = ()
    """Further loggers: `lines`, or classes of your own, `my_module:MyLogger` (examples/own_logger.py)."""
