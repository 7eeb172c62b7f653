"""The loss of QMIX and its gradients by the agents' values and the mixer's parameters, forwards and backwards by hand.

Matrix products (BLAS) and, between them, one pass over memory each, for so many pieces at a time as stay in cache.
Shapes: B pieces, U = T + 1 steps, N agents, A actions, S state features, E mixing width, K hypernetwork width; rows M
are (b, u). Sizes are (K, E).
"""

from typing import NamedTuple

import numpy as np

from lockstep.arrays import Bools, Floats, Ints
from lockstep.compute.arithmetic import add_bias, add_columns, elu, relu, sign
from lockstep.compute.compiled import vectorized

f32 = np.float32
zero, one = f32(0.0), f32(1.0)


class Weights(NamedTuple):
    """A mixer's parameters, or their gradients; the first layers of W1, b1, w2 and V stand under each other."""

    first: Floats
    """(2K + 2E, S)"""
    first_bias: Floats
    w1: Floats
    """(N * E, K)"""
    w1_bias: Floats
    w2: Floats
    """(E, K)"""
    w2_bias: Floats
    v: Floats
    """(E,)"""
    v_bias: Floats
    """(1,)"""


class Made(NamedTuple):
    """What the hypernetworks make of M states, or gradients by it."""

    first: Floats
    """(M, 2K + 2E): the first layers' outputs."""
    h1: Floats
    """(M, K): the hidden layer of W1."""
    h2: Floats
    """(M, K): the hidden layer of w2."""
    raw1: Floats
    """(M, N * E): W1 before its absolute value."""
    raw2: Floats
    """(M, E): w2 before its absolute value."""


class Steps(NamedTuple):
    """What happened in B pieces of T steps."""

    state: Floats
    """(B * U, S)"""
    actions: Ints
    """(B, T, N)"""
    reward: Floats
    """(B, T, 1)"""
    terminated: Bools
    truncated: Bools
    filled: Bools


@vectorized
def make(state: Floats, w: Weights, sizes: tuple[int, int], made: Made) -> None:
    """state (M, S) -> what the hypernetworks with weights w make of it."""
    k, e = sizes
    first = made.first
    np.dot(state, w.first.T, first)
    add_bias(first, w.first_bias)
    for m in range(first.shape[0]):
        row, h1, h2 = first[m], made.h1[m], made.h2[m]
        for c in range(k):
            h1[c] = relu(row[c])
        for c in range(k):
            h2[c] = relu(row[k + e + c])
        for c in range(2 * k + e, 2 * k + 2 * e):
            row[c] = relu(row[c])
    np.dot(made.h1, w.w1.T, made.raw1)
    np.dot(made.h2, w.w2.T, made.raw2)
    add_bias(made.raw1, w.w1_bias)
    add_bias(made.raw2, w.w2_bias)


@vectorized
def mix(m: int, q: Floats, made: Made, w: Weights, sizes: tuple[int, int], pre: Floats) -> np.float32:
    """Q_tot of the values q (N,) in row m's state; `pre` (E,) keeps the hidden layer before its ELU."""
    k, e = sizes
    first, raw1, raw2 = made.first[m], made.raw1[m], made.raw2[m]
    pre[:] = first[k : k + e]
    for i in range(q.shape[0]):
        for c in range(e):
            pre[c] += abs(raw1[i * e + c]) * q[i]
    total: np.float32 = zero
    for c in range(e):
        total += abs(raw2[c]) * elu(pre[c])
    for c in range(e):
        total += w.v[c] * first[2 * k + e + c]
    total += w.v_bias[0]
    return total


@vectorized
def greedy_values(row: int, chooser: Floats, q: Floats, out: Floats) -> None:
    """out (N,): each agent's value in q for the action that `chooser` likes best; its rows begin at `row`."""
    for i in range(out.shape[0]):
        best = 0
        for a in range(1, chooser.shape[1]):
            if chooser[row + i, a] > chooser[row + i, best]:
                best = a
        out[i] = q[row + i, best]


@vectorized
def lambda_returns(
    reward: Floats,
    next_value: Floats,
    terminated: Bools,
    truncated: Bools,
    gamma: np.float32,
    lam: np.float32,
    bootstrap_time_limit: bool,
) -> None:
    """Peng's Q(lambda) in place of next_value (B, T); see `lockstep.algorithms.returns.td_lambda`."""
    pieces, steps = next_value.shape
    for b in range(pieces):
        later = zero
        for t in range(steps - 1, -1, -1):
            cut = terminated[b, t, 0] or truncated[b, t, 0]
            ended = terminated[b, t, 0] if bootstrap_time_limit else cut
            trace = zero if cut or t == steps - 1 else lam
            future = (one - trace) * next_value[b, t] + trace * later
            later = reward[b, t, 0] if ended else reward[b, t, 0] + gamma * future
            next_value[b, t] = later


@vectorized
def mix_backward(
    m: int,
    slope: np.float32,
    q: Floats,
    pre: Floats,
    made: Made,
    w: Weights,
    sizes: tuple[int, int],
    d_made: Made,
    d_v: Floats,
    d_q: Floats,
) -> None:
    """One state's share of every gradient, `slope` being the loss's by Q_tot. d_v (E,) adds up, the rest is written."""
    k, e = sizes
    first, raw1, raw2 = made.first[m], made.raw1[m], made.raw2[m]
    d_first, d_raw1, d_raw2 = d_made.first[m], d_made.raw1[m], d_made.raw2[m]
    for c in range(e):
        hidden = elu(pre[c])
        d_raw2[c] = slope * hidden * sign(raw2[c])
        # The ELU's slope is 1 above 0 and what it returns, plus 1, below.
        d_first[k + c] = slope * abs(raw2[c]) * (one + (hidden if hidden < zero else zero))
    d_pre = d_first[k : k + e]
    for i in range(q.shape[0]):
        d_value = zero
        for c in range(e):
            d_raw1[i * e + c] = d_pre[c] * q[i] * sign(raw1[i * e + c])
            d_value += d_pre[c] * abs(raw1[i * e + c])
        d_q[i] = d_value
    hidden_v, d_hidden_v = first[2 * k + e :], d_first[2 * k + e :]
    for c in range(e):
        d_v[c] += slope * hidden_v[c]
    for c in range(e):
        d_hidden_v[c] = slope * w.v[c] if hidden_v[c] > zero else zero


@vectorized
def make_backward(
    state: Floats, made: Made, w: Weights, sizes: tuple[int, int], d_made: Made, gradient: Weights
) -> None:
    """Go from the gradients by the mixing weights to those by the hypernetworks, which add up in `gradient`."""
    k, e = sizes
    step = np.empty_like(gradient.w1)
    np.dot(d_made.raw1.T, made.h1, step)
    gradient.w1[:] += step
    np.dot(d_made.raw1, w.w1, d_made.h1)
    step = np.empty_like(gradient.w2)
    np.dot(d_made.raw2.T, made.h2, step)
    gradient.w2[:] += step
    np.dot(d_made.raw2, w.w2, d_made.h2)
    for m in range(d_made.h1.shape[0]):
        d_first, d_h1, d_h2, h1, h2 = d_made.first[m], d_made.h1[m], d_made.h2[m], made.h1[m], made.h2[m]
        for c in range(k):
            d_first[c] = d_h1[c] if h1[c] > zero else zero
        for c in range(k):
            d_first[k + e + c] = d_h2[c] if h2[c] > zero else zero
    step = np.empty_like(gradient.first)
    np.dot(d_made.first.T, state, step)
    gradient.first[:] += step
    add_columns(d_made.raw1, gradient.w1_bias)
    add_columns(d_made.raw2, gradient.w2_bias)
    add_columns(d_made.first, gradient.first_bias)


@vectorized
def loss_and_gradients(
    steps: Steps,
    count: np.float32,
    q: Floats,
    q_target: Floats,
    online: Weights,
    target: Weights,
    algorithm: tuple[np.float32, np.float32, bool, bool],
    sizes: tuple[int, int],
    made: Made,
    target_made: Made,
    d_made: Made,
    gradient: Weights,
    d_taken: Floats,
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Loss and gradients of some pieces of a batch in which `count` steps happened.

    q, q_target (B * U * N, A): the agents' values; online, target: the mixers' Weights; algorithm: (gamma, lambda,
    double Q, bootstrap through time limits); made, target_made, d_made: scratch. Adds to `gradient` (Weights) and
    writes d_taken (B, T, N), the gradient by the chosen values. Returns sums over the steps that happened: squared
    error, its absolute value, Q_tot, target.
    """
    gamma, lam, double_q, bootstrap_time_limit = algorithm
    pieces, num_steps, agents = steps.actions.shape
    values, pre, d_q = np.empty(agents, f32), np.empty(sizes[1], f32), np.empty(agents, f32)
    next_value = np.empty((pieces, num_steps), f32)
    chooser = q if double_q else q_target
    make(steps.state, target, sizes, target_made)
    for b in range(pieces):
        for t in range(num_steps):
            m = b * (num_steps + 1) + t + 1
            greedy_values(m * agents, chooser, q_target, values)
            next_value[b, t] = mix(m, values, target_made, target, sizes, pre)
    lambda_returns(steps.reward, next_value, steps.terminated, steps.truncated, gamma, lam, bootstrap_time_limit)

    make(steps.state, online, sizes, made)
    squared, absolute, q_sum, target_sum = zero, zero, zero, zero
    for b in range(pieces):
        for t in range(num_steps + 1):
            m = b * (num_steps + 1) + t
            if t == num_steps or not steps.filled[b, t, 0]:
                d_made.raw1[m, :] = zero
                d_made.raw2[m, :] = zero
                d_made.first[m, :] = zero
                if t < num_steps:
                    d_taken[b, t, :] = zero
                continue
            for i in range(agents):
                values[i] = q[m * agents + i, steps.actions[b, t, i]]
            q_tot = mix(m, values, made, online, sizes, pre)
            error = q_tot - next_value[b, t]
            squared += error * error
            absolute += abs(error)
            q_sum += q_tot
            target_sum += next_value[b, t]
            slope = f32(2.0) * error / count
            gradient.v_bias[0] += slope
            mix_backward(m, slope, values, pre, made, online, sizes, d_made, gradient.v, d_q)
            for i in range(agents):
                d_taken[b, t, i] = d_q[i]
    make_backward(steps.state, made, online, sizes, d_made, gradient)
    return squared, absolute, q_sum, target_sum
