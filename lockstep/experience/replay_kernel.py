"""Episodes into a replay's arrays and out of them, in one compiled pass; see `lockstep.experience.replay`."""

import numpy as np
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled

Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


@compiled
def pack_obs(obs: NDArray[np.float32], columns: Columns, packed: NDArray[np.uint8]) -> None:
    """Write observations (R, O) to packed (R, P): the features stored as bytes, as float32 and as bits, in turn."""
    bytes_, floats, flags = columns
    first_float, first_flag = len(bytes_), len(bytes_) + 4 * len(floats)
    word = np.empty(1, np.float32)
    for r in range(obs.shape[0]):
        source, target = obs[r], packed[r]
        for c in range(len(bytes_)):
            target[c] = np.uint8(source[bytes_[c]])
        for c in range(len(floats)):
            word[0] = source[floats[c]]
            start = first_float + 4 * c
            target[start : start + 4] = word.view(np.uint8)
        target[first_flag:] = 0
        for c in range(len(flags)):
            target[first_flag + (c >> 3)] |= np.uint8(np.uint8(source[flags[c]]) << (c & 7))


@compiled
def gather_obs(
    packed: NDArray[np.uint8],
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    columns: Columns,
    obs: NDArray[np.float32],
) -> None:
    """Write steps starts[k], starts[k] + 1, ... of episode rows[k] of packed (E, T + 1, N, P) to obs[k], (b, U, N, O).

    columns: as for `pack_obs`.
    """
    bytes_, floats, flags = columns
    first_float, first_flag = len(bytes_), len(bytes_) + 4 * len(floats)
    word = np.empty(4, np.uint8)
    for k in range(obs.shape[0]):
        for u in range(obs.shape[1]):
            for i in range(obs.shape[2]):
                source, target = packed[rows[k], starts[k] + u, i], obs[k, u, i]
                for c in range(len(bytes_)):
                    target[bytes_[c]] = source[c]
                for c in range(len(floats)):
                    start = first_float + 4 * c
                    word[:] = source[start : start + 4]
                    target[floats[c]] = word.view(np.float32)[0]
                for c in range(len(flags)):
                    target[flags[c]] = (source[first_flag + (c >> 3)] >> (c & 7)) & 1


@compiled
def gather_steps(
    actions: NDArray[np.uint8],
    reward: NDArray[np.float32],
    length: NDArray[np.int32],
    terminated: NDArray[np.bool_],
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    out_actions: NDArray[np.int64],
    out_reward: NDArray[np.float32],
    out_terminated: NDArray[np.bool_],
    out_truncated: NDArray[np.bool_],
    out_filled: NDArray[np.bool_],
) -> None:
    """The same of what happened: actions (E, T, N), reward (E, T, 1), length and terminated (E, 1) of the episodes."""
    for k in range(out_actions.shape[0]):
        row, steps = rows[k], length[rows[k], 0]
        for t in range(out_actions.shape[1]):
            source = starts[k] + t
            for i in range(out_actions.shape[2]):
                out_actions[k, t, i] = actions[row, source, i]
            out_reward[k, t, 0] = reward[row, source, 0]
            ends = source + 1 == steps
            out_terminated[k, t, 0] = ends and terminated[row, 0]
            out_truncated[k, t, 0] = ends and not terminated[row, 0]
            out_filled[k, t, 0] = source < steps
