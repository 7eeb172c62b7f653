"""What every number that a player sees is called."""

from lockstep.envs.foraging.config import GRID_LAYERS, ForagingConfig


def feature_names(rules: ForagingConfig) -> tuple[str, ...]:
    """In the order of the observation."""
    if rules.grid_observation:
        reach = range(-rules.sight, rules.sight + 1)
        return tuple(f"{layer} at {down:+d}, {right:+d}" for layer in GRID_LAYERS for down in reach for right in reach)
    parts = ("row", "column", "level")
    food = (f"food {number + 1} in sight: {part}" for number in range(rules.max_num_food) for part in parts)
    whose = ("own", *(f"other {number + 1} in sight:" for number in range(rules.players - 1)))
    players = (f"{who} {part}" for who in whose for part in parts[: 3 if rules.observe_agent_levels else 2])
    return (*food, *players)
