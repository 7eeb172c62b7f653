"""The kinds of warehouses there are, each as a way to draw one at random: what `lockstep verify` goes through."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lockstep.envs.rware.config import IMAGE_LAYERS
from lockstep.envs.rware.keys import SIZES, registered_keys

Setting = tuple[str, dict[str, Any]]
"""A key, and the `Warehouse(...)` arguments to change."""
Kind = Callable[[np.random.Generator], Setting]

_KEYS = tuple(registered_keys())
_CROWDED_KEYS = tuple(key for key in _KEYS if re.match(r"rware-(tiny|small)-1\dag", key))
_IMAGE_KEYS = tuple(registered_keys(images=True))


def registered(rng: np.random.Generator) -> Setting:
    """What importing rware registers: four sizes, three difficulties, 1 to 19 robots."""
    return _one_of(rng, _KEYS), {}


def crowds(rng: np.random.Generator) -> Setting:
    """10 to 19 robots on the two smaller sizes."""
    return _one_of(rng, _CROWDED_KEYS), {}


def column_heights(rng: np.random.Generator) -> Setting:
    """Named sizes with columns of 1 to 15 shelves."""
    size, height = _one_of(rng, tuple(SIZES)), int(rng.integers(2, 16))
    return f"rware-{size}-{height}h-{rng.integers(1, 8)}ag-v2", {}


def sensor_ranges(rng: np.random.Generator) -> Setting:
    """Views of 5 x 5 to 11 x 11 cells."""
    size, height = _one_of(rng, tuple(SIZES)), int(rng.integers(2, 16))
    return f"rware-{rng.integers(2, 6)}s-{size}-{height}h-{rng.integers(1, 8)}ag-v2", {}


def explicit(rng: np.random.Generator) -> Setting:
    """Keys that spell out rows, columns, heights, robots, requests and the kind of reward."""
    rows, columns, height = rng.integers(1, 5), _one_of(rng, (3, 5, 7, 9)), rng.integers(2, 16)
    requests, reward = rng.integers(1, 8), _one_of(rng, ("indiv", "global", "twostage"))
    return f"rware-{rows}x{columns}-{height}h-{rng.integers(1, 20)}ag-{requests}req-{reward}-v2", {}


def images(rng: np.random.Generator) -> Setting:
    """Images, with and without features, turned with the robot or not, of the default layers."""
    return _one_of(rng, _IMAGE_KEYS), {}


def image_layers(rng: np.random.Generator) -> Setting:
    """Images of any layers in any order, also those that the package gets crossed, on square floors."""
    layers = rng.permutation(IMAGE_LAYERS)[: rng.integers(1, len(IMAGE_LAYERS) + 1)]
    side = int(rng.integers(4, 10))
    arguments = {"layout": _drawing(rng, side, side), "image_observation_layers": tuple(str(one) for one in layers)}
    return _one_of(rng, _IMAGE_KEYS[:400]), arguments | _few(rng, side * side)


def messages(rng: np.random.Generator) -> Setting:
    """One to four bits that robots say to each other."""
    arguments = {"msg_bits": int(rng.integers(1, 5)), "sensor_range": int(rng.integers(1, 4))}
    return f"rware-tiny-{rng.integers(2, 16)}ag-v2", arguments


def normalised(rng: np.random.Generator) -> Setting:
    """Coordinates from 0 to 1."""
    return _one_of(rng, _KEYS), {"normalised_coordinates": True}


def inactivity(rng: np.random.Generator) -> Setting:
    """Episodes that end after some steps without a delivery."""
    return _one_of(rng, _KEYS[:120]), {"max_inactivity_steps": int(rng.integers(5, 60))}


def layouts(rng: np.random.Generator) -> Setting:
    """Drawn floors, from nearly empty to packed with robots, with any number of goals and any kind of reward."""
    height, width = (int(side) for side in rng.integers(2, 9, size=2))
    arguments = {"layout": _drawing(rng, height, width), "sensor_range": int(rng.integers(1, 4))}
    arguments["reward_type"] = _one_of(rng, ("individual", "global", "two_stage"))
    return "rware-tiny-2ag-v2", arguments | _few(rng, height * width)


KINDS: Mapping[str, Kind] = {
    kind.__name__.replace("_", " "): kind
    for kind in (
        registered,
        crowds,
        column_heights,
        sensor_ranges,
        explicit,
        images,
        image_layers,
        messages,
        normalised,
        inactivity,
        layouts,
    )
}


def _one_of(rng: np.random.Generator, things: Any) -> Any:
    return things[int(rng.integers(len(things)))]


def _few(rng: np.random.Generator, cells: int) -> dict[str, Any]:
    """So many robots that they meet, and one request: a drawing has two shelves at least."""
    return {"n_agents": int(rng.integers(1, max(2, min(30, int(cells * 0.8))))), "request_queue_size": 1}


def _drawing(rng: np.random.Generator, height: int, width: int) -> str:
    """A floor with two shelves and a goal at least."""
    cells = rng.choice(list("x.g"), size=height * width, p=rng.dirichlet([2.0, 3.0, 0.5]))
    first, second, third = rng.choice(height * width, size=3, replace=False)
    cells[first], cells[second], cells[third] = "x", "x", "g"
    return "\n".join("".join(row) for row in cells.reshape(height, width))
