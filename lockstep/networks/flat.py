"""All parameters of a network as one vector: optimizers, copies and averages then need one operation, not dozens."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def num_parameters(module: nn.Module) -> int:
    """Numbers that `module` learns."""
    return sum(parameter.numel() for parameter in module.parameters())


def flatten(module: nn.Module, vector: Tensor) -> Tensor:
    """Copy the parameters into `vector` (num_parameters,) and let them live there. Returns the vector."""
    start = 0
    for parameter in module.parameters():
        part = vector[start : start + parameter.numel()]
        part.copy_(parameter.detach().reshape(-1))
        start += parameter.numel()
    attach(module, vector)
    return vector


def attach(module: nn.Module, vector: Tensor) -> None:
    """Let the parameters be the numbers in `vector`, whatever they were: to change one is to change the other."""
    start = 0
    for parameter in module.parameters():
        parameter.data = vector[start : start + parameter.numel()].view_as(parameter)
        start += parameter.numel()


def named_parameters(module: nn.Module) -> dict[str, Tensor]:
    """What `state_dict` says, as tensors of their own: to be kept or written without the whole vector."""
    return {name: value.clone() for name, value in module.state_dict().items()}


@torch.no_grad()
def on_host(parameters: Sequence[Tensor]) -> Callable[[], list[NDArray[np.float32]]]:
    """The parameters as they are now, as arrays of their own, in order: one copy, also from a GPU.

    There it is only queued, behind the work that was queued before; whoever asks for the arrays waits for it.
    """
    vector = torch.cat([parameter.reshape(-1) for parameter in parameters]).float()
    arrived: torch.cuda.Event | None = None
    if vector.is_cuda:
        there, vector = vector, torch.empty(vector.shape, pin_memory=True)
        vector.copy_(there, non_blocking=True)
        arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrived.record()

    def arrays() -> list[NDArray[np.float32]]:
        if arrived is not None:
            arrived.synchronize()
        parts = torch.split(vector, [parameter.numel() for parameter in parameters])
        return [part.view(parameter.shape).numpy() for part, parameter in zip(parts, parameters, strict=True)]

    return arrays
