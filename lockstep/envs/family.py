"""What a family of worlds can do: everything that is known of a world besides how its lanes are stepped.

`lockstep.envs.registry` holds the table of families. One of one's own is made known by `register`, or by its key alone:
`env.key = "my_module:MyFamily/whatever"` is whatever the family `MyFamily` of `my_module` makes of it.
examples/own_family.py is one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lockstep import trust
from lockstep.acting.policy import Policy
from lockstep.envs.protocol import Renders, Trial, VectorEnv
from lockstep.envs.scene import OwnPictures, Scene
from lockstep.errors import UserError
from lockstep.named import load_named

if TYPE_CHECKING:
    from lockstep.envs.foreign.workers import WorkerSettings

Engine = Literal["lockstep", "official"]
Progress = Callable[[str, int, int], None]
"""Called with what is compared now, the steps compared so far, and all steps."""
_OWN_KEY = re.compile(r"(?!mpe:|pettingzoo:)(?P<family>[\w.]+:[A-Za-z_]\w*)/.*")


@dataclass(frozen=True)
class EnvRow:
    """One line of `lockstep envs`."""

    key: str
    agents: int | None
    """None, like the other sizes, where only making the environment would tell."""
    obs_dim: int | None
    actions: int | None
    time_limit: int | None
    world: str


@dataclass(frozen=True)
class WorldOptions:
    """How lanes are wanted, besides how many and from which seed; see `lockstep.envs.registry.make_vec`."""

    time_limit: int | None = None
    engine: Engine = "lockstep"
    num_threads: int | None = None
    workers: "WorkerSettings | None" = None
    own_state: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class About:
    """What a report and the doctor say of a world, besides what every world's sizes say."""

    paragraphs: tuple[str, ...] = ()
    """What is to be done there, and what makes it hard."""
    caption: str = ""
    """Below a picture of a fresh world; empty: no picture is shown."""
    rows: tuple[tuple[str, str], ...] = ()
    """Further lines of the table of facts: name and value."""
    sees: tuple[str, str] = ("Each agent sees", "")
    """The name of a line, and what is seen before it is counted in numbers."""
    can: tuple[str, str] = ("Each agent can do", "")
    """The name of a line, and the actions in words; without words they are counted."""
    way: str = "the way to a reward takes about"
    """What takes `way_steps`, to begin a sentence with their number."""
    way_steps: float | None = None
    """Steps over which a reward must be felt; None: the doctor takes those of the first rewards that it meets."""


class Comparison(Protocol):
    """What came out of playing a world in both engines."""

    @property
    def difference(self) -> Any | None:
        """The first one that was found."""

    def text(self) -> str:
        """For people."""

    def to_json(self) -> str:
        """One JSON object."""


@runtime_checkable
class WorldFamily(Protocol):
    """Worlds of one kind. A family that one writes derives from this class; it must have a name and make lanes.
    Whatever else it says is used where it fits, and what it leaves out is left out there."""

    name: str
    """One word, for this family alone."""
    also_called: tuple[str, ...] = ()
    """Other words for it, for `lockstep verify`."""
    oracle: str = ""
    """The package that its worlds are held to by `verify`; empty: there is none."""
    strangers: bool = False
    """Whether each lane is somebody else's program: it can be played by a process of its own (`env.workers`), may have
    a state of its own (`env.state`), start slowly, or exist but once; and it is not shown while it trains."""
    keys: Mapping[str, str] = {}
    """Examples of its keys, each with how one is written: its lines of `lockstep envs`."""
    drawing: Mapping[str, Any] = {}
    """Arguments that a world must be made with where it is to draw itself."""

    def owns(self, key: str) -> bool:
        """Whether somebody who wrote this key meant a world of this family; by default, `NAME/whatever`."""
        return key.startswith(f"{self.name}/")

    def rows(self, wanted: str) -> list[EnvRow]:
        """Its lines of `lockstep envs`, of the keys that contain `wanted`."""
        return []

    def make(self, key: str, num_envs: int, seed: int, options: WorldOptions) -> VectorEnv:
        """`num_envs` lanes whose spec has this key; lane i draws from `seed + i`.

        Raises UserError for what cannot work.
        """

    def playable(self, env: VectorEnv) -> VectorEnv:
        """The lanes as learners can play them, which choose one action for each agent."""
        return env

    def try_out(self, key: str, options: WorldOptions) -> Trial | None:
        """Look at a world before it is trained in; None: there is nothing to look at. `options.workers` are those of
        the training, also where their count is 0. Raises UserError for a world that cannot be trained in."""
        return None

    def feature_names(self, key: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """What every number that an agent sees is called; empty: they have no names."""
        return ()

    def called(self, key: str, arguments: Mapping[str, Any]) -> str:
        """What a world is called where people read it: its key, unless that would promise another world."""
        return key

    def has_official(self, key: str) -> bool:
        """Whether `make` can step the official package here."""
        return False

    def heuristic(self, world: Any) -> Policy | None:
        """A team that is programmed for this world; None: nobody has done it. Raises UserError where it cannot play."""
        return None

    def scene(self, world: Any) -> Scene | None:
        """How the world is drawn and told; None: it cannot be shown."""
        return OwnPictures() if isinstance(world, Renders) else None

    def script(self) -> str:
        """JavaScript that draws its scenes in pages: it sets `SCENES[name]` to a class that extends `Scene`, both of
        lockstep/show/player/scene.js. Empty: pages show pictures or text."""
        return ""

    def facts(self, world: Any, actions: NDArray[np.int64], seed: int) -> dict[str, float]:
        """What a team did in the episodes of an evaluation, in numbers by name, for eval.jsonl.

        actions: (episodes, steps, agents), played in the first lanes from `seed`; they may be played once more.
        """
        return {}

    def about(self, world: Any) -> About:
        """What is said of the world."""
        return About()

    def verify(self, keys: str | None, steps: int, seed: int | None, progress: Progress) -> Comparison:
        """Play some of its worlds in both engines until they differ or the steps are used up; see `oracle`.

        keys: only keys that match. seed: of worlds and actions; None: a fresh one.
        """
        raise UserError(f"There is no official package to compare {self.name} with.")


_registered: list[WorldFamily] = []
_named: dict[str, WorldFamily] = {}


def register(family: WorldFamily) -> None:
    """Make a family of one's own known in this process, by its keys and in `lockstep envs`."""
    _registered[:] = [*(one for one in _registered if one.name != family.name), family]


def own_families() -> tuple[WorldFamily, ...]:
    """Those that were registered, and those that a key has named so far."""
    return (*_registered, *_named.values())


def named_family(key: str) -> WorldFamily | None:
    """The family that a key like `my_module:MyFamily/whatever` names; None where it is no such key.

    Raises UserError, before anything is imported, where a file says so and nobody vouches for it (`lockstep.trust`).
    This is the only place where the name of a family becomes an import. Gymnasium's `module:NAMESPACE/Id-v0` looks
    alike, but has no family there.
    """
    match = _OWN_KEY.fullmatch(key)
    if match is None:
        return None
    name = match["family"]
    if name not in _named:
        trust.check(trust.Code(key, module=name.partition(":")[0]))
        try:
            found = load_named("env.key", name)
        except UserError:
            return None
        if not isinstance(found, type) or WorldFamily not in found.__mro__:
            return None
        _named[name] = found()
    return _named[name]
