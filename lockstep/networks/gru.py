"""A GRU over whole sequences that starts from an empty memory, as one operation forwards and one backwards.

On a GPU torch's own takes several kernels a step of time and its gradient as many again; here one Triton kernel
(`_gru_kernel.py`) goes through all steps with the memory in registers. On a CPU the same two functions are written out
step by step below: they are what the kernel is tested against, and they are themselves tested against `nn.GRU`.

T steps, R rows, H units; the order of the gates is torch's: reset, update, new.

    r = sigmoid(x_r + Wh_r h)    z = sigmoid(x_z + Wh_z h)    n = tanh(x_n + r (Wh_n h + b_n))    h' = n + z (h - n)
"""

from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 32, 64)
"""Units for which all weights of the memory fit into one multiprocessor."""
HAS_TRITON = find_spec("triton") is not None


class SequenceGRU(nn.GRU):
    """`nn.GRU` with one layer; on a GPU, sequences that start from nothing go through one kernel."""

    def forward(self, x: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """x: (T, R, I) -> the memory after every step (T, R, H), and after the last (1, R, H)"""
        if memory is None and x.is_cuda and self.hidden_size in WIDTHS and HAS_TRITON:
            wx, wh, bx, bh = self.all_weights[0]
            after, _ = remember(functional.linear(x, wx, bx), wh, bh)
            return after, after[-1:]
        after, memory = super().forward(x, memory)
        return after, memory


@torch.library.custom_op("lockstep::remember", mutates_args=())
def remember(from_x: Tensor, wh: Tensor, bh: Tensor) -> tuple[Tensor, Tensor]:
    """The memory after every step, (T, R, H), and what the way back needs: r, z, n and Wh_n h + b_n, (T, R, 4H).

    from_x: (T, R, 3H), Wx x + bx of all steps    wh: (3H, H)    bh: (3H,)
    """
    if from_x.is_cuda:
        from lockstep.networks import _gru_kernel

        return _gru_kernel.forward(from_x, wh, bh)
    memory = from_x.new_zeros(from_x.shape[1], wh.shape[1])
    after, kept = [], []
    for x in from_x:
        x_r, x_z, x_n = x.chunk(3, -1)
        h_r, h_z, h_n = functional.linear(memory, wh, bh).chunk(3, -1)
        r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
        n = torch.tanh(x_n + r * h_n)
        memory = n + z * (memory - n)
        after.append(memory)
        kept.append(torch.cat([r, z, n, h_n], -1))
    return torch.stack(after), torch.stack(kept)


@torch.library.custom_op("lockstep::remember_backward", mutates_args=())
def remember_backward(d_after: Tensor, after: Tensor, kept: Tensor, wh: Tensor) -> tuple[Tensor, Tensor]:
    """Go from the gradient by `after` to those by from_x and by Wh h + bh of all steps, both (T, R, 3H)."""
    if d_after.is_cuda:
        from lockstep.networks import _gru_kernel

        return _gru_kernel.backward(d_after.contiguous(), after, kept, wh)
    d_memory = torch.zeros_like(after[0])
    from_x, from_h = [], []
    for t in reversed(range(len(after))):
        before = after[t - 1] if t > 0 else torch.zeros_like(after[0])
        r, z, n, h_n = kept[t].chunk(4, -1)
        d = d_after[t] + d_memory
        d_n = d * (1 - z) * (1 - n * n)
        d_z = d * (before - n) * z * (1 - z)
        d_r = d_n * h_n * r * (1 - r)
        from_x.append(torch.cat([d_r, d_z, d_n], -1))
        from_h.append(torch.cat([d_r, d_z, d_n * r], -1))
        d_memory = d * z + from_h[-1] @ wh
    return torch.stack(from_x[::-1]), torch.stack(from_h[::-1])


@remember.register_fake
def _(from_x: Tensor, wh: Tensor, bh: Tensor) -> tuple[Tensor, Tensor]:
    steps, rows, _ = from_x.shape
    return from_x.new_empty(steps, rows, wh.shape[1]), from_x.new_empty(steps, rows, 4 * wh.shape[1])


@remember_backward.register_fake
def _(d_after: Tensor, after: Tensor, kept: Tensor, wh: Tensor) -> tuple[Tensor, Tensor]:
    shape = (*after.shape[:2], 3 * wh.shape[1])
    return after.new_empty(shape), after.new_empty(shape)


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(inputs[1], *output)
    ctx.set_materialize_grads(False)


def _back(ctx: Any, d_after: Tensor, _: None) -> tuple[Tensor, Tensor, Tensor]:
    wh, after, kept = ctx.saved_tensors
    d_from_x, d_from_h = remember_backward(d_after, after, kept, wh)
    # What stands before the first step is an empty memory: it earns no gradient.
    d_wh = d_from_h[1:].flatten(0, 1).T @ after[:-1].flatten(0, 1)
    return d_from_x, d_wh, d_from_h.sum((0, 1))


torch.library.register_autograd("lockstep::remember", _back, setup_context=_keep)
