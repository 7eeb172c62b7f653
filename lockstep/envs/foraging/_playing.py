# mypy: disable-error-code="arg-type"
"""Whole episodes of a team in fields of food, compiled. Only `simulator` calls this."""

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.exploration import Plan
from lockstep.acting.forward import TeamWeights
from lockstep.compute.compiled import compiled
from lockstep.envs.foraging._kernel import FieldLanes, FieldRules, advance_fields, observe_fields
from lockstep.envs.playing import play_lanes
from lockstep.envs.protocol import Onset, Record


@compiled
def play_fields(
    rules: FieldRules,
    lanes: FieldLanes,
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
        advance_fields, observe_fields, rules, lanes, rules, network, augment, chosen, plan, first, memory, record, obs,
        moves, reward, terminated, truncated, running,
    )  # fmt: skip
