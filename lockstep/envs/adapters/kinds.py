"""The kinds of worlds that have faces of other libraries, and what those must know of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from lockstep.envs.adapters import field_spaces
from lockstep.envs.adapters import spaces as warehouse_spaces
from lockstep.envs.foraging.config import foraging_config
from lockstep.envs.foraging.draw import draw as draw_field
from lockstep.envs.foraging.keys import is_foraging_key
from lockstep.envs.foraging.simulator import ForagingSimulator
from lockstep.envs.rware.actions import one_by_one
from lockstep.envs.rware.config import keyed_config
from lockstep.envs.rware.draw import draw as draw_warehouse
from lockstep.envs.rware.simulator import Simulator

Frame = NDArray[np.uint8]
"""(height, width, 3) RGB"""


@dataclass(frozen=True)
class WorldKind:
    """One kind of world. Its configurations and simulators are whatever its own functions make and take."""

    name: str
    agent: str
    """What an agent is called."""
    time_limit: str
    """The official package's name for it."""
    configured: Callable[[str, Mapping[str, Any]], Any]
    """Makes a configuration from a key and arguments."""
    simulator: Callable[[str, Any, int, int, int | None], Any]
    """Makes lanes from a key, a configuration, their number, a seed and a number of threads."""
    renew: Callable[[Any], None]
    """Lets the lanes of a simulator begin their next episodes as if nothing had been played before."""
    picture: Callable[[Any, int], Frame]
    """Draws a lane of a simulator."""
    in_order: Callable[[Any, Any], NDArray[Any]]
    """Makes an array from an entry for every agent, for a configuration."""
    action_space: Callable[[Any], spaces.Space[Any]]
    """One agent's."""
    team_action_space: Callable[[Any], spaces.MultiDiscrete]
    observation_space: Callable[..., spaces.Box]
    """One agent's for a configuration, or with a number of agents that of all."""


def kind_of(key: str) -> WorldKind:
    """The kind that a key names; warehouses answer for wrong keys."""
    return FIELDS if isinstance(key, str) and is_foraging_key(key) else WAREHOUSES


def _configured(
    make: Callable[[str, int | None, Mapping[str, Any]], Any], key: str, arguments: Mapping[str, Any]
) -> Any:
    """`time_limit` may stand among the arguments."""
    others = {name: value for name, value in arguments.items() if name != "time_limit"}
    return make(key, arguments.get("time_limit"), others)


WAREHOUSES = WorldKind(
    name="rware",
    agent="robot",
    time_limit="max_steps",
    configured=lambda key, arguments: _configured(keyed_config, key, arguments),
    simulator=Simulator,
    renew=lambda simulator: None,
    picture=lambda simulator, lane: draw_warehouse(simulator.snapshot(lane)),
    in_order=lambda config, actions: one_by_one(actions, config.msg_bits),
    action_space=warehouse_spaces.action_space,
    team_action_space=warehouse_spaces.team_action_space,
    observation_space=warehouse_spaces.observation_space,
)
FIELDS = WorldKind(
    name="foraging",
    agent="player",
    time_limit="max_episode_steps",
    configured=lambda key, arguments: _configured(foraging_config, key, arguments),
    simulator=lambda key, config, num_envs, seed, _: ForagingSimulator(key, config, num_envs, seed, np.float64),
    renew=ForagingSimulator.forget_places,
    picture=lambda simulator, lane: draw_field(simulator.moment(lane)),
    in_order=lambda config, actions: one_by_one(actions, 0),
    action_space=field_spaces.action_space,
    team_action_space=field_spaces.team_action_space,
    observation_space=field_spaces.observation_space,
)
