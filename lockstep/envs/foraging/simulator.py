"""Level-Based Foraging, compiled: the official package's fields, step for step, many at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.exploration import Plan
from lockstep.acting.forward import TeamWeights
from lockstep.arrays import Mask, Obs
from lockstep.compute.compiled import announce_compilation
from lockstep.envs.foraging import _kernel, _playing
from lockstep.envs.foraging.config import NUM_ACTIONS, ForagingConfig
from lockstep.envs.foraging.moment import FieldMoment
from lockstep.envs.playing import check_play
from lockstep.envs.protocol import Onset, Record, TimeStep, check_running, chosen_lanes
from lockstep.envs.random_streams import STREAM_WORDS
from lockstep.errors import UserError


class ForagingSimulator:
    """`num_envs` fields behind the VectorEnv protocol. Owns the arrays; the kernel moves what is in them.

    reward_type: float64 gives rewards as the package computes them; learners are served with the nearest float32.
    """

    def __init__(
        self,
        key: str,
        config: ForagingConfig,
        num_envs: int,
        seed: int = 0,
        reward_type: type[np.floating[Any]] = np.float32,
    ) -> None:
        self.config, self.num_envs = config, num_envs
        self.spec = config.spec(key)
        self._rules = _rules_of(config)
        self._lanes = _kernel.FieldLanes(
            streams=np.zeros((num_envs, STREAM_WORDS), dtype=np.uint64),
            players=np.zeros((num_envs, config.players, 3), dtype=np.int32),
            foods=np.zeros((num_envs, config.max_num_food, 3), dtype=np.int32),
            spawned=np.zeros(num_envs, dtype=np.int64),
            steps=np.zeros(num_envs, dtype=np.int64),
        )
        self._obs = np.zeros((num_envs, config.players, config.obs_dim), dtype=np.float32)
        self._reward: NDArray[Any] = np.zeros((num_envs, config.players), dtype=reward_type)
        self._terminated = np.zeros(num_envs, dtype=bool)
        self._truncated = np.zeros(num_envs, dtype=bool)
        self._running = np.zeros(num_envs, dtype=bool)
        announce_compilation(
            "foraging simulator",
            _kernel.seed_fields,
            _kernel.reset_fields,
            _kernel.advance_fields,
            _kernel.observe_fields,
        )
        self._seed(np.arange(num_envs), seed)

    def reset(self, seed: int | Sequence[int] | None = None, mask: Mask | None = None) -> Obs:
        """See VectorEnv.reset. Lane i with seed s becomes the field that the official package, newly made, draws after
        `reset(seed=s + i)`; a list gives every lane a seed of its own. Without a seed players are placed where nobody
        stood before, as the package does."""
        chosen = chosen_lanes(mask, self.num_envs)
        if seed is not None:
            self._seed(chosen, seed)
        with np.errstate(over="ignore"):  # uncompiled, numpy would warn that random streams wrap around
            _kernel.reset_fields(self._rules, self._lanes, chosen)
        self._look(chosen)
        self._running[chosen] = True
        return self._obs

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See VectorEnv.step. actions: (num_envs, agents) in 0..5: stay, north, south, west, east, load; what cannot be
        done is to stay. Raises UserError, with nothing changed, for anything else, and for lanes that have finished."""
        chosen = chosen_lanes(mask, self.num_envs)
        check_running(self._running, chosen)
        moves = self._checked(actions, chosen)
        self._terminated[:] = self._truncated[:] = False
        self._reward[:] = 0.0
        reward = self._reward.reshape(-1)
        _kernel.advance_fields(
            self._rules, self._lanes, chosen, 1, moves.reshape(-1), reward, self._terminated, self._truncated
        )
        self._look(chosen)
        self._running &= ~(self._terminated | self._truncated)
        return TimeStep(self._obs, self._reward, self._terminated, self._truncated)

    def play(self, actions: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """See `PlaysUnobserved.play`. The observations are not brought up to date; `reset` or `set_state` do that."""
        moves = np.asarray(actions)
        if moves.ndim != 3:
            raise UserError(f"play takes (steps, {self.num_envs}, {self.config.players}) actions, not {moves.shape}.")
        chosen = np.arange(self.num_envs)
        check_running(self._running, chosen)
        for step in moves:
            self._checked(step, chosen)
        reward = np.zeros(moves.shape, dtype=np.float32)
        self._terminated[:] = self._truncated[:] = False
        _kernel.advance_fields(
            self._rules,
            self._lanes,
            chosen,
            len(moves),
            moves.astype(np.int64).reshape(-1),
            reward.reshape(-1),
            self._terminated,
            self._truncated,
        )
        self._running &= ~(self._terminated | self._truncated)
        return reward

    def episode_steps(self) -> NDArray[np.int64]:
        """See `PlaysUnobserved.episode_steps`."""
        return self._lanes.steps.copy()

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
        announce_compilation("foraging team's play", _playing.play_fields)
        augment = augment or Onset.nothing()
        check_play(self, network, plan, first, record, augment)
        chosen = chosen_lanes(active, self.num_envs)
        check_running(self._running, chosen)
        self._terminated[:] = self._truncated[:] = False
        moves = np.empty(self._reward.size, dtype=np.int64)
        _playing.play_fields(
            self._rules, self._lanes, network, augment, chosen, plan, first, memory, record,
            self._obs.reshape(-1), moves, self._reward.reshape(-1), self._terminated, self._truncated, active,
        )  # fmt: skip
        self._running[chosen] = active[chosen]

    def available_actions(self) -> Mask | None:
        """Every action is always allowed, as the package tells learners; what is impossible is to stay."""
        return None

    def state(self) -> NDArray[np.float32] | None:
        """None: the observations serve as the state."""
        return None

    def moment(self, lane: int) -> FieldMoment:
        """Who and what is where in one lane."""
        players, foods = self._lanes.players[lane].tolist(), self._lanes.foods[lane].tolist()
        return FieldMoment(
            *self.config.field_size,
            players=tuple((row, column) for row, column, _ in players),
            levels=tuple(level for _, _, level in players),
            foods=tuple(((row, column), level) for row, column, level in foods if level),
            spawned=int(self._lanes.spawned[lane]),
            steps=int(self._lanes.steps[lane]),
        )

    def forget_places(self) -> None:
        """Let all lanes place their players as if nobody had stood anywhere before; a seed does it, too."""
        self._lanes.players[..., _kernel.ROW] = _kernel.NOWHERE

    @property
    def streams(self) -> NDArray[np.uint64]:
        """(num_envs, 6): every lane's random stream, where it lies; see `lockstep.envs.random_streams`."""
        return self._lanes.streams

    def get_state(self) -> dict[str, Any]:
        """See VectorEnv.get_state."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def set_state(self, state: dict[str, Any]) -> None:
        """See VectorEnv.set_state. Raises UserError for a state of another field."""
        arrays = self._arrays()
        if {name: np.shape(array) for name, array in state.items()} != {n: a.shape for n, a in arrays.items()}:
            raise UserError(
                f"This state does not fit {self.num_envs} lanes of {self.spec.key}; set it where it was taken."
            )
        for name, array in arrays.items():
            array[:] = state[name]
        self._look(np.arange(self.num_envs))

    def observe(self) -> Obs:
        """The observations of all lanes as they are now, to be copied if they must last."""
        return self._obs

    def close(self) -> None:
        """Nothing is open."""

    def _look(self, chosen: NDArray[np.int64]) -> None:
        _kernel.observe_fields(self._rules, self._lanes, chosen, self._obs.reshape(-1))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return self._lanes._asdict() | {"running": self._running}

    def _seed(self, chosen: NDArray[np.int64], seed: int | Sequence[int]) -> None:
        if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and 0 <= seed < 2**63:
            seeds = chosen.astype(np.uint64) + np.uint64(seed)
        elif isinstance(seed, Sequence) and len(seed) == self.num_envs and all(0 <= one < 2**63 for one in seed):
            seeds = np.array(seed, dtype=np.uint64)[chosen]
        else:
            raise UserError(
                f"seed={seed!r} must be a whole number from 0 to 2**63 - 1, or {self.num_envs} of them, one a lane."
            )
        with np.errstate(over="ignore"):
            _kernel.seed_fields(self._lanes, chosen, seeds)

    def _checked(self, actions: Any, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        moves = np.asarray(actions)
        if moves.shape != (self.num_envs, self.config.players) or not np.issubdtype(moves.dtype, np.integer):
            raise UserError(
                f"Actions must be {self.num_envs} x {self.config.players} whole numbers, not {moves.dtype} of shape "
                f"{moves.shape}."
            )
        wrong = (moves[chosen] < 0) | (moves[chosen] >= NUM_ACTIONS)
        if wrong.any():
            raise UserError(f"Action {moves[chosen][wrong][0]} does not exist; they are 0 to {NUM_ACTIONS - 1}.")
        return moves.astype(np.int64, copy=False)


def _rules_of(config: ForagingConfig) -> _kernel.FieldRules:
    rows, columns = config.field_size
    highest = config.max_food_level
    foods = (config.min_food_level, (-1,) * config.max_num_food if highest is None else highest)
    return _kernel.FieldRules(
        rows,
        columns,
        config.sight,
        config.max_episode_steps,
        bool(config.force_coop),
        bool(config.normalize_reward),
        bool(config.observe_agent_levels),
        bool(config.grid_observation),
        config.penalty,
        np.array((config.min_player_level, config.max_player_level), dtype=np.int64),
        np.array(foods, dtype=np.int64),
        config.obs_dim,
    )
