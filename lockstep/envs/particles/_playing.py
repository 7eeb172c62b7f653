# mypy: disable-error-code="arg-type"
"""Whole episodes of a team in particle games, compiled. Only `simulator` calls this."""

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.exploration import Plan
from lockstep.acting.forward import TeamWeights
from lockstep.compute.compiled import compiled
from lockstep.envs.particles._kernel import advance_particles
from lockstep.envs.particles._lanes import ParticleLanes, Rules
from lockstep.envs.particles._sight import observe_particles
from lockstep.envs.playing import play_lanes
from lockstep.envs.protocol import Onset, Record


@compiled
def play_particles(
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
        advance_particles, observe_particles, rules, lanes, rules, network, augment, chosen, plan, first, memory,
        record, obs, moves, reward, terminated, truncated, running,
    )  # fmt: skip
