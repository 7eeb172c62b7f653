"""What is known of simple_spread: its keys, both engines, the programmed team, how it looks, what is said of it."""

from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from lockstep.acting.policy import Policy
from lockstep.envs.family import About, EnvRow, Progress, WorldFamily, WorldOptions
from lockstep.envs.particles.config import SPREAD_KEY, SPREAD_KEYS, SpreadConfig, spread_config
from lockstep.envs.particles.plane import ParticleScene
from lockstep.envs.protocol import VectorEnv
from lockstep.errors import UserError
from lockstep.spec import EnvSpec

if TYPE_CHECKING:
    from lockstep.envs.particles.scene import PlaneScene
    from lockstep.envs.particles.verify import SpreadReport

_TASK = (
    "As many agents as there are landmarks move in a plane. In every step each landmark costs the team its distance to "
    "the nearest agent, and agents that touch pay for it. So they must share the landmarks out, each go to one, and "
    "stay there."
)


@runtime_checkable
class Plane(Protocol):
    """A game of either engine. One that others play in, too (`lockstep.envs.others`), is none."""

    spec: EnvSpec

    def plane(self, lane: int) -> ParticleScene:
        """Who is where in one lane."""


class Particles(WorldFamily):
    """MPE's simple_spread, compiled, and mpe2 as its oracle."""

    name = "particles"
    also_called = ("mpe",)
    oracle = "mpe2"

    def owns(self, key: str) -> bool:
        """The compiled game only; MPE's other games are somebody else's."""
        return key in SPREAD_KEYS

    def rows(self, wanted: str) -> list[EnvRow]:
        """One line, of our own key."""
        spec = SpreadConfig().spec(SPREAD_KEY)
        sizes = (spec.num_agents, spec.obs_dim, spec.num_actions, spec.time_limit)
        return [EnvRow(SPREAD_KEY, *sizes, "particles, one for each landmark")] if wanted in SPREAD_KEY else []

    def make(self, key: str, num_envs: int, seed: int, options: WorldOptions) -> VectorEnv:
        """See `WorldFamily.make`. The arguments are mpe2's `parallel_env(...)`'s."""
        config = spread_config(options.time_limit, options.arguments)
        if options.engine == "official":
            from lockstep.envs.particles.official import OfficialSpread

            return OfficialSpread(key, config, num_envs, seed)
        from lockstep.envs.particles.simulator import SpreadSimulator

        return SpreadSimulator(key, config, num_envs, seed)

    def has_official(self, key: str) -> bool:
        """Where mpe2 is installed."""
        return find_spec("mpe2") is not None

    def heuristic(self, world: Any) -> Policy | None:
        """A team that shares the landmarks out. Raises UserError for too many agents."""
        from lockstep.envs.particles.heuristic import LandmarkAssignment

        return LandmarkAssignment(world.spec.num_agents) if isinstance(world, Plane) else None

    def scene(self, world: Any) -> "PlaneScene | None":
        """Agents and landmarks in a plane; none where only some of the agents learn."""
        from lockstep.envs.particles.scene import PlaneScene

        return PlaneScene() if isinstance(world, Plane) else None

    def script(self) -> str:
        """The plane on a page's canvas."""
        return (files(__package__) / "scene.js").read_text(encoding="utf-8")

    def about(self, world: Any) -> About:
        """The task in words."""
        return About((_TASK,), "A fresh game: agents are discs, landmarks are rings to stand on.")

    def verify(self, keys: str | None, steps: int, seed: int | None, progress: Progress) -> "SpreadReport":
        """Games of 1 to 6 agents with random rules. Raises UserError for keys, as there is one game."""
        from lockstep.envs.particles.verify import verify

        if keys is not None:
            raise UserError(f"--keys {keys} chooses among warehouses; mpe has one game here, so leave it out.")
        return verify(steps, seed, progress)
