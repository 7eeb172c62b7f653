"""`[algorithm]`: what is learnt, and towards which target; here what every algorithm has."""

from lockstep.config.schema.section import ConfigSection, Fraction


class AlgorithmConfig(ConfigSection):
    """What every algorithm has."""

    name: str
    """Which algorithm: one that Lockstep knows, or one of your own, as `my_module:MyAlgorithm`."""
    gamma: Fraction = 0.99
    """Discount per step."""
    bootstrap_time_limit: bool = True
    """True: an episode cut by its time limit still has a future. False: it counts as ended (EPyMARL's reading)."""
    standardize_rewards: bool = False
    """Shift and scale rewards by the running mean and deviation of all sampled batches (EPyMARL's default is True)."""
