"""`[evaluation]`: how a team is judged while it learns."""

from lockstep.config.schema.section import Count, Fraction, Section


class EvaluationConfig(Section):
    """Greedy episodes on seeds of their own."""

    every_env_steps: Count = 50_000
    """Env steps of training between two evaluations."""
    episodes: Count = 100
    """Episodes in one evaluation, all of them counted."""
    confirm_episodes: Count = 1_000
    """New episodes whose mean must exceed stop_at_test_return too: of many evaluations, one is lucky."""
    epsilon: Fraction = 0.0
    """Chance of a random action; 0 is greedy."""
