"""Feed-forward agents, forwards and backwards: matrix products (BLAS) and, between them, one pass over memory each.

B pieces, U = T + 1 steps, N agents, O features, H hidden, A actions; rows R are (b, u, i).
"""

from typing import NamedTuple

import numpy as np

from lockstep.arrays import Floats, Ints
from lockstep.compute.arithmetic import add_bias, add_columns, relu
from lockstep.compute.compiled import vectorized

zero = np.float32(0.0)


class FeedForwardWeights(NamedTuple):
    """A network's parameters; the first layer's in two parts."""

    w1: Floats
    """(H, O)"""
    b1: Floats
    ids: Floats
    """(N, H): what an agent's number adds to b1"""
    w2: Floats
    b2: Floats
    w3: Floats
    b3: Floats


class FeedForwardLayers(NamedTuple):
    """What the layers give after their ReLU, both (R, H), or the gradients by what they give."""

    h1: Floats
    h2: Floats


class FeedForwardGradients(NamedTuple):
    """Where the gradients by the parameters are written; b1's is the sum of those by ids."""

    w1: Floats
    ids: Floats
    w2: Floats
    b2: Floats
    w3: Floats
    b3: Floats


@vectorized
def forward(x: Floats, weights: FeedForwardWeights, layers: FeedForwardLayers, q: Floats) -> None:
    """x (R, O) -> layers, and q (R, A)."""
    w1, b1, id_weights, w2, b2, w3, b3 = weights
    h1, h2 = layers
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
    steps: int,
    weights: FeedForwardWeights,
    layers: FeedForwardLayers,
    d_layers: FeedForwardLayers,
    gradients: FeedForwardGradients,
) -> None:
    """Go from the chosen values' gradients d_taken (B, T, N) to those of the network; d_layers is scratch.

    The last of a piece's `steps` observations chose nothing.
    """
    _, _, _, w2, _, w3, _ = weights
    h1, h2 = layers
    d_h1, d_h2 = d_layers
    d_w1, d_id, d_w2, d_b2, d_w3, d_b3 = gradients
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
