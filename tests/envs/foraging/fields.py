"""Small fields with players and food where a test wants them."""

from typing import Any

import numpy as np

from lockstep.envs.foraging.simulator import ForagingSimulator
from lockstep.envs.registry import make_vec

STAY, NORTH, SOUTH, WEST, EAST, LOAD = range(6)


def simulator(key: str, num_envs: int = 1, seed: int = 0, **arguments: Any) -> ForagingSimulator:
    """Lanes of our own engine."""
    env = make_vec(key, num_envs, seed, **arguments)
    assert isinstance(env, ForagingSimulator)
    return env


def field(drawing: str, **arguments: Any) -> ForagingSimulator:
    """A square field as drawn: `.` free, a digit for food of that level, A1 or B2 for a player and its level."""
    rows = [line.split() for line in drawing.strip().splitlines()]
    players: dict[str, tuple[int, int, int]] = {}
    foods = []
    for row, line in enumerate(rows):
        for column, mark in enumerate(line):
            if mark.isdigit():
                foods.append((row, column, int(mark)))
            elif mark != ".":
                players[mark[0]] = (row, column, int(mark[1:]))
    size = len(rows)
    env = simulator(f"Foraging-{size}x{size}-{len(players)}p-{len(foods)}f-v3", **arguments)
    env.reset()
    state = env.get_state()
    env.set_state(
        state
        | {
            "players": np.array([[players[name] for name in sorted(players)]], dtype=np.int32),
            "foods": np.array([foods], dtype=np.int32),
            "spawned": np.array([sum(level for _, _, level in foods)]),
        }
    )
    return env


def places(env: ForagingSimulator) -> list[tuple[int, int]]:
    """Where the players are, by number."""
    return list(env.moment(0).players)
