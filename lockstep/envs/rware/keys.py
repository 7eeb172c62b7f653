"""The official package's environment names, read as `Warehouse(...)` arguments.

    rware[-img|-imgdict][-Nd][-{2..5}s]-{tiny|small|medium|large}[-{1..15}h]-{1..19}ag[-easy|-hard]-v2
    rware[-img|-imgdict][-Nd][-{2..5}s]-{rows}x{columns}-{1..15}h-{1..19}ag-{1..19}req-{indiv|global|twostage}-v2

A few combinations that the package does not register (imgdict with a sensor range, say) are understood as well.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import product
from typing import Any

from lockstep.errors import UserError

SIZES = {"tiny": (1, 3), "small": (2, 3), "medium": (2, 5), "large": (3, 5)}
"""Shelf rows and shelf columns of the named sizes (rware/__init__.py, line 7)."""
REQUESTS_PER_ROBOT = {"-easy": 2.0, "": 1.0, "-hard": 0.5}
MAX_AGENTS = 19

_VIEW = r"(?P<image>-img|-imgdict)?(?P<north>-Nd)?(-(?P<sight>\d+)s)?"
_NAMED = re.compile(
    rf"rware{_VIEW}-(?P<size>tiny|small|medium|large)(-(?P<height>\d+)h)?-(?P<agents>\d+)ag(?P<level>-easy|-hard)?-v2"
)
_EXPLICIT = re.compile(
    rf"rware{_VIEW}-(?P<rows>\d+)x(?P<columns>\d+)-(?P<height>\d+)h-(?P<agents>\d+)ag-(?P<requests>\d+)req"
    r"-(?P<reward>indiv|global|twostage)-v2"
)
_REWARDS = {"indiv": "individual", "global": "global", "twostage": "two_stage"}
_OBSERVATIONS = {None: "flattened", "-img": "image", "-imgdict": "image_dict"}


def plain_key(key: str) -> str:
    """The key without Gymnasium's module or namespace: `rware:rware-tiny-2ag-v2` is `rware-tiny-2ag-v2`."""
    return key.removeprefix("rware:").removeprefix("lockstep/")


def is_rware_key(key: str) -> bool:
    """Whether somebody who wrote this key meant a warehouse."""
    return plain_key(key).startswith("rware-")


def warehouse_arguments(key: str) -> dict[str, Any]:
    """The `Warehouse(...)` arguments behind a key. Raises UserError, with the nearest key, for anything else."""
    name = plain_key(key)
    match = _NAMED.fullmatch(name) or _EXPLICIT.fullmatch(name)
    if match is None:
        near = get_close_matches(name, list(registered_keys()), n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else "a working one is 'rware-tiny-2ag-v2'."
        raise UserError(f"{key!r} is no warehouse key; {hint} `lockstep envs rware` lists them.")
    found = match.groupdict()
    if found["north"] and not found["image"] and "size" in found:  # explicit keys are registered with it, to no effect
        raise UserError(f"{key!r}: -Nd (not directional) is for images only; write rware-img-Nd… or leave -Nd out.")
    agents = _within(key, "robots", found["agents"], range(1, MAX_AGENTS + 1))
    arguments = {
        "column_height": _within(key, "cells of column height", found["height"] or "8", range(1, 16)),
        "n_agents": agents,
        "msg_bits": 0,
        "sensor_range": _within(key, "cells of sight", found["sight"] or "1", range(1, 6)),
        "max_inactivity_steps": None,
        "max_steps": 500,
        "observation_type": _OBSERVATIONS[found["image"]],
        "image_observation_directional": not found["north"],
    }
    if "size" in found:
        rows, columns = SIZES[found["size"]]
        requests = int(agents * REQUESTS_PER_ROBOT[found["level"] or ""])
        if requests == 0:
            raise UserError(
                f"{key!r} would request no shelf at all, so nothing can ever be earned; take two robots or more."
            )
        reward = "individual"
    else:
        rows = _within(key, "shelf rows", found["rows"], range(1, 5))
        columns = _within(key, "shelf columns", found["columns"], range(3, 10, 2))
        requests = _within(key, "requests", found["requests"], range(1, 20))
        reward = _REWARDS[found["reward"]]
    return arguments | {
        "shelf_rows": rows,
        "shelf_columns": columns,
        "request_queue_size": requests,
        "reward_type": reward,
    }


def registered_keys(images: bool = False) -> Iterator[str]:
    """The keys that importing rware registers (images: those of `rware.image_registration()`), without the few that
    cannot work: those that request no shelf, or every shelf."""
    kinds = ("-img", "-imgdict", "-img-Nd", "-imgdict-Nd") if images else ("",)
    for kind, size, level, agents in product(kinds, SIZES, REQUESTS_PER_ROBOT, range(1, MAX_AGENTS + 1)):
        requests = int(agents * REQUESTS_PER_ROBOT[level])
        if 0 < requests < _shelves(size):
            yield f"rware{kind}-{size}-{agents}ag{level}-v2"


def _shelves(size: str) -> int:
    """Two columns of 8 in every block, but for the block that gives way to the goals' approach."""
    rows, columns = SIZES[size]
    return 16 * (rows * columns - 1)


def _within(key: str, what: str, number: str, allowed: range) -> int:
    value = int(number)
    if value not in allowed:
        step = "odd numbers " if allowed.step == 2 else ""
        hint = "" if what == "requests" else "; other warehouses take the number as an argument, with any key"
        raise UserError(f"{key!r} asks for {value} {what}; rware keys have {step}{allowed[0]} to {allowed[-1]}{hint}.")
    return value
