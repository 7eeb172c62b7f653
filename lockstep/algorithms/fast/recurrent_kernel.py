"""Recurrent agents, forwards and backwards: one step of time after another, each small enough to stay in cache.

B episodes, U = T + 1 steps, N agents, O features, H hidden, A actions; a step's rows R are (b, i), and the order of
the gates is torch's: reset, update, new.

    r = sigmoid(Wx_r x + Wh_r h)    z = sigmoid(Wx_z x + Wh_z h)    n = tanh(Wx_n x + r (Wh_n h))    h' = n + z (h - n)
"""

from typing import NamedTuple

import numpy as np

from lockstep.arrays import Floats, Ints
from lockstep.compute.arithmetic import add_columns, relu, sigmoid, tanh
from lockstep.compute.compiled import vectorized

zero, one = np.float32(0.0), np.float32(1.0)


class RecurrentWeights(NamedTuple):
    """A network's parameters; the first layer's in two parts."""

    w1: Floats
    """(H, O)"""
    b1: Floats
    ids: Floats
    """(N, H): what an agent's number adds to b1"""
    wx: Floats
    bx: Floats
    wh: Floats
    bh: Floats
    w3: Floats
    b3: Floats


class RecurrentGradients(NamedTuple):
    """Where the gradients by the parameters are written; b1's is the sum of those by ids."""

    w1: Floats
    ids: Floats
    wx: Floats
    bx: Floats
    wh: Floats
    bh: Floats
    w3: Floats
    b3: Floats


class KeptSteps(NamedTuple):
    """What K steps leave behind: all of them for the way back, or a single one that is written over."""

    encoded: Floats
    """(K, R, H)"""
    gates: Floats
    """(K, R, 4H): r, z, n and Wh_n h"""
    memory: Floats
    """(K + 1, R, H)"""


class StepScratch(NamedTuple):
    """What one step is worked out in."""

    x: Floats
    """(R, O)"""
    from_x: Floats
    """(R, 3H), like from_h; on the way back the gradients by them"""
    from_h: Floats
    values: Floats
    """(R, A)"""
    d_memory: Floats
    """(R, H), like the next two"""
    d_before: Floats
    d_encoded: Floats


@vectorized
def observe(obs: Floats, t: int, agents: int, x: Floats) -> None:
    """x (R, O): step t of obs (B, U, N * O)."""
    width = x.shape[1]
    for b in range(obs.shape[0]):
        for i in range(agents):
            row = x[b * agents + i]
            for c in range(width):
                row[c] = obs[b, t, i * width + c]


@vectorized
def gates(
    from_x: Floats, from_h: Floats, bias_x: Floats, bias_h: Floats, before: Floats, after: Floats, kept: Floats
) -> None:
    """One step of memory: before (R, H) -> after (R, H), keeping r, z, n and Wh_n h in kept (R, 4H)."""
    h = before.shape[1]
    for row in range(before.shape[0]):
        x, y, k = from_x[row], from_h[row], kept[row]
        for c in range(2 * h):
            k[c] = sigmoid(x[c] + y[c] + bias_x[c])
        for c in range(h):
            k[3 * h + c] = y[2 * h + c] + bias_h[2 * h + c]
        for c in range(h):
            x[2 * h + c] += bias_x[2 * h + c] + k[c] * k[3 * h + c]
        for c in range(h):
            k[2 * h + c] = tanh(x[2 * h + c])
        old, new = before[row], after[row]
        for c in range(h):
            new[c] = k[2 * h + c] + k[h + c] * (old[c] - k[2 * h + c])


@vectorized
def forward(obs: Floats, weights: RecurrentWeights, scratch: StepScratch, left: KeptSteps, q: Floats) -> None:
    """obs (B, U, N * O) -> q (B * U * N, A). left holds what the way back needs where K = U."""
    w1, b1, id_weights, wx, bx, wh, bh, w3, b3 = weights
    x, from_x, from_h, values, _, _, _ = scratch
    encoded, kept, memory = left
    agents = id_weights.shape[0]
    episodes, steps = obs.shape[:2]
    # What is added to reset and update from both sides is added once.
    bias = bx.copy()
    bias[: 2 * w1.shape[0]] += bh[: 2 * w1.shape[0]]
    memory[0] = zero
    for t in range(steps):
        e = encoded[t % encoded.shape[0]]
        before, after = memory[t % memory.shape[0]], memory[(t + 1) % memory.shape[0]]
        observe(obs, t, agents, x)
        np.dot(x, w1.T, e)
        for row in range(e.shape[0]):
            offset = id_weights[row % agents]
            for c in range(e.shape[1]):
                e[row, c] = relu(e[row, c] + b1[c] + offset[c])
        np.dot(e, wx.T, from_x)
        np.dot(before, wh.T, from_h)
        gates(from_x, from_h, bias, bh, before, after, kept[t % kept.shape[0]])
        np.dot(after, w3.T, values)
        for b in range(episodes):
            for i in range(agents):
                for a in range(values.shape[1]):
                    q[(b * steps + t) * agents + i, a] = values[b * agents + i, a] + b3[a]


@vectorized
def gates_backward(d_h: Floats, before: Floats, kept: Floats, d_x: Floats, d_y: Floats) -> None:
    """d_h (R, H): the gradient by a step's new memory, turned into the part of the old one's that the gates let pass.

    d_x, d_y (R, 3H): by what came from the input and from the old memory.
    """
    h = before.shape[1]
    for row in range(before.shape[0]):
        k, d, old, x, y = kept[row], d_h[row], before[row], d_x[row], d_y[row]
        for c in range(h):
            n, z = k[2 * h + c], k[h + c]
            x[2 * h + c] = d[c] * (one - z) * (one - n * n)
            x[h + c] = d[c] * (old[c] - n) * z * (one - z)
            d[c] *= z
        for c in range(h):
            y[2 * h + c] = x[2 * h + c] * k[c]
            x[c] = x[2 * h + c] * k[3 * h + c] * k[c] * (one - k[c])
        for c in range(2 * h):
            y[c] = x[c]


@vectorized
def backward(
    obs: Floats,
    actions: Ints,
    d_taken: Floats,
    weights: RecurrentWeights,
    scratch: StepScratch,
    left: KeptSteps,
    gradients: RecurrentGradients,
) -> None:
    """Go from the chosen values' gradients d_taken (B, T, N) to those of the network, the last step first."""
    _, _, _, wx, _, wh, _, w3, _ = weights
    x, d_x, d_y, _, d_h, d_before, d_e = scratch
    encoded, kept, memory = left
    d_w1, d_id, d_wx, d_bx, d_wh, d_bh, d_w3, d_b3 = gradients
    episodes, steps, agents = d_taken.shape
    h = d_h.shape[1]
    for total in (d_w1, d_id, d_wx, d_wh, d_w3):
        total[:] = zero
    for vector in (d_bx, d_bh, d_b3):
        vector[:] = zero
    w1_step, wx_step, wh_step = np.empty_like(d_w1), np.empty_like(d_wx), np.empty_like(d_wh)
    d_h[:] = zero
    for t in range(steps - 1, -1, -1):
        for b in range(episodes):
            for i in range(agents):
                row, slope, a = b * agents + i, d_taken[b, t, i], actions[b, t, i]
                d_b3[a] += slope
                after, d, weights, total = memory[t + 1, row], d_h[row], w3[a], d_w3[a]
                for c in range(h):
                    total[c] += slope * after[c]
                    d[c] += slope * weights[c]
        before, e = memory[t], encoded[t]
        gates_backward(d_h, before, kept[t], d_x, d_y)
        np.dot(d_x.T, e, wx_step)
        d_wx += wx_step
        add_columns(d_x, d_bx)
        add_columns(d_y, d_bh)
        np.dot(d_x, wx, d_e)
        for row in range(d_e.shape[0]):
            total, d, seen = d_id[row % agents], d_e[row], e[row]
            for c in range(h):
                d[c] = d[c] if seen[c] > zero else zero
                total[c] += d[c]
        observe(obs, t, agents, x)
        np.dot(d_e.T, x, w1_step)
        d_w1 += w1_step
        if t > 0:  # before the first step there is no memory
            np.dot(d_y.T, before, wh_step)
            d_wh += wh_step
            np.dot(d_y, wh, d_before)
            d_h += d_before
