"""Are the units of an agent's network alive? Read off while it looks at episodes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

SATURATED = 0.99
"""Size from which a GRU's value (between -1 and 1) counts as stuck."""


@contextmanager
def watched(agent: nn.Module) -> Iterator[dict[str, Tensor]]:
    """What each layer of the agent's network but the last returns, by its name, once the network has been asked."""
    seen: dict[str, Tensor] = {}
    hooks = [
        part.register_forward_hook(lambda _, __, out, name=name: seen.__setitem__(name, out))
        for name, part in agent.named_children()
        if name != "values"
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def unit_health(seen: dict[str, Tensor]) -> dict[str, float]:
    """Of units before a ReLU: those that are silent on every input. Of a GRU's: those that are stuck at -1 or 1."""
    row = {}
    rectified = [out.flatten(0, -2) for name, out in seen.items() if name != "gru"]
    silent = torch.cat([(out <= 0).all(0) for out in rectified])
    row["dead_units_share"] = silent.double().mean().item()
    if "gru" in seen:
        memory = seen["gru"][0]
        row["saturated_memory_share"] = (memory.abs() > SATURATED).double().mean().item()
    return row
