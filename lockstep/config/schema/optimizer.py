"""`[optimizer]`: how parameters move."""

from lockstep.config.schema.section import ConfigSection, Positive


class OptimizerConfig(ConfigSection):
    """Adam (Kingma and Ba 2015)."""

    lr: Positive = 5e-4
    """Learning rate."""
    eps: Positive = 1e-8
    """Adam's denominator offset."""
    grad_norm_clip: Positive = 10.0
    """Largest norm of the gradient of agent and mixer together."""
