"""The GRU of whole sequences is torch's GRU; on a GPU, the kernel is what is written out step by step."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lockstep.networks.gru import WIDTHS, SequenceGRU, remember, remember_backward

STEPS, ROWS, INPUTS = 7, 21, 5


def sequence(width: int, seed: int = 0) -> tuple[nn.GRU, Tensor, Tensor]:
    """A GRU, inputs (T, R, I), and a weight for every number that it remembers (T, R, H)."""
    torch.manual_seed(seed)
    return nn.GRU(INPUTS, width), torch.randn(STEPS, ROWS, INPUTS), torch.randn(STEPS, ROWS, width)


def test_memory_and_gradients_are_torchs() -> None:
    gru, x, weight = sequence(32)
    wx, wh, bx, bh = gru.all_weights[0]
    inputs = x.clone().requires_grad_()
    after, _ = gru(inputs)
    expected = torch.autograd.grad((after * weight).sum(), [inputs, *gru.parameters()])
    mine = x.clone().requires_grad_()
    memory, _ = remember(functional.linear(mine, wx, bx), wh, bh)
    found = torch.autograd.grad((memory * weight).sum(), [mine, *gru.parameters()])
    torch.testing.assert_close(memory, after)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_on_a_cpu_it_is_torchs_own() -> None:
    gru, x, _ = sequence(16)
    subject = SequenceGRU(INPUTS, 16)
    subject.load_state_dict(gru.state_dict())
    first, memory = subject(x[:3])
    rest, last = subject(x[3:], memory)
    after, end = gru(x)
    torch.testing.assert_close(torch.cat([first, rest]), after)
    torch.testing.assert_close(last, end)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("width", WIDTHS)
def test_the_kernel_is_the_same_on_a_gpu(width: int) -> None:
    gru, x, weight = sequence(width)
    wx, wh, bx, bh = (value.detach() for value in gru.all_weights[0])
    from_x = functional.linear(x, wx, bx)
    after, kept = remember(from_x, wh, bh)
    gpu_after, gpu_kept = remember(from_x.cuda(), wh.cuda(), bh.cuda())
    torch.testing.assert_close(gpu_after.cpu(), after, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gpu_kept.cpu(), kept, rtol=1e-5, atol=1e-6)
    back = remember_backward(weight, after, kept, wh)
    gpu_back = remember_backward(weight.cuda(), gpu_after, gpu_kept, wh.cuda())
    for one, other in zip(gpu_back, back, strict=True):
        torch.testing.assert_close(one.cpu(), other, rtol=1e-4, atol=1e-5)
