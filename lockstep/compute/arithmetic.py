"""What the kernels share: functions without branches, which become vector instructions."""

import numpy as np

from lockstep.arrays import Floats
from lockstep.compute.compiled import inlined, vectorized

f32 = np.float32
zero, half, one, two = f32(0.0), f32(0.5), f32(1.0), f32(2.0)
# tanh(x) = x P(x^2) / Q(x^2) on [-9, 9], fitted to a relative error of 2e-8: 3e-7 in float32. Beyond, tanh is 1.
LIMIT = f32(9.0)
P = (f32(0.9999999796), f32(0.1338103946), f32(3.495603891e-3), f32(2.060931752e-5), f32(1.335494507e-8))
Q = (f32(1.0), f32(0.4671435509), f32(2.587704383e-2), f32(3.285659531e-4), f32(7.776683162e-7))


@inlined
def tanh(x: np.float32) -> np.float32:
    """The hyperbolic tangent."""
    x = LIMIT if x > LIMIT else x
    x = -LIMIT if x < -LIMIT else x
    s = x * x
    return (
        x
        * (P[0] + s * (P[1] + s * (P[2] + s * (P[3] + s * P[4]))))
        / (Q[0] + s * (Q[1] + s * (Q[2] + s * (Q[3] + s * Q[4]))))
    )


@inlined
def sigmoid(x: np.float32) -> np.float32:
    """1 / (1 + exp(-x))"""
    return half + half * tanh(half * x)


@inlined
def elu(x: np.float32) -> np.float32:
    """x above 0, exp(x) - 1 below."""
    t = tanh(zero if x > zero else half * x)
    return x if x > zero else two * t / (one - t)


@inlined
def relu(x: np.float32) -> np.float32:
    """x above 0, and what is not a number; else 0."""
    return zero if x < zero else x


@inlined
def sign(x: np.float32) -> np.float32:
    """-1, 0 or 1."""
    return one if x > zero else (-one if x < zero else zero)


@vectorized
def add_bias(values: Floats, bias: Floats) -> None:
    """values (R, C) += bias (C,)"""
    for r in range(values.shape[0]):
        for c in range(values.shape[1]):
            values[r, c] += bias[c]


@vectorized
def add_columns(values: Floats, total: Floats) -> None:
    """total (C,) += the sums of values (R, C)"""
    for r in range(values.shape[0]):
        for c in range(values.shape[1]):
            total[c] += values[r, c]
