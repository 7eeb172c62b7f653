"""What is known of the particle games: keys, both engines, programmed teams, how they look, what is said of them."""

from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.policy import Policy, random_actions
from lockstep.envs.family import About, EnvRow, Progress, WorldFamily, WorldOptions
from lockstep.envs.others import SharedWorld, opposed
from lockstep.envs.particles.games import GAMES, KEYS, Game, game_of
from lockstep.envs.particles.plane import ParticleScene
from lockstep.envs.protocol import Remark, Trial, VectorEnv
from lockstep.spec import EnvSpec

if TYPE_CHECKING:
    from lockstep.envs.particles.scene import PlaneScene
    from lockstep.envs.particles.verify import ParticleReport

TRIED_LANES, TRIED_STEPS = 8, 250
"""Random episodes, and most steps of them, in which it is looked at whether agents are paid against each other."""
_LINES = {
    "simple_spread_v3": "particles, one for each landmark",
    "simple_speaker_listener_v4": "particles, one speaks and one walks",
    "simple_reference_v3": "particles, each tells the other where to go",
    "simple_adversary_v3": "particles, two hide their goal from one",
    "simple_tag_v3": "particles, three hunt a faster one",
    "simple_push_v3": "particles, one keeps one from its goal",
}
_TASKS = {
    "simple_spread_v3": (
        "As many agents as there are landmarks move in a plane. In every step each landmark costs the team its "
        "distance to the nearest agent, and agents that touch pay for it. So they must share the landmarks out, each "
        "go to one, and stay there."
    ),
    "simple_speaker_listener_v4": (
        "One agent is told which of three landmarks is the goal, and can only speak; the other one moves, and hears "
        "the word. Every step costs both the square of its distance from the goal. So they must agree on three words."
    ),
    "simple_reference_v3": (
        "Two agents move, and each is told which of three landmarks the other one is to reach. Every step costs their "
        "distances. So each must say where the other should go, and go where it is told."
    ),
    "simple_adversary_v3": (
        "Good agents know which landmark is the goal, the adversary does not. They earn the adversary's distance from "
        "it and pay the nearest one's own; the adversary pays its own. So they must reach it and not give it away."
    ),
    "simple_tag_v3": (
        "Adversaries earn 10 for every touch of one of the good agents, which pay as much, and pay for leaving the "
        "field. The good ones are faster, and obstacles are in everybody's way. So adversaries must hunt together."
    ),
    "simple_push_v3": (
        "The good agent knows which of two landmarks is the goal, and pays its distance from it; the adversary earns "
        "that distance and pays its own. So it must find out which it is, and push the other one away."
    ),
}


@runtime_checkable
class Plane(Protocol):
    """A game of either engine."""

    spec: EnvSpec
    game: Game

    def plane(self, lane: int) -> ParticleScene:
        """Who is where in one lane."""


class Particles(WorldFamily):
    """MPE's small games, compiled, and mpe2 as their oracle."""

    name = "particles"
    also_called = ("mpe",)
    oracle = "mpe2"
    keys = {"mpe:simple_spread_v3": "a particle game, compiled: `lockstep envs mpe` has them"}  # noqa: RUF012, a constant

    def owns(self, key: str) -> bool:
        """The compiled games only; MPE's others are somebody else's."""
        return key in KEYS

    def rows(self, wanted: str) -> list[EnvRow]:
        """A line for each game, by our own keys."""
        return [_row(f"mpe:{name}") for name in GAMES if wanted in f"mpe:{name}"]

    def make(self, key: str, num_envs: int, seed: int, options: WorldOptions) -> VectorEnv:
        """See `WorldFamily.make`. The arguments are mpe2's `parallel_env(...)`'s."""
        game = game_of(key, options.time_limit, options.arguments)
        if options.engine == "official":
            from lockstep.envs.particles.official import OfficialParticles

            return OfficialParticles(key, game, num_envs, seed)
        from lockstep.envs.particles.simulator import ParticleSimulator

        return ParticleSimulator(key, game, num_envs, seed)

    def try_out(self, key: str, options: WorldOptions) -> Trial | None:
        """Games of two sides are played at random for a while: there the sum of all rewards is nobody's."""
        game = game_of(key, options.time_limit, options.arguments)
        if not any(agent.adversary for agent in game.agents):
            return None
        from lockstep.envs.particles.simulator import ParticleSimulator

        env, rng, rewards = ParticleSimulator(key, game, TRIED_LANES, seed=1), np.random.default_rng(1), []
        env.reset()
        for _ in range(TRIED_STEPS):
            step = env.step(random_actions((TRIED_LANES, len(game.agents)), env.spec.num_actions, None, rng))
            rewards.append(step.reward.copy())
            if (step.terminated | step.truncated).any():
                break
        sentence = opposed(np.concatenate(rewards), env.agent_names)
        remarks = [] if sentence is None else [Remark("one team", sentence, doubtful=True)]
        return Trial(env.spec.time_limit, remarks)

    def feature_names(self, key: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of the agent that sees most, where the others see the first of the same; else none."""
        features = game_of(key, None, arguments).features
        most = max(features, key=len)
        return most if all(names == most[: len(names)] for names in features) else ()

    def has_official(self, key: str) -> bool:
        """Where mpe2 is installed."""
        return find_spec("mpe2") is not None

    def heuristic(self, world: Any) -> Policy | None:
        """A team that steers by rules of its game. Raises UserError for too many agents."""
        from lockstep.envs.particles.heuristic import programmed_team

        return programmed_team(world.game) if isinstance(world, Plane) else None

    def scene(self, world: Any) -> "PlaneScene | None":
        """Agents and landmarks in a plane; where only some of the agents learn, they come first."""
        from lockstep.envs.particles.scene import PlaneScene

        game = world.env if isinstance(world, SharedWorld) else world
        return PlaneScene(game.game.action_names) if isinstance(game, Plane) else None

    def script(self) -> str:
        """The plane on a page's canvas."""
        return (files(__package__) / "scene.js").read_text(encoding="utf-8")

    def facts(self, world: Any, actions: NDArray[np.int64], seed: int) -> dict[str, float]:
        """How often agents touch, and what they have reached in the end."""
        from lockstep.envs.particles.behavior import particle_behavior

        return particle_behavior(world, actions, seed)

    def about(self, world: Any) -> About:
        """The task in words."""
        name = KEYS[world.spec.key]
        return About((_TASKS[name],), "A fresh game: agents are discs, landmarks are rings or obstacles.")

    def verify(self, keys: str | None, steps: int, seed: int | None, progress: Progress) -> "ParticleReport":
        """Games of all kinds with random rules."""
        from lockstep.envs.particles.verify import verify

        return verify(keys, steps, seed, progress)


def _row(key: str) -> EnvRow:
    spec = game_of(key, None, {}).spec(key)
    return EnvRow(key, spec.num_agents, spec.obs_dim, spec.num_actions, spec.time_limit, _LINES[KEYS[key]])
