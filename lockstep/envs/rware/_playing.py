# mypy: disable-error-code="arg-type"
"""Whole episodes of a team in warehouses, compiled. Only `simulator` calls this."""

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.exploration import Plan
from lockstep.acting.forward import TeamWeights
from lockstep.compute.compiled import compiled, inlined
from lockstep.envs.playing import play_lanes
from lockstep.envs.protocol import Onset, Record
from lockstep.envs.rware._kernel import WarehouseLanes, World, advance_lanes
from lockstep.envs.rware._observations import Eyes, write_flat


@compiled
def play_warehouses(
    world: World,
    lanes: WarehouseLanes,
    eyes: Eyes,
    network: TeamWeights,
    augment: Onset,
    chosen: NDArray[np.int64],
    plan: Plan,
    first: int,
    memory: NDArray[np.float32],
    record: Record,
    obs: NDArray[np.float32],
    moves: NDArray[np.int8],
    reward: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
    running: NDArray[np.bool_],
) -> None:
    """See `lockstep.envs.playing.play_lanes`."""
    play_lanes(
        _advance, _observe, world, lanes, eyes, network, augment, chosen, plan, first, memory, record, obs, moves,
        reward, terminated, truncated, running,
    )  # fmt: skip


@inlined
def _advance(
    world: World,
    lanes: WarehouseLanes,
    lane: NDArray[np.int64],
    moves: NDArray[np.int8],
    reward: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
) -> None:
    advance_lanes(world, lanes, lane, 1, moves.reshape(-1), reward.reshape(-1), terminated, truncated)


@inlined
def _observe(
    world: World, lanes: WarehouseLanes, eyes: Eyes, lane: NDArray[np.int64], obs: NDArray[np.float32]
) -> None:
    write_flat(eyes, lanes, lane, obs.reshape(-1))
