"""Particle games, compiled: those of mpe2, step for step, many at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.exploration import Plan
from lockstep.acting.forward import TeamWeights
from lockstep.arrays import Mask, Obs
from lockstep.compute.compiled import announce_compilation
from lockstep.envs.particles import _kernel, _lanes, _playing, _sight
from lockstep.envs.particles.games import Game
from lockstep.envs.particles.plane import ParticleScene, Places, scene_of
from lockstep.envs.playing import check_play
from lockstep.envs.protocol import Onset, Record, TimeStep, check_running, chosen_lanes
from lockstep.envs.random_streams import STREAM_WORDS
from lockstep.errors import UserError


class ParticleSimulator:
    """`num_envs` games behind the VectorEnv protocol. Owns the arrays; the kernel moves what is in them."""

    def __init__(self, key: str, game: Game, num_envs: int, seed: int = 0) -> None:
        self.game, self.num_envs = game, num_envs
        self.spec = spec = game.spec(key)
        self._rules = game.rules()
        self._lanes = _lanes.ParticleLanes(
            streams=np.zeros((num_envs, STREAM_WORDS), dtype=np.uint64),
            positions=np.zeros((num_envs, spec.num_agents, 2)),
            velocities=np.zeros((num_envs, spec.num_agents, 2)),
            landmarks=np.zeros((num_envs, game.num_landmarks, 2)),
            goals=np.full((num_envs, spec.num_agents), -1),
            words=np.full((num_envs, spec.num_agents), -1),
            steps=np.zeros(num_envs, dtype=np.int64),
        )
        self._obs = np.zeros((num_envs, spec.num_agents, spec.obs_dim), dtype=np.float32)
        self._reward = np.zeros((num_envs, spec.num_agents), dtype=np.float32)
        self._terminated = np.zeros(num_envs, dtype=bool)
        self._truncated = np.zeros(num_envs, dtype=bool)
        self._running = np.zeros(num_envs, dtype=bool)
        self._available = game.available
        self._counts = np.array(game.num_actions)
        announce_compilation(
            "particle simulator",
            _kernel.seed_particles,
            _kernel.reset_particles,
            _kernel.advance_particles,
            _sight.observe_particles,
        )
        self._seed(np.arange(num_envs), seed)

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        """See VectorEnv.reset. Lane i with seed s draws what mpe2 draws after `reset(seed=s + i)`."""
        chosen = chosen_lanes(mask, self.num_envs)
        if seed is not None:
            self._seed(chosen, seed)
        with np.errstate(over="ignore"):  # uncompiled, numpy would warn that random streams wrap around
            _kernel.reset_particles(self._rules, self._lanes, chosen)
        self._look(chosen)
        self._running[chosen] = True
        return self._obs

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See VectorEnv.step. actions: (num_envs, agents), as `Game.action_names` calls them. Raises UserError, with
        nothing changed, for what an agent cannot do, and for lanes that have finished."""
        chosen = chosen_lanes(mask, self.num_envs)
        check_running(self._running, chosen)
        moves = self._checked(actions, chosen)
        self._terminated[:] = self._truncated[:] = False
        self._reward[:] = 0.0
        reward = self._reward.reshape(-1)
        _kernel.advance_particles(
            self._rules, self._lanes, chosen, 1, moves.reshape(-1), reward, self._terminated, self._truncated
        )
        self._look(chosen)
        self._running &= ~(self._terminated | self._truncated)
        return TimeStep(self._obs, self._reward, self._terminated, self._truncated)

    @property
    def plays_teams(self) -> bool:
        """See `TeamPlay.plays_teams`: where everybody can do the same. What is not allowed is chosen anew when it is
        met, by whoever explores; so games of unequal agents are stepped."""
        return self._available is None

    def play_team(
        self,
        network: TeamWeights,
        plan: Plan,
        first: int,
        memory: NDArray[np.float32],
        record: Record,
        active: Mask,
        augment: Onset | None = None,
    ) -> None:
        """See `TeamPlay.play_team`. Afterwards the lanes are as if they had been stepped."""
        announce_compilation("particle team's play", _playing.play_particles)
        augment = augment or Onset.nothing()
        check_play(self, network, plan, first, record, augment)
        chosen = chosen_lanes(active, self.num_envs)
        check_running(self._running, chosen)
        self._terminated[:] = self._truncated[:] = False
        moves = np.empty(self._reward.size, dtype=np.int64)
        _playing.play_particles(
            self._rules, self._lanes, network, augment, chosen, plan, first, memory, record,
            self._obs.reshape(-1), moves, self._reward.reshape(-1), self._terminated, self._truncated, active,
        )  # fmt: skip
        self._running[chosen] = active[chosen]

    def available_actions(self) -> Mask | None:
        """None where everybody can do the same, always. Else what each can do, and after an episode's end only action
        0, as with environments of others (`lockstep.envs.foreign`)."""
        if self._available is None:
            return None
        nothing = np.arange(self.spec.num_actions) == 0
        return np.where(self._running[:, None, None], self._available, nothing)

    def state(self) -> NDArray[np.float32] | None:
        """None: the observations, side by side, serve as the state; mpe2's is the same, without padding."""
        return None

    @property
    def agent_names(self) -> tuple[str, ...]:
        """See `NamesAgents`."""
        return tuple(agent.name for agent in self.game.agents)

    def plane(self, lane: int) -> ParticleScene:
        """Who is where in one lane: for drawing."""
        return scene_of(self.game, self.places(), lane)

    def places(self) -> Places:
        """Copies of everything that is somewhere: for comparing, and for counting."""
        known: Any = self._arrays()
        return Places(**{name: known[name].copy() for name in Places._fields})

    def get_state(self) -> dict[str, Any]:
        """See VectorEnv.get_state."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def set_state(self, state: dict[str, Any]) -> None:
        """See VectorEnv.set_state. Raises UserError for a state of another game."""
        arrays = self._arrays()
        if {name: np.shape(array) for name, array in state.items()} != {n: a.shape for n, a in arrays.items()}:
            raise UserError(
                f"This state does not fit {self.num_envs} lanes of {self.spec.key}; set it where it was taken."
            )
        for name, array in arrays.items():
            array[:] = state[name]
        self._look(np.arange(self.num_envs))

    def close(self) -> None:
        """Nothing is open."""

    def _look(self, chosen: NDArray[np.int64]) -> None:
        _sight.observe_particles(self._rules, self._lanes, chosen, self._obs.reshape(-1))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return self._lanes._asdict() | {"running": self._running}

    def _seed(self, chosen: NDArray[np.int64], seed: int) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
            raise UserError(f"seed={seed!r} must be a whole number from 0 to 2**63 - 1.")
        with np.errstate(over="ignore"):
            _kernel.seed_particles(self._lanes.streams, chosen, np.uint64(seed))

    def _checked(self, actions: Any, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        moves = np.asarray(actions)
        shape = self.num_envs, self.spec.num_agents
        if moves.shape != shape or not np.issubdtype(moves.dtype, np.integer):
            raise UserError(
                f"Actions must be {shape[0]} x {shape[1]} whole numbers, not {moves.dtype} of shape {moves.shape}."
            )
        wrong = (moves[chosen] < 0) | (moves[chosen] >= self._counts)
        if wrong.any():
            row, agent = np.argwhere(wrong)[0]
            raise UserError(
                f"Action {moves[chosen][row, agent]} does not exist for {self.agent_names[agent]}; there are 0 to "
                f"{self._counts[agent] - 1}."
            )
        return moves.astype(np.int64, copy=False)
