"""`[exploration]`: how training leaves the greedy path."""

from typing import Annotated, Literal

from pydantic import Field

from lockstep.config.schema.section import ConfigSection, Count, CountOrZero, Fraction


class ExplorationConfig(ConfigSection):
    """How training episodes leave the greedy path."""

    epsilon_start: Fraction = 1.0
    """Chance of a random action at env step 0."""
    epsilon_finish: Fraction = 0.05
    """Chance of a random action once annealing is over."""
    epsilon_anneal_env_steps: CountOrZero = 50_000
    """Env steps from epsilon_start to epsilon_finish."""
    epsilon_schedule: Literal["linear", "exponential"] = "linear"
    """Shape of the way from start to finish."""
    epsilon_ladder: Annotated[float, Field(ge=0.0)] = 0.0
    """Spread over the environments: number i of n explores with epsilon ** (1 + ladder * i / (n - 1)). 0: all alike.
    (Horgan et al. 2018, Ape-X, uses 7.)"""
    repeat_max_steps: Count = 1
    """Longest run of one exploratory action, in steps. A run lasts k steps with a chance of about 1 / k^2
    (Dabney et al. 2021, epsilon-z-greedy); 1: every step draws anew."""
    repeat_actions: tuple[CountOrZero, ...] = ()
    """Actions that an exploratory run may consist of; empty: all. Used when repeat_max_steps > 1."""
