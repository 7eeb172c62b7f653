"""Packed observations to float32, row by chosen row, in one compiled pass; see `lockstep.replay.ObsPacking`."""

import numpy as np
from numpy.typing import NDArray

from lockstep.compiled import compiled


@compiled
def unpack_rows(
    packed: NDArray[np.uint8],
    rows: NDArray[np.int64],
    bytes_: NDArray[np.int64],
    floats: NDArray[np.int64],
    flags: NDArray[np.int64],
    out: NDArray[np.float32],
) -> None:
    """Write the observations at `rows` (n,) of packed (R, P) uint8 to out (n, O) float32.

    bytes_, floats, flags: the features of each width, in the order in which their storage follows.
    """
    first_float, first_flag = len(bytes_), len(bytes_) + 4 * len(floats)
    word = np.empty(4, np.uint8)
    for n in range(len(rows)):
        source = packed[rows[n]]
        for k in range(len(bytes_)):
            out[n, bytes_[k]] = source[k]
        for k in range(len(floats)):
            start = first_float + 4 * k
            word[:] = source[start : start + 4]
            out[n, floats[k]] = word.view(np.float32)[0]
        for k in range(len(flags)):
            out[n, flags[k]] = (source[first_flag + (k >> 3)] >> (k & 7)) & 1
