"""The layers of what is trained and their sizes, read off the networks themselves: for diagrams and sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import NamedTuple

from lockstep.config.schema import NetworkConfig
from lockstep.networks.sharing import groups
from lockstep.spec import EnvSpec

Shapes = tuple[tuple[str, tuple[int, ...]], ...]
"""Every parameter's name and shape, in the networks' order."""


class Layer(NamedTuple):
    """One piece of a network."""

    name: str
    shape: str
    """Such as `73 → 64`."""
    parameters: int


@dataclass(frozen=True)
class Architecture:
    """Everything that is learnt: `agent` and what stands beside it."""

    title: str
    """The algorithm, as texts call it."""
    spec: EnvSpec
    network: NetworkConfig
    shapes: Shapes

    @property
    def agents(self) -> list[tuple[tuple[int, ...], str]]:
        """The agents of every network that acts, and where its layers are."""
        members = groups(self.network, self.spec.num_agents)
        if self.network.sharing == "all":
            return [(members[0], "agent")]
        return [(group, f"agent.networks.{number}") for number, group in enumerate(members)]

    def layer(self, name: str, place: str) -> Layer:
        """The layers below `place`, such as `mixer.w1`, as one piece with a name for people."""
        weights = [shape for _, shape in self._below(place) if len(shape) == 2]
        if any("weight_hh" in path for path, _ in self._below(place)):
            (_, inputs), (_, hidden) = weights  # the gates of a memory: from its input, and from itself
            return Layer(name, f"{inputs} → {hidden}", self.parameters(place))
        shape = f"{weights[0][1]} → {weights[0][0]}"
        for (before, _), (outputs, inputs) in pairwise(weights):
            shape += f" {'→' if inputs == before else '+'} {outputs}"  # on top of the one before, or beside it
        return Layer(name, shape, self.parameters(place))

    def parameters(self, place: str) -> int:
        """Numbers that are learnt below `place`."""
        return sum(prod(shape) for _, shape in self._below(place))

    def beside_agent(self) -> list[str]:
        """The networks that the team learns with and does not act by; without those that have nothing to learn."""
        names = dict.fromkeys(path.partition(".")[0] for path, _ in self.shapes)
        return [name for name in names if name != "agent"]

    def _below(self, place: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        return ((path, shape) for path, shape in self.shapes if path.startswith(f"{place}."))
