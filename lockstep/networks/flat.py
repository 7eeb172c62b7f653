"""All parameters of a network as one vector: optimizers, copies and averages then need one operation, not dozens."""

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
def on_host(module: nn.Module) -> list[NDArray[np.float32]]:
    """The parameters as arrays of their own, in order: one copy, also from a GPU."""
    parameters = list(module.parameters())
    vector = torch.cat([parameter.reshape(-1) for parameter in parameters]).float().cpu().numpy()
    arrays, start = [], 0
    for parameter in parameters:
        arrays.append(vector[start : start + parameter.numel()].reshape(parameter.shape))
        start += parameter.numel()
    return arrays
