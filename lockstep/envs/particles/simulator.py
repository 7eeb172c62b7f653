"""simple_spread, compiled: the games of mpe2, step for step, many at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.exploration import Plan
from lockstep.acting.forward import TeamWeights
from lockstep.arrays import Mask, Obs
from lockstep.compute.compiled import announce_compilation
from lockstep.envs.particles import _kernel, _playing
from lockstep.envs.particles.config import NUM_ACTIONS, SpreadConfig
from lockstep.envs.particles.plane import ParticleScene
from lockstep.envs.playing import check_play
from lockstep.envs.protocol import Onset, Record, TimeStep, check_running, chosen_lanes
from lockstep.envs.random_streams import STREAM_WORDS
from lockstep.errors import UserError


class SpreadSimulator:
    """`num_envs` games behind the VectorEnv protocol. Owns the arrays; the kernel moves what is in them."""

    def __init__(self, key: str, config: SpreadConfig, num_envs: int, seed: int = 0) -> None:
        self.config, self.num_envs = config, num_envs
        self.spec = config.spec(key)
        self._rules = _kernel.Rules(config.max_cycles, float(config.local_ratio), config.terminate_on_success)
        places = (num_envs, config.N, 2)
        self._lanes = _kernel.ParticleLanes(
            streams=np.zeros((num_envs, STREAM_WORDS), dtype=np.uint64),
            positions=np.zeros(places),
            velocities=np.zeros(places),
            landmarks=np.zeros(places),
            steps=np.zeros(num_envs, dtype=np.int64),
        )
        self._obs = np.zeros((num_envs, config.N, config.obs_dim), dtype=np.float32)
        self._reward = np.zeros((num_envs, config.N), dtype=np.float32)
        self._terminated = np.zeros(num_envs, dtype=bool)
        self._truncated = np.zeros(num_envs, dtype=bool)
        self._running = np.zeros(num_envs, dtype=bool)
        announce_compilation(
            "particle simulator",
            _kernel.seed_spread,
            _kernel.reset_spread,
            _kernel.advance_spread,
            _kernel.observe_spread,
        )
        self._seed(np.arange(num_envs), seed)

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        """See VectorEnv.reset. Lane i with seed s draws what mpe2 draws after `reset(seed=s + i)`."""
        chosen = chosen_lanes(mask, self.num_envs)
        if seed is not None:
            self._seed(chosen, seed)
        with np.errstate(over="ignore"):  # uncompiled, numpy would warn that random streams wrap around
            _kernel.reset_spread(self._lanes, chosen)
        _kernel.observe_spread(self._lanes, chosen, self._obs)
        self._running[chosen] = True
        return self._obs

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See VectorEnv.step. actions: (num_envs, agents) in 0..4: stay, left, right, down, up. Raises UserError, with
        nothing changed, for anything else, and for lanes that have finished."""
        chosen = chosen_lanes(mask, self.num_envs)
        check_running(self._running, chosen)
        moves = self._checked(actions, chosen)
        self._terminated[:] = self._truncated[:] = False
        self._reward[:] = 0.0
        _kernel.advance_spread(self._rules, self._lanes, chosen, moves, self._reward, self._terminated, self._truncated)
        _kernel.observe_spread(self._lanes, chosen, self._obs)
        self._running &= ~(self._terminated | self._truncated)
        return TimeStep(self._obs, self._reward, self._terminated, self._truncated)

    @property
    def plays_teams(self) -> bool:
        """See `TeamPlay.plays_teams`: always."""
        return True

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
        announce_compilation("particle team's play", _playing.play_spread)
        augment = augment or Onset.nothing()
        check_play(self, network, plan, first, record, augment)
        chosen = chosen_lanes(active, self.num_envs)
        check_running(self._running, chosen)
        self._terminated[:] = self._truncated[:] = False
        moves = np.empty(self._reward.shape, dtype=np.int64)
        _playing.play_spread(
            self._rules, self._lanes, network, augment, chosen, plan, first, memory, record,
            self._obs, moves, self._reward, self._terminated, self._truncated, active,
        )  # fmt: skip
        self._running[chosen] = active[chosen]

    def available_actions(self) -> Mask | None:
        """Every action is always allowed."""
        return None

    def state(self) -> NDArray[np.float32] | None:
        """None: the observations, side by side, are mpe2's state too."""
        return None

    def plane(self, lane: int) -> ParticleScene:
        """Who is where in one lane: for drawing."""
        return ParticleScene.of(self._lanes.positions[lane], self._lanes.landmarks[lane])

    def places(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Copies of the agents' positions and velocities and of the landmarks' positions, (num_envs, agents, 2) each:
        for comparing, and for teams that plan."""
        return self._lanes.positions.copy(), self._lanes.velocities.copy(), self._lanes.landmarks.copy()

    def get_state(self) -> dict[str, Any]:
        """See VectorEnv.get_state."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def set_state(self, state: dict[str, Any]) -> None:
        """See VectorEnv.set_state. Raises UserError for a state of another game."""
        arrays = self._arrays()
        if {name: np.shape(array) for name, array in state.items()} != {n: a.shape for n, a in arrays.items()}:
            raise UserError(
                f"This state does not fit {self.num_envs} lanes of {self.config.N} agents; set it where it was taken."
            )
        for name, array in arrays.items():
            array[:] = state[name]
        _kernel.observe_spread(self._lanes, np.arange(self.num_envs), self._obs)

    def close(self) -> None:
        """Nothing is open."""

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return self._lanes._asdict() | {"running": self._running}

    def _seed(self, chosen: NDArray[np.int64], seed: int) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
            raise UserError(f"seed={seed!r} must be a whole number from 0 to 2**63 - 1.")
        with np.errstate(over="ignore"):
            _kernel.seed_spread(self._lanes.streams, chosen, np.uint64(seed))

    def _checked(self, actions: Any, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        moves = np.asarray(actions)
        if moves.shape != (self.num_envs, self.config.N) or not np.issubdtype(moves.dtype, np.integer):
            raise UserError(
                f"Actions must be {self.num_envs} x {self.config.N} whole numbers, not {moves.dtype} of shape "
                f"{moves.shape}."
            )
        wrong = (moves[chosen] < 0) | (moves[chosen] >= NUM_ACTIONS)
        if wrong.any():
            raise UserError(f"Action {moves[chosen][wrong][0]} does not exist; they are 0 to {NUM_ACTIONS - 1}.")
        return moves.astype(np.int64, copy=False)
