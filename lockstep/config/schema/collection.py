"""`[collection]`: how experience is gathered."""

from lockstep.config.schema.section import ConfigSection, Count, CountOrZero


class CollectionConfig(ConfigSection):
    """How experience is gathered."""

    num_envs: Count = 1
    """Environments stepped side by side; one collection is one episode of each."""
    warmup_env_steps: CountOrZero = 0
    """Uniformly random play before the first update. Counted in env_steps."""
