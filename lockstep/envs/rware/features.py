"""What every number that a robot sees is called, in the order in which it sees them."""

from lockstep.envs.rware.config import WarehouseConfig

HEADINGS = ("up", "down", "left", "right")
"""In the order of rware's Direction."""


def feature_names(config: WarehouseConfig) -> tuple[str, ...]:
    """(obs_dim,) names: `x`, `carrying_shelf`, `cell(-1,0).shelf_requested`, ...

    A cell is named by its place relative to the robot: (x, y), x growing to the right and y downwards; the robot's own
    is (0,0). In images that are turned with the robot, up is where it looks.
    """
    reach = range(-config.sensor_range, config.sensor_range + 1)
    cells = [f"cell({x},{y})" for y in reach for x in reach]
    headings = [f"direction_{heading}" for heading in HEADINGS]
    if config.observation_type in ("image", "image_dict"):
        own = [*headings, "on_highway", "carrying_shelf"] if config.observation_type == "image_dict" else []
        return (*own, *(f"{layer}.{cell}" for layer in config.image_observation_layers for cell in cells))
    said = [f"message_{bit}" for bit in range(config.msg_bits)]
    per_cell = ("has_agent", *headings, *said, "has_shelf", "shelf_requested")
    own = ["x", "y", "carrying_shelf", *headings, "on_highway"]
    return (*own, *(f"{cell}.{name}" for cell in cells for name in per_cell))
