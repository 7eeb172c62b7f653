# mypy: disable-error-code="arg-type"
"""Whole episodes of a team in games of simple_spread, compiled. Only `simulator` calls this."""

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.exploration import Plan
from lockstep.acting.forward import TeamWeights
from lockstep.compute.compiled import compiled, inlined
from lockstep.envs.particles._kernel import ParticleLanes, Rules, advance_spread, observe_spread
from lockstep.envs.playing import play_lanes
from lockstep.envs.protocol import Onset, Record


@compiled
def play_spread(
    rules: Rules,
    lanes: ParticleLanes,
    network: TeamWeights,
    augment: Onset,
    chosen: NDArray[np.int64],
    plan: Plan,
    first: int,
    memory: NDArray[np.float32],
    record: Record,
    obs: NDArray[np.float32],
    moves: NDArray[np.int64],
    reward: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
    running: NDArray[np.bool_],
) -> None:
    """See `lockstep.envs.playing.play_lanes`."""
    play_lanes(
        advance_spread, _observe, rules, lanes, 0, network, augment, chosen, plan, first, memory, record, obs, moves,
        reward, terminated, truncated, running,
    )  # fmt: skip


@inlined
def _observe(rules: Rules, lanes: ParticleLanes, eyes: int, lane: NDArray[np.int64], obs: NDArray[np.float32]) -> None:
    observe_spread(lanes, lane, obs)
