"""A warehouse's rules, by the names of the official package's `Warehouse(...)` arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from lockstep.envs.rware.actions import NUM_ACTIONS
from lockstep.envs.rware.keys import warehouse_arguments
from lockstep.envs.rware.layout import Layout, layout_from_sizes, layout_from_text, plain_drawing
from lockstep.errors import UnknownArgumentError, UserError
from lockstep.formats import counted
from lockstep.spec import BYTE_BITS, FLAG_BITS, FLOAT_BITS, EnvSpec

REWARD_TYPES = ("global", "individual", "two_stage")
OBSERVATION_TYPES = ("flattened", "dict", "image", "image_dict")
IMAGE_LAYERS = ("shelves", "requests", "agents", "agent_direction", "agent_load", "goals", "accessible")
"""In the order of rware's ImageLayer enumeration."""
DEFAULT_IMAGE_LAYERS = ("shelves", "requests", "agents", "goals", "accessible")
NO_LIMIT = int(np.iinfo(np.int64).max)
MAX_ROBOTS = 1_000
MAX_CELLS_SEEN = 250_000
IMAGE_DICT_FEATURES = 6
"""Direction one-hot, on highway, carrying: what an image-dict observation adds to its image."""


@dataclass(frozen=True)
class WarehouseConfig:
    """What `Warehouse(...)` takes, with plain values: enumerations by their names, in any case.

    Raises UserError for what cannot work, also where the package would only fail later.
    """

    shelf_columns: int = 3
    column_height: int = 8
    shelf_rows: int = 1
    n_agents: int = 2
    msg_bits: int = 0
    sensor_range: int = 1
    request_queue_size: int = 2
    max_inactivity_steps: int | None = None
    max_steps: int | None = 500
    reward_type: str = "individual"
    layout: str | None = None
    observation_type: str = "flattened"
    image_observation_layers: tuple[str, ...] = DEFAULT_IMAGE_LAYERS
    image_observation_directional: bool = True
    normalised_coordinates: bool = False
    floor: Layout = field(init=False, repr=False, compare=False)
    """The floor plan that the sizes, or the drawing in `layout`, make."""

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "reward_type", _named("reward_type", self.reward_type, REWARD_TYPES))
        put(self, "observation_type", _named("observation_type", self.observation_type, OBSERVATION_TYPES))
        if isinstance(self.image_observation_layers, str):
            put(self, "image_observation_layers", tuple(self.image_observation_layers.replace(",", " ").split()))
        layers = (_named("image_observation_layers", layer, IMAGE_LAYERS) for layer in self.image_observation_layers)
        put(self, "image_observation_layers", tuple(layers))
        for name, least in _LEAST.items():
            _check_count(name, getattr(self, name), least)
        for name in ("max_inactivity_steps", "max_steps"):
            if getattr(self, name) is not None:
                _check_count(name, getattr(self, name), 0)
        for name in ("image_observation_directional", "normalised_coordinates"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise UserError(f"{name}={getattr(self, name)!r} must be true or false.")
        if self.layout is not None and not isinstance(self.layout, str):
            raise UserError(f"layout={self.layout!r} must be a drawing: text with x (shelf), . (corridor), g (goal).")
        if self.layout:
            put(self, "layout", plain_drawing(self.layout))
        put(
            self,
            "floor",
            layout_from_text(self.layout)
            if self.layout
            else layout_from_sizes(self.shelf_columns, self.shelf_rows, self.column_height),
        )
        self._check_floor()

    def _check_floor(self) -> None:
        height, width = self.floor.height, self.floor.width
        cells, shelves = height * width, len(self.floor.shelf_cells)
        if self.n_agents > min(cells, MAX_ROBOTS):
            raise UserError(
                f"{self.n_agents} robots do not fit on {cells:,} cells; ask for 1 to {min(cells, MAX_ROBOTS):,}."
            )
        if not 1 <= self.request_queue_size < shelves:
            raise UserError(
                f"request_queue_size={self.request_queue_size} with {counted(shelves, 'shelf', 'shelves')}: it must be "
                f"1 to {shelves - 1}, so that there is something to deliver and another shelf to request next."
            )
        if (height + 2 * self.sensor_range) * (width + 2 * self.sensor_range) > MAX_CELLS_SEEN:
            raise UserError(f"sensor_range={self.sensor_range} is absurd on {height} x {width} cells; ask for 1 to 5.")
        if self.normalised_coordinates and min(height, width) < 2:
            raise UserError(
                f"normalised_coordinates divide by height - 1 and width - 1; draw more than {height} x {width} cells."
            )
        if self.sees_images:
            if not self.image_observation_layers:
                raise UserError("image_observation_layers is empty; name at least one of: " + ", ".join(IMAGE_LAYERS))
            crossed = {"agent_direction", "agent_load"} & set(self.image_observation_layers)
            if crossed and height != width:
                raise UserError(
                    f"The image layer {min(crossed)!r} works on square floors only, as the official package swaps its "
                    f"x and y, and this one is {height} x {width}; leave the layer out or draw a square layout."
                )

    @property
    def time_limit(self) -> int:
        """Most steps in one episode; 0 and None mean none, as in the official package."""
        return self.max_steps or NO_LIMIT

    @property
    def cells(self) -> int:
        """Cells of the floor."""
        return self.floor.height * self.floor.width

    @property
    def sees_images(self) -> bool:
        """Whether robots see image layers; else they see features, in a row or nested in dictionaries."""
        return self.observation_type in ("image", "image_dict")

    @property
    def view(self) -> int:
        """Cells on each side of the square that a robot sees."""
        return 2 * self.sensor_range + 1

    @property
    def obs_dim(self) -> int:
        """Features of one robot's observation, flattened as `gymnasium.spaces.flatten` does it."""
        if not self.sees_images:
            return 8 + self.view**2 * (7 + self.msg_bits)
        own = IMAGE_DICT_FEATURES if self.observation_type == "image_dict" else 0
        return own + len(self.image_observation_layers) * self.view**2

    @property
    def obs_bits(self) -> tuple[int, ...]:
        """Storage width of every observation feature, see EnvSpec."""
        if not self.sees_images:
            coordinate = FLOAT_BITS if self.normalised_coordinates else BYTE_BITS
            if max(self.floor.height, self.floor.width) > 256:
                coordinate = FLOAT_BITS
            return (coordinate, coordinate) + (FLAG_BITS,) * (self.obs_dim - 2)
        bits = [FLAG_BITS] * (IMAGE_DICT_FEATURES if self.observation_type == "image_dict" else 0)
        for layer in self.image_observation_layers:
            bits += [BYTE_BITS if layer == "agent_direction" else FLAG_BITS] * self.view**2
        return tuple(bits)

    def spec(self, key: str) -> EnvSpec:
        """What a learner must know, the same for both engines."""
        return EnvSpec(
            key=key,
            num_agents=self.n_agents,
            obs_dim=self.obs_dim,
            num_actions=NUM_ACTIONS,
            time_limit=self.time_limit,
            obs_bits=self.obs_bits,
        )


_LEAST = {
    "n_agents": 1,
    "msg_bits": 0,
    "sensor_range": 1,
    "request_queue_size": 0,
    "shelf_columns": 1,
    "shelf_rows": 1,
    "column_height": 1,
}
_IGNORED_ARGUMENTS = ("render_mode",)
"""Belongs to drawing, which the faces do."""


def warehouse_config(key: str, time_limit: int | None = None, **arguments: Any) -> WarehouseConfig:
    """The rules behind an RWARE key, with `Warehouse(...)` arguments changed; `time_limit` is its `max_steps`."""
    return keyed_config(key, time_limit, arguments)


def keyed_config(key: str, time_limit: int | None, arguments: Mapping[str, Any]) -> WarehouseConfig:
    """The same for arguments of any name."""
    if time_limit is not None:
        if "max_steps" in arguments:
            raise UserError("time_limit and max_steps are two names of one thing; give one of them.")
        arguments = {**arguments, "max_steps": time_limit}
    return configured({**warehouse_arguments(key), **arguments})


def configured(arguments: dict[str, Any]) -> WarehouseConfig:
    """A WarehouseConfig from `Warehouse(...)` arguments; unknown names are refused in a sentence."""
    from difflib import get_close_matches

    known = [one.name for one in fields(WarehouseConfig) if one.init]
    for name in arguments:
        if name not in (*known, *_IGNORED_ARGUMENTS):
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "known are: " + ", ".join(known) + "."
            raise UnknownArgumentError(f"{name!r} is no argument of a warehouse; {hint}")
    return WarehouseConfig(**{name: value for name, value in arguments.items() if name in known})


def _named(argument: str, value: Any, allowed: tuple[str, ...]) -> str:
    """The lower-case name of an enumeration member, given as text or as the package's own member."""
    name = str(getattr(value, "name", value)).lower()
    if name not in allowed:
        raise UserError(f"{argument}={value!r} is not one of: {', '.join(allowed)}.")
    return name


def _check_count(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise UserError(f"{name}={value!r} must be a whole number of at least {least}.")
    if value < least:
        raise UserError(f"{name}={value} must be at least {least}.")
