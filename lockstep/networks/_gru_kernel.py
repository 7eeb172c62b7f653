# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, misc"
"""The GRU of `gru.py` on a GPU: one program takes some rows through all steps, their memory never leaving registers.

Triton comes with torch's builds for GPUs; only `gru.py` imports this file, and only there.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

ROWS = 16
"""Rows of one program: the fewest that a product takes."""
PRECISION = "tf32x3"
"""Of the products, on tensor cores: three of them for the digits that one would lose (1e-6 from plain float32)."""


def forward(from_x: Tensor, wh: Tensor, bh: Tensor) -> tuple[Tensor, Tensor]:
    """See `gru.remember`."""
    steps, rows, width = *from_x.shape[:2], wh.shape[1]
    after = torch.empty(steps, rows, width, device=from_x.device)
    kept = torch.empty(steps, rows, 4 * width, device=from_x.device)
    programs = (triton.cdiv(rows, ROWS),)
    _forward[programs](
        from_x.contiguous(), wh.contiguous(), bh, after, kept, steps, rows, width, ROWS, PRECISION, num_warps=8
    )
    return after, kept


def backward(d_after: Tensor, after: Tensor, kept: Tensor, wh: Tensor) -> tuple[Tensor, Tensor]:
    """See `gru.remember_backward`."""
    steps, rows, width = after.shape
    d_from_x = torch.empty(steps, rows, 3 * width, device=after.device)
    d_from_h = torch.empty_like(d_from_x)
    programs = (triton.cdiv(rows, ROWS),)
    _backward[programs](
        d_after, after, kept, wh.contiguous(), d_from_x, d_from_h, steps, rows, width, ROWS, PRECISION, num_warps=4
    )
    return d_from_x, d_from_h


@triton.jit
def _tanh(x):
    return 2.0 * tl.sigmoid(2.0 * x) - 1.0


@triton.jit
def _forward(
    from_x, wh, bh, after, kept, steps, rows, width: tl.constexpr, count: tl.constexpr, precision: tl.constexpr
):
    row = tl.program_id(0) * count + tl.arange(0, count)[:, None]
    unit, before = tl.arange(0, width)[None, :], tl.arange(0, width)[:, None]
    there = row < rows
    w_r = tl.load(wh + unit * width + before)  # (before, unit): transposed
    w_z = tl.load(wh + (width + unit) * width + before)
    w_n = tl.load(wh + (2 * width + unit) * width + before)
    b_r, b_z, b_n = tl.load(bh + unit), tl.load(bh + width + unit), tl.load(bh + 2 * width + unit)
    memory = tl.zeros((count, width), dtype=tl.float32)
    for t in range(steps):
        at = t * rows + row
        x = from_x + at * 3 * width + unit
        x_r, x_z = tl.load(x, mask=there, other=0.0), tl.load(x + width, mask=there, other=0.0)
        x_n = tl.load(x + 2 * width, mask=there, other=0.0)
        r = tl.sigmoid(x_r + tl.dot(memory, w_r, input_precision=precision) + b_r)
        z = tl.sigmoid(x_z + tl.dot(memory, w_z, input_precision=precision) + b_z)
        h_n = tl.dot(memory, w_n, input_precision=precision) + b_n
        n = _tanh(x_n + r * h_n)
        memory = n + z * (memory - n)
        tl.store(after + at * width + unit, memory, mask=there)
        k = kept + at * 4 * width + unit
        tl.store(k, r, mask=there)
        tl.store(k + width, z, mask=there)
        tl.store(k + 2 * width, n, mask=there)
        tl.store(k + 3 * width, h_n, mask=there)


@triton.jit
def _backward(
    d_after,
    after,
    kept,
    wh,
    d_from_x,
    d_from_h,
    steps,
    rows,
    width: tl.constexpr,
    count: tl.constexpr,
    precision: tl.constexpr,
):
    row = tl.program_id(0) * count + tl.arange(0, count)[:, None]
    unit, gate = tl.arange(0, width)[None, :], tl.arange(0, width)[:, None]
    there = row < rows
    w_r = tl.load(wh + gate * width + unit)  # (gate, unit of the memory before)
    w_z = tl.load(wh + (width + gate) * width + unit)
    w_n = tl.load(wh + (2 * width + gate) * width + unit)
    d_memory = tl.zeros((count, width), dtype=tl.float32)
    for back in range(steps):
        t = steps - 1 - back
        at = t * rows + row
        d = d_memory + tl.load(d_after + at * width + unit, mask=there, other=0.0)
        k = kept + at * 4 * width + unit
        r, z = tl.load(k, mask=there, other=0.0), tl.load(k + width, mask=there, other=0.0)
        n, h_n = tl.load(k + 2 * width, mask=there, other=0.0), tl.load(k + 3 * width, mask=there, other=0.0)
        before = tl.load(after + (at - rows) * width + unit, mask=there & (t > 0), other=0.0)
        d_n = d * (1.0 - z) * (1.0 - n * n)
        d_z = d * (before - n) * z * (1.0 - z)
        d_r = d_n * h_n * r * (1.0 - r)
        d_h = d_n * r
        x = d_from_x + at * 3 * width + unit
        tl.store(x, d_r, mask=there)
        tl.store(x + width, d_z, mask=there)
        tl.store(x + 2 * width, d_n, mask=there)
        h = d_from_h + at * 3 * width + unit
        tl.store(h, d_r, mask=there)
        tl.store(h + width, d_z, mask=there)
        tl.store(h + 2 * width, d_h, mask=there)
        d_memory = d * z
        d_memory += tl.dot(d_r, w_r, input_precision=precision)
        d_memory += tl.dot(d_z, w_z, input_precision=precision)
        d_memory += tl.dot(d_h, w_n, input_precision=precision)
