"""Policy and critic of feed-forward teams, forwards and backwards, a block of rows at a time.

A block's layers stay in a core's cache between the matrix products (BLAS) and the passes over them. B episodes,
U = T + 1 observations each, N agents, A actions, G values of a step, H hidden; a row is what one network call sees.
"""

from math import exp, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Bools, Floats, Ints
from lockstep.compute.arithmetic import add_bias, add_columns, relu
from lockstep.compute.compiled import vectorized

zero, one, two = np.float32(0.0), np.float32(1.0), np.float32(2.0)
NEVER = np.float32(-1e9)


class LayerWeights(NamedTuple):
    """A network's parameters; the first layer's in two parts."""

    w1: Floats
    """(H, features)"""
    b1: Floats
    ids: Floats
    """(agents, H): what an agent's number adds to b1; one row of zeros where nobody is told apart."""
    w2: Floats
    b2: Floats
    w3: Floats
    b3: Floats


class LayerGradients(NamedTuple):
    """Where the sums of gradients are added up; b1's is the sum of those by ids."""

    w1: Floats
    ids: Floats
    w2: Floats
    b2: Floats
    w3: Floats
    b3: Floats


class Block(NamedTuple):
    """Scratch for a block of rows."""

    seen: Floats
    """(rows, H): the first layer's product, before it is known who sees it."""
    h1: Floats
    h2: Floats
    out: Floats
    """(rows, outputs)"""
    d_h1: Floats
    d_h2: Floats
    d_out: Floats
    d_w1: Floats
    d_w2: Floats
    d_w3: Floats


class Studied(NamedTuple):
    """What is studied of a batch."""

    actions: Ints
    """(B, T, N)"""
    available: Bools
    """(B, U, N, A), or of no size where all actions are"""
    filled: Bools
    """(B, T, 1)"""
    log_chance: Floats
    """(B, T, N), before the first update"""
    value: Floats
    """(B, T, G), before the first update"""
    value_target: Floats
    """(B, T, G)"""
    advantage: Floats
    """(B, T, G)"""


@vectorized
def forward(x: Floats, copies: int, weights: LayerWeights, block: Block) -> None:
    """x (rows / copies, features) -> block.out; every row of x is seen by `copies` agents, one after the other."""
    w1, b1, ids, w2, b2, w3, b3 = weights
    rows, agents = len(x) * copies, ids.shape[0]
    seen, h1, h2, out = block.seen[: len(x)], block.h1[:rows], block.h2[:rows], block.out[:rows]
    np.dot(x, w1.T, seen)
    for r in range(rows):
        offset, source = ids[r % agents], seen[r // copies]
        for c in range(h1.shape[1]):
            h1[r, c] = relu(source[c] + b1[c] + offset[c])
    np.dot(h1, w2.T, h2)
    for r in range(rows):
        for c in range(h2.shape[1]):
            h2[r, c] = relu(h2[r, c] + b2[c])
    np.dot(h2, w3.T, out)
    add_bias(out, b3)


@vectorized
def backward(x: Floats, copies: int, weights: LayerWeights, block: Block, gradients: LayerGradients) -> None:
    """Add the gradients by the parameters of what `forward` saw last, from those by its outputs, block.d_out."""
    w2, w3 = weights.w2, weights.w3
    d_w1, d_ids, d_w2, d_b2, d_w3, d_b3 = gradients
    rows, agents = len(x) * copies, d_ids.shape[0]
    h1, h2, d_h1, d_h2 = block.h1[:rows], block.h2[:rows], block.d_h1[:rows], block.d_h2[:rows]
    d_out, d_seen = block.d_out[:rows], block.seen[: len(x)]
    np.dot(d_out.T, h2, block.d_w3)
    _add(block.d_w3, d_w3)
    add_columns(d_out, d_b3)
    np.dot(d_out, w3, d_h2)
    for r in range(rows):
        for c in range(d_h2.shape[1]):
            value = d_h2[r, c] if h2[r, c] > zero else zero
            d_h2[r, c] = value
            d_b2[c] += value
    np.dot(d_h2.T, h1, block.d_w2)
    _add(block.d_w2, d_w2)
    np.dot(d_h2, w2, d_h1)
    if copies > 1:
        d_seen[:] = zero
    for r in range(rows):
        mine, total, source = d_h1[r], d_ids[r % agents], d_seen[r // copies]
        for c in range(d_h1.shape[1]):
            value = mine[c] if h1[r, c] > zero else zero
            total[c] += value
            if copies > 1:
                source[c] += value
            else:
                mine[c] = value
    np.dot((d_seen if copies > 1 else d_h1).T, x, block.d_w1)
    _add(block.d_w1, d_w1)


@vectorized
def log_chances(x: Floats, actions: Ints, available: Bools, weights: LayerWeights, block: Block, found: Floats) -> None:
    """Write the logarithm of every taken action's chance to found (B, T, N). x: (B * U * N, features)"""
    _, steps, agents = actions.shape
    size, chances = len(block.h1), np.empty(len(weights.b3), np.float32)
    for start in range(0, len(x), size):
        stop = min(start + size, len(x))
        forward(x[start:stop], 1, weights, block)
        for r in range(start, stop):
            i, u, b = r % agents, r // agents % (steps + 1), r // agents // (steps + 1)
            if u < steps:
                log_softmax(block.out[r - start], available, b, u, i, chances)
                found[b, u, i] = chances[actions[b, u, i]]


@vectorized
def expect(x: Floats, copies: int, weights: LayerWeights, block: Block, found: Floats) -> None:
    """Write the critic's values of every row of x, `copies` times their outputs, to found (len(x), G)."""
    size, outputs = len(block.h1) // copies, len(weights.b3)
    for start in range(0, len(x), size):
        stop = min(start + size, len(x))
        forward(x[start:stop], copies, weights, block)
        for r in range((stop - start) * copies):
            for o in range(outputs):
                found[start + r // copies, r % copies * outputs + o] = block.out[r, o]


@vectorized
def study_critic(
    x: Floats,
    copies: int,
    batch: Studied,
    value_clip: float,
    weight: float,
    weights: LayerWeights,
    block: Block,
    gradients: LayerGradients,
    value: Floats,
    sums: NDArray[np.float64],
) -> None:
    """Add the gradients of the critic's squared error, times `weight`, and the error itself to sums[1].

    x: what it sees at all observations, (B * U * rows of a step, features)    value: (B, T, G), written
    """
    _, steps, groups = batch.value_target.shape
    outputs = len(weights.b3)
    size, by_step = len(block.h1) // copies, groups // outputs
    each = by_step // copies  # rows of x for every step
    far, slope = np.float32(value_clip), np.float32(two * weight)
    for start in range(0, len(x), size):
        stop = min(start + size, len(x))
        forward(x[start:stop], copies, weights, block)
        for r in range((stop - start) * copies):
            row = start * copies + r
            place, g = row // (each * copies), row % (each * copies) * outputs
            u, b = place % (steps + 1), place // (steps + 1)
            for o in range(outputs):
                d = zero
                if u < steps:
                    v = block.out[r, o]
                    value[b, u, g + o] = v
                    if batch.filled[b, u, 0]:
                        error = v - batch.value_target[b, u, g + o]
                        d = slope * error
                        squared = error * error
                        if far > zero:
                            before = batch.value[b, u, g + o]
                            moved = min(max(v - before, -far), far)
                            slow = before + moved - batch.value_target[b, u, g + o]
                            if slow * slow > squared:
                                squared = slow * slow
                                d = slope * slow if abs(v - before) <= far else zero
                        sums[1] += squared
                block.d_out[r, o] = d
        backward(x[start:stop], copies, weights, block, gradients)


@vectorized
def study_policy(
    x: Floats,
    batch: Studied,
    advantage: Floats,
    clip: float,
    entropy_weight: float,
    weight: float,
    weights: LayerWeights,
    block: Block,
    gradients: LayerGradients,
    sums: NDArray[np.float64],
) -> None:
    """Add the gradients of the policy's loss and of the entropy's bonus, times `weight`, and sums over what happened:
    the gain to sums[0], entropy to 2, divergence to 3, and how often the ratio was beyond the clip to 4.

    x: (B * U * N, features)    advantage: (B, T, G)
    """
    _, steps, agents = batch.actions.shape
    groups, actions = advantage.shape[2], len(weights.b3)
    size, chances = len(block.h1), np.empty(actions, np.float32)
    low, high = np.float32(one - clip), np.float32(one + clip)
    bonus, scale, careful = np.float32(entropy_weight), np.float32(weight), clip > 0.0
    for start in range(0, len(x), size):
        stop = min(start + size, len(x))
        forward(x[start:stop], 1, weights, block)
        for r in range(start, stop):
            i, u, b = r % agents, r // agents % (steps + 1), r // agents // (steps + 1)
            d_out = block.d_out[r - start]
            if u == steps or not batch.filled[b, u, 0]:
                d_out[:] = zero
                continue
            log_softmax(block.out[r - start], batch.available, b, u, i, chances)
            taken, gained = batch.actions[b, u, i], advantage[b, u, i % groups]
            log_ratio = chances[taken] - batch.log_chance[b, u, i]
            ratio = np.float32(exp(log_ratio))
            if careful:
                free, near = ratio * gained, min(max(ratio, low), high) * gained
                sums[0] += min(free, near)
                pull = free if (low <= ratio <= high) or free < near else zero
            else:
                sums[0] += chances[taken] * gained
                pull = gained
            entropy = zero
            for a in range(actions):
                entropy -= np.float32(exp(chances[a])) * chances[a]
            for a in range(actions):
                chance = np.float32(exp(chances[a]))
                d_out[a] = scale * (pull * chance + bonus * chance * (chances[a] + entropy))
            d_out[taken] -= scale * pull
            sums[2] += entropy
            sums[3] += ratio - one - log_ratio
            sums[4] += one if abs(ratio - one) > max(np.float32(clip), np.float32(1e-6)) else zero
        backward(x[start:stop], 1, weights, block, gradients)


@vectorized
def log_softmax(logits: Floats, available: Bools, b: int, u: int, i: int, chances: Floats) -> None:
    """Write the logarithm of every action's chance (A,); `NEVER` where it is not allowed."""
    highest = -np.float32(np.inf)
    for a in range(len(chances)):
        value = logits[a] if available.size == 0 or available[b, u, i, a] else NEVER
        chances[a] = value
        highest = max(highest, value)
    total = zero
    for a in range(len(chances)):
        total += np.float32(exp(chances[a] - highest))
    norm = highest + np.float32(log(total))
    for a in range(len(chances)):
        chances[a] = max(chances[a] - norm, NEVER)


@vectorized
def _add(values: Floats, total: Floats) -> None:
    """total (R, C) += values (R, C)"""
    for r in range(values.shape[0]):
        for c in range(values.shape[1]):
            total[r, c] += values[r, c]
