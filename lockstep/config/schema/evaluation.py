"""`[evaluation]`: how a team is judged while it learns."""

from typing import Literal

from lockstep.config.schema.section import ConfigSection, Count, Fraction


class EvaluationConfig(ConfigSection):
    """Greedy episodes on seeds of their own."""

    every_env_steps: Count = 50_000
    """Env steps of training between two evaluations."""
    episodes: Count = 100
    """Episodes in one evaluation, all of them counted."""
    confirm_episodes: Count = 1_000
    """New episodes that must exceed stop_at_test_return clearly: of many evaluations, one is lucky."""
    choice: Literal["greedy", "sampled"] = "greedy"
    """greedy: agents do what they value most. sampled: an action drawn by the softmax of what they value."""
    epsilon: Fraction = 0.0
    """Chance of a random action; 0 is greedy."""
