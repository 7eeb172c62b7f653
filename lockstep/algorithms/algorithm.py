"""What Lockstep knows of an algorithm: how it is built, and all that is said of it. No torch until it builds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from lockstep.algorithms.diagram import DrawTeam, draw_others
from lockstep.config.schema import AlgorithmConfig, RunConfig
from lockstep.runs.metrics import Metric
from lockstep.spec import EnvSpec

if TYPE_CHECKING:
    from torch import nn

    from lockstep.algorithms.learner import Learner, Page


class Credit(NamedTuple):
    """How fast the news of a reward travels back through an episode while targets are made from values."""

    updates: float
    """Updates until the targets have followed (by 63 % where they follow softly)."""
    steps: float
    """Steps that it travels with every renewal of the targets, in pieces that are long enough."""


class Hint(NamedTuple):
    """Something that the doctor may try or offer besides its own remedies."""

    overrides: tuple[str, ...]
    """`key=value` words."""
    why: str


class Proof(NamedTuple):
    """A tiny world with a known answer: what a sound learner reaches there."""

    world: str
    question: str
    expected: float
    """Greedy return: the best, or the best that this algorithm can see."""
    rounds: int
    """Collections to learn from."""
    settings: Mapping[str, Mapping[str, Any]] = {}
    """Of the small learner, by section, besides what it has in common with others."""


Reward = Literal["team", "own"]


@dataclass(frozen=True)
class Algorithm:
    """One entry of the table in `lockstep.algorithms.registry`; one of your own is `my_module:MY_ALGORITHM`.

    `networks` returns modules by name, freshly initialized from torch's global generator; the first is `agent`, by
    which the team acts. `learner` puts a learner around them, and `page` is the algorithm as functions of networks that
    somebody else keeps.
    """

    name: str
    section: type[AlgorithmConfig]
    """Its settings."""
    networks: Callable[[EnvSpec, RunConfig], "nn.ModuleDict"]
    learner: Callable[[EnvSpec, RunConfig, "nn.ModuleDict"], "Learner"]
    page: Callable[[EnvSpec, RunConfig], "Page"]

    reward: Reward | Callable[[RunConfig], Reward] = "team"
    """What an agent learns from: the sum over the team, or what it earned itself; or what says which it is."""
    feed: Literal["replay", "fresh"] = "replay"
    """Where batches come from: the memory of past episodes, or what was just played, once or for as many epochs as its
    section says, where that is a `FreshConfig`."""

    choice: Literal["greedy", "sampled"] = "greedy"
    """How training plays by its preferences; its learner has the same (`Learner.choice`)."""

    threads: bool = False
    """Whether threads share a batch, not processes: for gradients that do not hold the interpreter's lock."""

    title: str = ""
    """As texts call it; empty: its name."""
    paragraph: str = ""
    """What a report says of it: a line of Markdown."""
    update: Callable[[RunConfig], str] = lambda config: f"Values are discounted by {config.algorithm.gamma:g} a step."
    """What one update does with this configuration, in a sentence or two."""
    draw_team: DrawTeam = draw_others
    """The right half of the diagram of its networks."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Entries of the report's glossary."""
    metrics: tuple[Metric, ...] = ()
    """What its updates and evaluations write besides what all do."""
    credit: Callable[[RunConfig], Credit | None] = lambda config: None
    """For the doctor's forecast; None where a reward is felt by the whole episode at once."""
    hints: Mapping[str, tuple[Hint, ...]] = field(default_factory=dict)
    """For the doctor, by the name of the finding."""
    proofs: tuple[Proof, ...] = ()
    """For `lockstep doctor`'s question whether the installation is sound."""

    @property
    def spoken(self) -> str:
        """The title, or else the name."""
        return self.title or self.name
