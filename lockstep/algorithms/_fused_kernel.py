"""The gradient of `QLearner.loss` for feed-forward agents under QMIX, forwards and backwards by hand, compiled.

What torch does in some three hundred small operations is one call here: matrix products (BLAS) and, between them, one
pass over memory each. Arrays in, arrays out; nothing is allocated but a few vectors. Shapes: B pieces, U = T + 1 steps,
N agents, O features, S state features, H hidden, A actions, E mixing width, K hypernetwork width; rows are (b, u, i)
for agents and (b, u) for the mixer.
"""

import numpy as np
from numba import njit

f32 = np.float32
zero, one = f32(0.0), f32(1.0)


@njit(cache=True, nogil=True)
def agents_forward(x, w1, b1, id_weights, w2, b2, w3, b3, h1, h2, q):  # type: ignore[no-untyped-def]
    """x (R, O) -> h1, h2 (R, H) after ReLU, q (R, A). id_weights (N, H): what an agent's number adds to b1."""
    agents = id_weights.shape[0]
    np.dot(x, w1.T, h1)
    for r in range(h1.shape[0]):
        offset = id_weights[r % agents]
        for c in range(h1.shape[1]):
            h1[r, c] = max(h1[r, c] + b1[c] + offset[c], zero)
    np.dot(h1, w2.T, h2)
    for r in range(h2.shape[0]):
        for c in range(h2.shape[1]):
            h2[r, c] = max(h2[r, c] + b2[c], zero)
    np.dot(h2, w3.T, q)
    for r in range(q.shape[0]):
        for c in range(q.shape[1]):
            q[r, c] += b3[c]


@njit(cache=True, nogil=True)
def weights_forward(state, first, first_bias, w1, w1_bias, w2, w2_bias, sizes, made, h1, h2, raw1, raw2):  # type: ignore[no-untyped-def]
    """state (M, S) -> what the hypernetworks make of it.

    first (2K + 2E, S): the first layers of W1, b1, w2 and V under each other; made (M, 2K + 2E): their outputs, of
    which h1 and h2 (M, K) are the hidden layers of W1 and w2; raw1 (M, N * E), raw2 (M, E): the mixing weights before
    their absolute value.
    """
    k, e = sizes
    np.dot(state, first.T, made)
    for m in range(made.shape[0]):
        for c in range(made.shape[1]):
            made[m, c] += first_bias[c]
        for c in range(k):
            h1[m, c] = max(made[m, c], zero)
            h2[m, c] = max(made[m, k + e + c], zero)
        for c in range(2 * k + e, 2 * k + 2 * e):
            made[m, c] = max(made[m, c], zero)
    np.dot(h1, w1.T, raw1)
    np.dot(h2, w2.T, raw2)
    for m in range(made.shape[0]):
        for c in range(raw1.shape[1]):
            raw1[m, c] += w1_bias[c]
        for c in range(e):
            raw2[m, c] += w2_bias[c]


@njit(cache=True, nogil=True)
def mix(m, q, raw1, raw2, made, v_weights, v_bias, sizes, pre):  # type: ignore[no-untyped-def]
    """Q_tot of the values q (N,) in row m's state; `pre` (E,) keeps the hidden layer before its ELU."""
    k, e = sizes
    total = v_bias
    for c in range(e):
        value = made[m, k + c]
        for i in range(q.shape[0]):
            value += abs(raw1[m, i * e + c]) * q[i]
        pre[c] = value
    for c in range(e):
        hidden = pre[c] if pre[c] > zero else np.exp(pre[c]) - one
        total += abs(raw2[m, c]) * hidden + v_weights[c] * made[m, 2 * k + e + c]
    return total


@njit(cache=True, nogil=True)
def greedy_values(b, u, agents, chooser, q, out):  # type: ignore[no-untyped-def]
    """out (N,): each agent's value in q for the action that `chooser` likes best, at step u of piece b of U steps."""
    for i in range(agents):
        row = (b + u) * agents + i
        best = 0
        for a in range(1, chooser.shape[1]):
            if chooser[row, a] > chooser[row, best]:
                best = a
        out[i] = q[row, best]


@njit(cache=True, nogil=True)
def lambda_returns(reward, next_value, terminated, truncated, gamma, lam, bootstrap_time_limit):  # type: ignore[no-untyped-def]
    """Peng's Q(lambda) in place of next_value (B, T); see `lockstep.returns.td_lambda`."""
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


@njit(cache=True, nogil=True)
def mix_backward(m, slope, q, pre, raw1, raw2, made, v_weights, sizes, d_raw1, d_raw2, d_made, d_v, d_q):  # type: ignore[no-untyped-def]
    """One state's share of every gradient, `slope` being the loss's by Q_tot. d_v (E,) adds up, the rest is written."""
    k, e = sizes
    for i in range(q.shape[0]):
        d_q[i] = zero
    for c in range(e):
        positive = pre[c] > zero
        hidden = pre[c] if positive else np.exp(pre[c]) - one
        d_raw2[m, c] = slope * hidden * np.sign(raw2[m, c])
        d_pre = slope * abs(raw2[m, c]) * (one if positive else hidden + one)
        d_made[m, k + c] = d_pre
        for i in range(q.shape[0]):
            weight = raw1[m, i * e + c]
            d_raw1[m, i * e + c] = d_pre * q[i] * np.sign(weight)
            d_q[i] += d_pre * abs(weight)
        hidden_v = made[m, 2 * k + e + c]
        d_v[c] += slope * hidden_v
        d_made[m, 2 * k + e + c] = slope * v_weights[c] if hidden_v > zero else zero


@njit(cache=True, nogil=True)
def weights_backward(state, h1, h2, w1, w2, sizes, d_raw1, d_raw2, d_made, d_h, d_first, d_w1, d_w2):  # type: ignore[no-untyped-def]
    """From the mixing weights' gradients to those of the hypernetworks; d_h (M, K) is scratch."""
    k, e = sizes
    np.dot(d_raw1.T, h1, d_w1)
    np.dot(d_raw1, w1, d_h)
    for m in range(d_h.shape[0]):
        for c in range(k):
            d_made[m, c] = d_h[m, c] if h1[m, c] > zero else zero
    np.dot(d_raw2.T, h2, d_w2)
    np.dot(d_raw2, w2, d_h)
    for m in range(d_h.shape[0]):
        for c in range(k):
            d_made[m, k + e + c] = d_h[m, c] if h2[m, c] > zero else zero
    np.dot(d_made.T, state, d_first)


@njit(cache=True, nogil=True)
def agents_backward(x, actions, d_taken, h1, h2, w2, w3, steps, d_h2, d_h1, d_w1, d_id, d_w2, d_w3, d_b3):  # type: ignore[no-untyped-def]
    """From the chosen values' gradients d_taken (B, T, N) to those of the agents' network.

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
    d_id[:] = zero
    for r in range(d_h1.shape[0]):
        for c in range(d_h1.shape[1]):
            value = d_h1[r, c] if h1[r, c] > zero else zero
            d_h1[r, c] = value
            d_id[r % agents, c] += value
    np.dot(d_h1.T, x, d_w1)


@njit(cache=True, nogil=True)
def column_sums(values, out):  # type: ignore[no-untyped-def]
    """(R, C) -> (C,)"""
    out[:] = zero
    for r in range(values.shape[0]):
        for c in range(values.shape[1]):
            out[c] += values[r, c]


@njit(cache=True, nogil=True)
def loss_and_slopes(  # type: ignore[no-untyped-def]
    actions,
    reward,
    terminated,
    truncated,
    filled,
    q,
    q_target,
    online,
    target,
    algorithm,
    sizes,
    d_v,
    d_raw1,
    d_raw2,
    d_made,
    d_taken,
    next_value,
):
    """Targets, loss, and the loss's gradients by the mixing weights and the chosen values.

    online, target: (raw1, raw2, made, v_weights, v_bias) of each mixer; algorithm: (gamma, lambda, double Q,
    bootstrap through time limits). Returns sums over the steps that happened: squared error, its absolute value, Q_tot,
    target, steps.
    """
    gamma, lam, double_q, bootstrap_time_limit = algorithm
    pieces, steps, agents = actions.shape
    e = sizes[1]
    raw1, raw2, made, v_weights, v_bias = online
    target_raw1, target_raw2, target_made, target_v_weights, target_v_bias = target
    values, pre, d_q = np.empty(agents, f32), np.empty(e, f32), np.empty(agents, f32)
    chooser = q if double_q else q_target
    for b in range(pieces):
        for t in range(steps):
            greedy_values(b * (steps + 1), t + 1, agents, chooser, q_target, values)
            m = b * (steps + 1) + t + 1
            next_value[b, t] = mix(
                m, values, target_raw1, target_raw2, target_made, target_v_weights, target_v_bias, sizes, pre
            )
    lambda_returns(reward, next_value, terminated, truncated, gamma, lam, bootstrap_time_limit)

    count = zero
    for b in range(pieces):
        for t in range(steps):
            if filled[b, t, 0]:
                count += one
    squared, absolute, q_sum, target_sum, v_slope = zero, zero, zero, zero, zero
    d_v[:] = zero
    for b in range(pieces):
        for t in range(steps + 1):
            m = b * (steps + 1) + t
            if t == steps or not filled[b, t, 0]:
                d_raw1[m, :] = zero
                d_raw2[m, :] = zero
                d_made[m, :] = zero
                if t < steps:
                    d_taken[b, t, :] = zero
                continue
            for i in range(agents):
                values[i] = q[m * agents + i, actions[b, t, i]]
            q_tot = mix(m, values, raw1, raw2, made, v_weights, v_bias, sizes, pre)
            error = q_tot - next_value[b, t]
            squared += error * error
            absolute += abs(error)
            q_sum += q_tot
            target_sum += next_value[b, t]
            slope = f32(2.0) * error / count
            v_slope += slope
            mix_backward(m, slope, values, pre, raw1, raw2, made, v_weights, sizes, d_raw1, d_raw2, d_made, d_v, d_q)
            for i in range(agents):
                d_taken[b, t, i] = d_q[i]
    return squared, absolute, q_sum, target_sum, count, v_slope
