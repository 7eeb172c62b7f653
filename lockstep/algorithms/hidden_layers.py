"""Are the units of an agent's network alive? Read off while it looks at episodes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from lockstep.networks.agents import AgentNetwork, networks_of

SATURATED = 0.99
"""Size from which a GRU's value (between -1 and 1) counts as stuck."""


@contextmanager
def watched(agent: AgentNetwork) -> Iterator[dict[str, Tensor]]:
    """What each layer of the agent's network but the last returns, by group and name, once they have been asked."""
    seen: dict[str, Tensor] = {}
    hooks = [
        part.register_forward_hook(lambda _, __, out, place=f"{number}.{name}": seen.__setitem__(place, out))
        for number, network in enumerate(networks_of(agent))
        for name, part in network.named_children()
        if name != "values"
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def unit_health(seen: dict[str, Tensor]) -> dict[str, float]:
    """Shares of units that do nothing: before a ReLU those silent on every input, in a GRU those stuck at -1 or 1."""
    row = {}
    rectified = [out.flatten(0, -2) for place, out in seen.items() if not place.endswith(".gru")]
    silent = torch.cat([(out <= 0).all(0) for out in rectified])
    row["dead_units_share"] = silent.double().mean().item()
    memories = [out[0].flatten() for place, out in seen.items() if place.endswith(".gru")]
    if memories:
        row["saturated_memory_share"] = (torch.cat(memories).abs() > SATURATED).double().mean().item()
    return row
