"""Episodes into a replay's arrays and out of them, in one compiled pass; see `lockstep.experience.replay`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled

Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


@compiled
def pack_obs(obs: NDArray[np.float32], columns: Columns, packed: NDArray[np.uint8]) -> int:
    """Write observations (R, O) to packed (R, P): the features stored as bytes, as float32 and as bits, in turn.

    Returns the place in `obs`, flattened, of a number that is no byte or bit though its feature should be; -1: none is.
    """
    bytes_, floats, flags = columns
    first_float, first_flag = len(bytes_), len(bytes_) + 4 * len(floats)
    word = np.empty(1, np.float32)
    wrong = -1
    for r in range(obs.shape[0]):
        source, target = obs[r], packed[r]
        for c in range(len(bytes_)):
            number = source[bytes_[c]]
            if 0 <= number <= 255 and number == np.floor(number):
                target[c] = np.uint8(number)
            else:
                wrong = r * obs.shape[1] + bytes_[c]
        for c in range(len(floats)):
            word[0] = source[floats[c]]
            start = first_float + 4 * c
            target[start : start + 4] = word.view(np.uint8)
        target[first_flag:] = 0
        for c in range(len(flags)):
            number = source[flags[c]]
            if number == 1:
                target[first_flag + (c >> 3)] |= np.uint8(1 << (c & 7))
            elif number != 0:
                wrong = r * obs.shape[1] + flags[c]
    return wrong


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
def gather_rows(stored: NDArray[Any], rows: NDArray[np.int64], starts: NDArray[np.int64], out: NDArray[Any]) -> None:
    """The same of any other field, all steps in one row: out[k] (numbers,) from stored[rows[k], starts[k]] on."""
    for k in range(out.shape[0]):
        source, target = stored[rows[k]], out[k]
        for c in range(out.shape[1]):
            target[c] = source[starts[k] + c]


@compiled
def gather_endings(
    length: NDArray[np.int32],
    terminated: NDArray[np.bool_],
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    out_terminated: NDArray[np.bool_],
    out_truncated: NDArray[np.bool_],
    out_filled: NDArray[np.bool_],
) -> None:
    """What follows from length and terminated (E, 1) of the episodes: three flags of every step, (b, U, 1)."""
    for k in range(out_filled.shape[0]):
        row, steps = rows[k], length[rows[k], 0]
        for t in range(out_filled.shape[1]):
            source = starts[k] + t
            ends = source + 1 == steps
            out_terminated[k, t, 0] = ends and terminated[row, 0]
            out_truncated[k, t, 0] = ends and not terminated[row, 0]
            out_filled[k, t, 0] = source < steps
