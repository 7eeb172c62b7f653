"""From a warehouse's rules to the flat tables that the compiled code reads."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.random_streams import STREAM_WORDS
from lockstep.envs.rware import _kernel, _observations
from lockstep.envs.rware.config import IMAGE_LAYERS, REWARD_TYPES, WarehouseConfig
from lockstep.envs.rware.snapshot import Robot, Snapshot
from lockstep.errors import UserError


def _padded(config: WarehouseConfig, plan: NDArray[Any], outside: int = 0) -> NDArray[Any]:
    """A (height, width) plan with the border of walls, flattened: (cells,)."""
    return np.pad(plan, config.sensor_range, constant_values=outside).reshape(-1)


def world_of(config: WarehouseConfig) -> _kernel.World:
    """What never changes."""
    floor, border = config.floor, config.sensor_range
    width = floor.width + 2 * border
    y, x = np.indices((floor.height, floor.width))
    hashes = [hash((int(a), int(b))) & 0xFFFFFFFFFFFFFFFF for a, b in zip(x.flat, y.flat, strict=True)]
    shelves = np.zeros((floor.height, floor.width), dtype=np.int16)
    shelves.reshape(-1)[floor.shelf_cells] = np.arange(1, len(floor.shelf_cells) + 1)
    return _kernel.World(
        reward_type=REWARD_TYPES.index(config.reward_type),
        time_limit=config.time_limit,
        max_inactivity=config.max_inactivity_steps or 0,
        ahead=np.array([-width, width, -1, 1], dtype=np.int64),
        cell_of_place=((y + border) * width + x + border).reshape(-1),
        highways=_padded(config, floor.highways),
        goals=np.array([(gy + border) * width + gx + border for gx, gy in floor.goals], dtype=np.int64),
        first_looks=_padded(config, (shelves > 0).astype(np.uint8), outside=_kernel.WALL),
        first_shelves=_padded(config, shelves),
        num_shelves=len(floor.shelf_cells),
        cell_hashes=_padded(config, np.array(hashes, dtype=np.uint64).reshape(y.shape)),
    )


def lanes_of(config: WarehouseConfig, num_envs: int) -> _kernel.WarehouseLanes:
    """Room for `num_envs` warehouses, before their first reset."""
    border = 2 * config.sensor_range
    cells = (config.floor.height + border) * (config.floor.width + border)
    return _kernel.WarehouseLanes(
        robots=np.zeros((num_envs, config.n_agents, 4), dtype=np.int32),
        looks=np.zeros((num_envs, cells), dtype=np.uint8),
        shelves=np.zeros((num_envs, cells), dtype=np.int16),
        queue=np.zeros((num_envs, config.request_queue_size), dtype=np.int16),
        clocks=np.zeros((num_envs, 2), dtype=np.int64),
        messages=np.zeros((num_envs, config.n_agents, config.msg_bits), dtype=np.uint8),
        streams=np.zeros((num_envs, STREAM_WORDS), dtype=np.uint64),
    )


def check_state(world: _kernel.World, state: Mapping[str, NDArray[Any]]) -> None:
    """Raise UserError unless everything in `state`, arrays of `Lanes`, is where something can be on this floor."""
    cells, directions, carried, delivered = np.moveaxis(np.asarray(state["robots"]), -1, 0)
    looks, inside = np.asarray(state["looks"]), world.first_looks != _kernel.WALL
    possible = {
        "robots": [np.isin(cells, world.cell_of_place), _within(directions, 0, 3), _within(delivered, 0, 1)],
        "carried shelves": [_within(carried, 0, world.num_shelves)],
        "looks": [_within(looks, 0, _kernel.NUM_LOOKS - 1), looks[..., ~inside] == _kernel.WALL],
        "shelves": [_within(state["shelves"], 0, world.num_shelves)],
        "requests": [_within(state["queue"], 1, world.num_shelves)],
        "messages": [_within(state["messages"], 0, 1)],
    }
    for what, conditions in possible.items():
        if not all(condition.all() for condition in conditions):
            raise UserError(f"This state does not fit: its {what} cannot be like that here. Set it where it was taken.")


def _within(numbers: NDArray[Any], least: int, most: int) -> NDArray[np.bool_]:
    return np.asarray((np.asarray(numbers) >= least) & (np.asarray(numbers) <= most))


def eyes_of(config: WarehouseConfig, world: _kernel.World) -> _observations.Eyes:
    """How observations are written."""
    floor = config.floor
    y, x = np.indices((floor.height, floor.width))
    scale = (floor.width - 1, floor.height - 1) if config.normalised_coordinates else (1, 1)
    own = np.zeros((len(world.highways), _observations.OWN), dtype=np.float32)
    own[:, 0], own[:, 1] = _padded(config, x / scale[0]), _padded(config, y / scale[1])
    if config.observation_type == "dict":
        own[:, :2] = np.trunc(own[:, :2])  # the package's dictionaries hold whole numbers only (line 686)
    own[:, 7] = world.highways
    cell = np.zeros((_kernel.NUM_LOOKS, 8), dtype=np.float32)
    for look in range(_kernel.NUM_LOOKS):
        robot, shelf = (look & _kernel.ROBOT_BITS) >> _kernel.ROBOT_SHIFT, look & _kernel.SHELF_BITS
        here = 1 <= robot <= 4
        cell[look, 0] = here
        cell[look, 1 + (robot - 1 if here else 0)] = 1.0  # an empty cell looks as if it headed up (line 655)
        cell[look, 5:7] = shelf > 0, shelf == _kernel.REQUESTED_SHELF
    goal_cells = np.zeros(len(world.highways), dtype=np.uint8)
    goal_cells[world.goals] = 1
    return _observations.Eyes(
        sensor_range=config.sensor_range,
        width=floor.width + 2 * config.sensor_range,
        own_features=own,
        cell_features=cell,
        image_layers=np.array([IMAGE_LAYERS.index(layer) for layer in config.image_observation_layers], dtype=np.int64),
        directional=bool(config.image_observation_directional),
        with_features=config.observation_type == "image_dict",
        goal_cells=goal_cells,
    )


def snapshot_of(config: WarehouseConfig, lanes: _kernel.WarehouseLanes, lane: int) -> Snapshot:
    """One lane in plain words."""
    floor, border = config.floor, config.sensor_range
    width = floor.width + 2 * border

    def place(cell: Any) -> tuple[int, int]:
        y, x = divmod(int(cell), width)
        return x - border, y - border

    robots = [
        Robot(*place(cell), int(direction), int(carried), bool(delivered), tuple(int(bit) for bit in message))
        for (cell, direction, carried, delivered), message in zip(lanes.robots[lane], lanes.messages[lane], strict=True)
    ]
    cells = np.flatnonzero(lanes.shelves[lane])
    cells = cells[np.argsort(lanes.shelves[lane, cells])]
    return Snapshot(
        height=floor.height,
        width=floor.width,
        goals=floor.goals,
        highways=tuple(tuple(bool(cell) for cell in row) for row in floor.highways),
        robots=tuple(robots),
        shelves=tuple(place(cell) for cell in cells),
        requested=tuple(int(shelf) for shelf in lanes.queue[lane]),
        steps=int(lanes.clocks[lane, _kernel.STEPS]),
        idle_steps=int(lanes.clocks[lane, _kernel.IDLE_STEPS]),
    )
