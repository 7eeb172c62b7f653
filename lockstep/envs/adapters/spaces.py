"""What a robot may do and what it sees, in the words of Gymnasium's spaces, and its observations in that form."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from lockstep.envs.rware.actions import NUM_ACTIONS
from lockstep.envs.rware.config import IMAGE_DICT_FEATURES, WarehouseConfig

NUM_DIRECTIONS = 4


def action_space(config: WarehouseConfig) -> spaces.Space[Any]:
    """One robot's actions, as the official package has them."""
    return (
        spaces.MultiDiscrete([NUM_ACTIONS, *[2] * config.msg_bits]) if config.msg_bits else spaces.Discrete(NUM_ACTIONS)
    )


def team_action_space(config: WarehouseConfig) -> spaces.MultiDiscrete:
    """All robots' actions in one array: (agents,), or with message bits (agents, 1 + bits)."""
    if not config.msg_bits:
        return spaces.MultiDiscrete([NUM_ACTIONS] * config.n_agents)
    return spaces.MultiDiscrete(np.tile([NUM_ACTIONS, *[2] * config.msg_bits], (config.n_agents, 1)))


def observation_space(config: WarehouseConfig, num_agents: int | None = None) -> spaces.Box:
    """Flat features with their true bounds: (features,), or (agents, features) for several robots."""
    high = np.ones(config.obs_dim, dtype=np.float32)
    if config.sees_images:
        own = IMAGE_DICT_FEATURES if config.observation_type == "image_dict" else 0
        high[own:] = _image_space(config).high.reshape(-1)
    elif not config.normalised_coordinates:
        high[:2] = config.floor.width - 1, config.floor.height - 1
    if num_agents is not None:
        high = np.tile(high, (num_agents, 1))
    return spaces.Box(np.zeros_like(high), high, dtype=np.float32)


def official_space(config: WarehouseConfig) -> spaces.Space[Any]:
    """One robot's observations, as the official package declares them."""
    if config.observation_type == "flattened":
        return spaces.Box(-np.inf, np.inf, shape=(config.obs_dim,), dtype=np.float32)
    if config.observation_type == "dict":
        return _dict_space(config)
    image = _image_space(config)
    if config.observation_type == "image":
        return image
    features = spaces.Box(-np.inf, np.inf, shape=(IMAGE_DICT_FEATURES,), dtype=np.float32)
    return spaces.Dict({"image": image, "features": features})


def structured(config: WarehouseConfig, seen: NDArray[np.float32]) -> Any:
    """One robot's flat observation in the form that the official package gives it. seen: (features,)"""
    if config.observation_type == "flattened":
        return seen
    if config.observation_type == "dict":
        return _nested(config, seen)
    own = IMAGE_DICT_FEATURES if config.observation_type == "image_dict" else 0
    image = seen[own:].reshape(len(config.image_observation_layers), config.view, config.view)
    return {"image": image, "features": seen[:own]} if own else image


def _image_space(config: WarehouseConfig) -> spaces.Box:
    shape = (config.view, config.view)
    high = np.stack(
        [np.full(shape, 4.0 if layer == "agent_direction" else 1.0) for layer in config.image_observation_layers]
    ).astype(np.float32)
    return spaces.Box(np.zeros_like(high), high, dtype=np.float32)


def _dict_space(config: WarehouseConfig) -> spaces.Dict:
    """Lists of pairs, because a plain dictionary would be sorted by its names."""
    kind, most = (np.float32, 1) if config.normalised_coordinates else (np.int32, max(_size(config)))
    own = [
        ("location", spaces.Box(0, most, shape=(2,), dtype=kind)),
        ("carrying_shelf", spaces.MultiBinary(1)),
        ("direction", spaces.Discrete(NUM_DIRECTIONS)),
        ("on_highway", spaces.MultiBinary(1)),
    ]
    cell: list[tuple[str, spaces.Space[Any]]] = [
        ("has_agent", spaces.MultiBinary(1)),
        ("direction", spaces.Discrete(NUM_DIRECTIONS)),
        *([("local_message", spaces.MultiBinary(config.msg_bits))] if config.msg_bits else []),
        ("has_shelf", spaces.MultiBinary(1)),
        ("shelf_requested", spaces.MultiBinary(1)),
    ]
    sensors = spaces.Tuple([spaces.Dict(cell)] * config.view**2)
    return spaces.Dict([("self", spaces.Dict(own)), ("sensors", sensors)])


def _nested(config: WarehouseConfig, seen: NDArray[np.float32]) -> dict[str, Any]:
    """The features as nested dictionaries. Without message bits a cell says `"local_message": None`, as in the package,
    though its space has no such entry."""
    x, y, carrying, *way, on_highway = seen[:8].tolist()
    sensors = []
    for has_agent, *heading, has_shelf, requested in seen[8:].reshape(config.view**2, -1).tolist():
        heading, said = heading[:NUM_DIRECTIONS], heading[NUM_DIRECTIONS:]
        message: Any = np.array(said) if has_agent else [0] * config.msg_bits
        sensors.append(
            {
                "has_agent": [int(has_agent)],
                "direction": heading.index(1.0),
                "local_message": message if config.msg_bits else None,
                "has_shelf": [int(has_shelf)],
                "shelf_requested": [int(requested)],
            }
        )
    own = {
        "location": np.array([x, y], dtype=np.int32),
        "carrying_shelf": [int(carrying)],
        "direction": way.index(1.0),
        "on_highway": [int(on_highway)],
    }
    return {"self": own, "sensors": tuple(sensors)}


def _size(config: WarehouseConfig) -> tuple[int, int]:
    return config.floor.height, config.floor.width
