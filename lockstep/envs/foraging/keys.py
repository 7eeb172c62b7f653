"""The official package's environment names, read as `ForagingEnv(...)` arguments.

    Foraging[-2s]-{size}x{size}-{players}p-{foods}f[-coop][-ind][-pen]-v3
    Foraging-grid[-{sight}s]-{size}x{size}-{players}p-{foods}f[-coop][-ind]-v3

The package registers squares of 5 to 19 cells, 2 to 9 players, 1 to 4 foods, a sight of 2 or of the whole field, and
with `-grid` any sight (lbforaging/__init__.py). Other numbers, fields that are no squares, and the names that it has
words for and does not register (`-ind`: every food is of level 1; `-pen`: a failed load costs 0.1) are understood too.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import product
from typing import Any

from lockstep.errors import UserError

SIZES, PLAYERS, FOODS = range(5, 20), range(2, 10), range(1, 5)
PARTIAL_SIGHT, PENALTY, EPISODE_STEPS = 2, 0.1, 50

_KEY = re.compile(
    r"Foraging(?P<grid>-grid)?(-(?P<sight>\d+)s)?-(?P<rows>\d+)x(?P<columns>\d+)-(?P<players>\d+)p-(?P<foods>\d+)f"
    r"(?P<coop>-coop)?(?P<ind>-ind)?(?P<pen>-pen)?-v3"
)


def plain_key(key: str) -> str:
    """The key without Gymnasium's module or namespace: `lbforaging:` or `lockstep/`."""
    return key.removeprefix("lbforaging:").removeprefix("lockstep/")


def is_foraging_key(key: str) -> bool:
    """Whether somebody who wrote this key meant a field of food."""
    return plain_key(key).startswith("Foraging-")


def foraging_arguments(key: str) -> dict[str, Any]:
    """The `ForagingEnv(...)` arguments behind a key. Raises UserError, with the nearest key, for anything else."""
    name = plain_key(key)
    match = _KEY.fullmatch(name)
    if match is None:
        near = get_close_matches(name, list(registered_keys()), n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else "a working one is 'Foraging-8x8-2p-2f-v3'."
        raise UserError(f"{key!r} is no foraging key; {hint} `lockstep envs Foraging` lists them.")
    rows, columns = int(match["rows"]), int(match["columns"])
    return {
        "players": int(match["players"]),
        "min_player_level": 1,
        "max_player_level": 2,
        "field_size": (rows, columns),
        "min_food_level": 1,
        "max_food_level": 1 if match["ind"] else None,
        "max_num_food": int(match["foods"]),
        "sight": int(match["sight"] or max(rows, columns)),
        "max_episode_steps": EPISODE_STEPS,
        "force_coop": bool(match["coop"]),
        "grid_observation": bool(match["grid"]),
        "penalty": PENALTY if match["pen"] else 0.0,
    }


def registered_keys(grid: bool = False) -> Iterator[str]:
    """The keys that importing lbforaging registers (grid: those of `lbforaging.register_grid_envs()`)."""
    for size, players, foods, coop in product(SIZES, PLAYERS, FOODS, ("", "-coop")):
        for sight in range(1, size + 1) if grid else (size, PARTIAL_SIGHT):
            seen = "" if sight == size else f"-{sight}s"
            yield f"Foraging{'-grid' if grid else ''}{seen}-{size}x{size}-{players}p-{foods}f{coop}-v3"
