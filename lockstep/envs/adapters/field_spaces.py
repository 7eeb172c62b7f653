"""What a player may do and what it sees, in the words of Gymnasium's spaces."""

from typing import Any

import numpy as np
from gymnasium import spaces

from lockstep.envs.foraging.config import NUM_ACTIONS, ForagingConfig


def action_space(config: ForagingConfig) -> spaces.Space[Any]:
    """One player's actions, as the official package has them."""
    return spaces.Discrete(NUM_ACTIONS)


def team_action_space(config: ForagingConfig) -> spaces.MultiDiscrete:
    """All players' actions in one array: (players,)."""
    return spaces.MultiDiscrete([NUM_ACTIONS] * config.players)


def official_space(config: ForagingConfig) -> spaces.Box:
    """One player's observations, as the official package declares them; layers in the shape that they have."""
    if config.grid_observation:
        shape = (config.view, config.view)
        player = config.highest_player if config.observe_agent_levels else 1
        high = np.stack([np.full(shape, most, dtype=np.float32) for most in (player, config.highest_food, 1)])
        return spaces.Box(np.zeros_like(high), high, dtype=np.float32)
    rows, columns = config.field_size
    level = [config.highest_player] if config.observe_agent_levels else []
    highs = [columns - 1, rows - 1, config.highest_food] * config.max_num_food
    highs += [columns - 1, rows - 1, *level] * config.players
    lows = [-1, -1, 0] * config.max_num_food + [-1, -1, *[0] * len(level)] * config.players
    return spaces.Box(np.array(lows, dtype=np.float32), np.array(highs, dtype=np.float32), dtype=np.float32)


def observation_space(config: ForagingConfig, num_agents: int | None = None) -> spaces.Box:
    """Flat numbers with their bounds: (features,), or (players, features) for several players."""
    one = official_space(config)
    low, high = one.low.reshape(-1), one.high.reshape(-1)
    if num_agents is not None:
        low, high = np.tile(low, (num_agents, 1)), np.tile(high, (num_agents, 1))
    return spaces.Box(low, high, dtype=np.float32)
