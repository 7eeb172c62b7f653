"""What a session asks of a learner, and a page that shows a team asks of its networks."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.agents import AgentNetwork

Metrics = Mapping[str, Tensor]
Gradient = tuple[Tensor, Metrics, Tensor]
"""A loss, its metrics, and its gradient by all parameters as one vector: means over the steps that happened."""
Choice = Literal["greedy", "sampled"]
Unit = Literal["values", "chances"]


class DivergedError(Exception):
    """The loss or its gradient is not finite. Nothing was changed: the parameters are those before the update."""

    def __init__(self, message: str, batch: EpisodeBatch) -> None:
        super().__init__(message)
        self.batch = batch


class Thoughts(NamedTuple):
    """What a team expected at each of the T steps of an episode."""

    values: Tensor
    """(T, N, A): what each agent thinks of each of its actions, in what `thinks_in` says."""
    weights: Tensor | None = None
    """(T, N): how much the team's value gains where that of an agent's choice does; None without a team value."""
    team_value: Tensor | None = None
    """(T,): what the team may expect from here on."""
    thinks_in: Unit = "values"
    """values: what an action is expected to earn. chances: how likely it is to be drawn, 0 to 1."""
    advantage: Tensor | None = None
    """(T,): how much better it went from here on than the team had expected; None where nothing says so."""


class Suspect(NamedTuple):
    """Something that a loss is made from, for a run whose loss is no number."""

    values: Tensor
    """Of any shape; only what belongs to steps that happened."""
    hint: str
    """What it means where one of them is not finite."""


class Learner(Protocol):
    """Whatever learns from episodes. `lockstep.algorithms.gradient_learner` is one that only needs a loss."""

    device: torch.device
    updates: int
    """Gradient steps so far."""
    actor: AgentNetwork
    """The network that the team plays by; it changes in place."""
    choice: Choice
    """How training plays by it: what it values most, or drawn with the chances that it gives."""

    def prepare(self, episodes: EpisodeBatch) -> EpisodeBatch:
        """What was just played, with all that an algorithm derives from it before its first update; fresh ones only."""

    def update(self, batch: EpisodeBatch, meanwhile: Callable[[], None] | None = None) -> Metrics:
        """One gradient step on whole episodes. Returns the metrics of this batch as 0-dim tensors.

        `loss` and `grad_norm` are among them. `meanwhile` is called once before the step, while other processes may
        still be at work on the gradient. Raises DivergedError, with nothing changed, when the loss or its gradient is
        not finite.
        """

    def check(self) -> None:
        """Raise DivergedError where an update left unsaid that its gradient was not finite."""

    def health(self, episodes: EpisodeBatch) -> dict[str, float]:
        """A look inside the networks, on greedy episodes that were played anyway; by the names of its metrics.

        Nothing is trained, no random number is drawn.
        """

    def thoughts(self, episode: EpisodeBatch) -> Thoughts:
        """What the team expects along one episode (1, T, ...)."""

    def suspects(self, batch: EpisodeBatch) -> dict[str, Suspect]:
        """What the loss of this batch is made from besides the batch, in the order in which it enters."""

    def policy_state(self) -> dict[str, dict[str, Tensor]]:
        """What a finished team needs: the parameters of its networks, of `agent` and of those beside it, by name."""

    def begin_from(self, policy: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Take over a team's parameters, as `policy_state` has them, into every copy; what is not named stays as it is.

        Raises RuntimeError where shapes differ.
        """

    def state_dict(self) -> dict[str, Any]:
        """Everything `update` depends on."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue exactly from `state_dict`. Raises RuntimeError where shapes differ."""


class Page(Protocol):
    """An algorithm as functions of its networks and a batch. None of them changes anything.

    online, target: modules by name, `agent` among them; target is online itself where an algorithm has no slow copies.
    """

    def gradient(self, online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch) -> Gradient:
        """The loss of a batch and its gradient by the online parameters, in their order."""

    def health(self, online: nn.ModuleDict, batch: EpisodeBatch) -> dict[str, float]:
        """See `Learner.health`; rewards are in the learner's own units."""

    def thoughts(self, online: nn.ModuleDict, episode: EpisodeBatch) -> Thoughts:
        """See `Learner.thoughts`."""

    def suspects(self, online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch) -> dict[str, Suspect]:
        """See `Learner.suspects`; the parameters are told by the learner."""


def autograd(loss: Callable[[], tuple[Tensor, Metrics]], online: nn.ModuleDict) -> Gradient:
    """A loss's value, metrics and gradient as `Page.gradient` returns them, by torch."""
    value, metrics = loss()
    gradients = torch.autograd.grad(value, list(online.parameters()))
    return value.detach(), metrics, torch.cat([gradient.reshape(-1) for gradient in gradients])
