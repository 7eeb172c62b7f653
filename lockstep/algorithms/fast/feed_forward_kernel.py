"""Feed-forward agents, forwards and backwards: matrix products (BLAS) and, between them, one pass over memory each.

B pieces, U = T + 1 steps, N agents, O features, H hidden, A actions; rows R are (b, u, i).
"""

import numpy as np

from lockstep.arrays import Floats, Ints
from lockstep.compute.arithmetic import add_bias, add_columns, relu
from lockstep.compute.compiled import vectorized

zero = np.float32(0.0)


@vectorized
def forward(
    x: Floats,
    w1: Floats,
    b1: Floats,
    id_weights: Floats,
    w2: Floats,
    b2: Floats,
    w3: Floats,
    b3: Floats,
    h1: Floats,
    h2: Floats,
    q: Floats,
) -> None:
    """x (R, O) -> h1, h2 (R, H) after ReLU, q (R, A). id_weights (N, H): what an agent's number adds to b1."""
    agents = id_weights.shape[0]
    np.dot(x, w1.T, h1)
    for r in range(h1.shape[0]):
        offset = id_weights[r % agents]
        for c in range(h1.shape[1]):
            h1[r, c] = relu(h1[r, c] + b1[c] + offset[c])
    np.dot(h1, w2.T, h2)
    for r in range(h2.shape[0]):
        for c in range(h2.shape[1]):
            h2[r, c] = relu(h2[r, c] + b2[c])
    np.dot(h2, w3.T, q)
    add_bias(q, b3)


@vectorized
def backward(
    x: Floats,
    actions: Ints,
    d_taken: Floats,
    h1: Floats,
    h2: Floats,
    w2: Floats,
    w3: Floats,
    steps: int,
    d_h2: Floats,
    d_h1: Floats,
    d_w1: Floats,
    d_id: Floats,
    d_w2: Floats,
    d_b2: Floats,
    d_w3: Floats,
    d_b3: Floats,
) -> None:
    """Go from the chosen values' gradients d_taken (B, T, N) to those of the network.

    The last of a piece's `steps` observations chose nothing.
    """
    pieces, _, agents = d_taken.shape
    d_w3[:] = zero
    d_b3[:] = zero
    row = 0
    for b in range(pieces):
        for u in range(steps):
            for i in range(agents):
                if u == steps - 1:
                    d_h2[row, :] = zero
                else:
                    slope, a = d_taken[b, u, i], actions[b, u, i]
                    d_b3[a] += slope
                    for c in range(h2.shape[1]):
                        d_w3[a, c] += slope * h2[row, c]
                        d_h2[row, c] = slope * w3[a, c] if h2[row, c] > zero else zero
                row += 1
    np.dot(d_h2.T, h1, d_w2)
    np.dot(d_h2, w2, d_h1)
    d_b2[:] = zero
    add_columns(d_h2, d_b2)
    d_id[:] = zero
    for r in range(d_h1.shape[0]):
        for c in range(d_h1.shape[1]):
            value = d_h1[r, c] if h1[r, c] > zero else zero
            d_h1[r, c] = value
            d_id[r % agents, c] += value
    np.dot(d_h1.T, x, d_w1)
