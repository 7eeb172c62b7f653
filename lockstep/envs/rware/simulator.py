"""RWARE, compiled: the official package's warehouses, step for step, many at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.exploration import Plan
from lockstep.acting.forward import TeamWeights
from lockstep.arrays import Mask, Obs
from lockstep.compute.compiled import announce_compilation
from lockstep.compute.machine import cores
from lockstep.envs.playing import check_play
from lockstep.envs.protocol import Onset, Record, TimeStep, check_running, chosen_lanes
from lockstep.envs.rware import _kernel, _observations, _playing, _tables
from lockstep.envs.rware.actions import as_array, check_actions, check_moves
from lockstep.envs.rware.config import WarehouseConfig
from lockstep.envs.rware.snapshot import Snapshot
from lockstep.errors import UserError

ROBOTS_PER_THREAD = 4096
"""Measured: two threads break even at 4,096 robots altogether, and are a third faster at 8,192."""

THOUGHTS_PER_THREAD = 1024
"""Of whole episodes: a millisecond's work, one observation of one robot a microsecond."""

Lanes = NDArray[np.int64]
"""(chosen lanes,) numbers"""
LaneNumbers = Lanes | Sequence[int]


class Simulator:
    """`num_envs` warehouses behind the VectorEnv protocol. Owns the arrays; the kernel moves what is in them.

    Large batches are split over `num_threads` threads (None: as many as this process has processors). The kernel
    releases the interpreter lock, and the threads sleep between two steps, so processes side by side do not fight.
    """

    def __init__(
        self, key: str, config: WarehouseConfig, num_envs: int, seed: int = 0, num_threads: int | None = None
    ) -> None:
        if num_envs < 1:
            raise UserError(f"num_envs={num_envs} must be at least 1.")
        if num_threads is not None and num_threads < 1:
            raise UserError(
                f"num_threads={num_threads} must be at least 1, or None for as many as there are processors."
            )
        self.config, self.num_envs = config, num_envs
        self.spec = config.spec(key)
        self._world = _tables.world_of(config)
        self._lanes = _tables.lanes_of(config, num_envs)
        self._eyes = _tables.eyes_of(config, self._world)
        self._write = _writer(config)
        self._obs = np.zeros((num_envs, config.n_agents, config.obs_dim), dtype=np.float32)
        self._reward = np.zeros((num_envs, config.n_agents), dtype=np.float32)
        self._terminated = np.zeros(num_envs, dtype=bool)
        self._truncated = np.zeros(num_envs, dtype=bool)
        self._running = np.zeros(num_envs, dtype=bool)
        self._all = np.arange(num_envs)
        self._num_threads = num_threads or cores()
        self._pool: ThreadPoolExecutor | None = None
        self._compile()
        self._seed(self._all, seed)

    def reset(self, seed: int | Sequence[int] | None = None, mask: Mask | None = None) -> Obs:
        """See VectorEnv.reset. Lane i with seed s draws what the official package draws after `reset(seed=s + i)`; a
        list gives every lane a seed of its own."""
        chosen = self._chosen(mask)
        if seed is not None:
            self._seed(chosen, seed)
        self._split(chosen, self._reset, self._look)
        self._running[chosen] = True
        return self._obs

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See VectorEnv.step. actions: (num_envs, agents) integers 0..4, or with message bits (num_envs, agents,
        1 + bits), the bits 0 or 1. Rewards outside the mask are 0. Raises UserError, with nothing changed, for anything
        else, and for lanes that have finished."""
        chosen = self._chosen(mask)
        self._check_running(mask, chosen)
        actions, bits = as_array(actions), self.config.msg_bits
        check_actions(actions, (self.num_envs, self.config.n_agents, *((1 + bits,) if bits else ())), bits, chosen)
        if bits:
            self._lanes.messages[chosen] = actions[chosen, :, 1:]
            actions = actions[..., 0]
        moves = np.ascontiguousarray(actions, dtype=np.int8).reshape(-1)
        self._terminated[:] = self._truncated[:] = False
        self._reward[:] = 0.0
        self._split(chosen, lambda part: self._advance(part, 1, moves, self._reward), self._look)
        self._running &= ~(self._terminated | self._truncated)
        return TimeStep(self._obs, self._reward, self._terminated, self._truncated)

    def play(self, actions: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Many steps of every lane without looking at anything: for finding out where rewards are.

        actions: (steps, num_envs, agents) in 0..4, int8 is fastest. Returns rewards of the same shape, 0 after a lane's
        episode has ended. All lanes must be running. The observations are not brought up to date: use `reset`,
        `set_state` or `copy_lanes` afterwards.
        """
        actions = as_array(actions)
        if actions.ndim != 3 or actions.shape[1:] != (self.num_envs, self.config.n_agents) or self.config.msg_bits:
            raise UserError(
                f"play takes (steps, {self.num_envs}, {self.config.n_agents}) actions of robots without message bits, "
                f"not {actions.shape}."
            )
        self._check_running(None, self._all)
        check_moves(actions)
        moves = actions.astype(np.int8, copy=False).reshape(-1)
        reward = np.zeros(actions.shape, dtype=np.float32)
        self._terminated[:] = self._truncated[:] = False
        self._split(self._all, lambda part: self._advance(part, len(actions), moves, reward))
        self._running &= ~(self._terminated | self._truncated)
        return reward

    def episode_steps(self) -> NDArray[np.int64]:
        """(num_envs,): how many steps of every lane's episode have been played."""
        return self._lanes.clocks[:, _kernel.STEPS].copy()

    @property
    def plays_teams(self) -> bool:
        """See `TeamPlay.plays_teams`: robots that see features and do not talk."""
        return self._write is _observations.write_flat

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
        announce_compilation("team's play", _playing.play_warehouses)
        assert self.plays_teams, "only flattened observations without messages"
        augment = augment or Onset.nothing()
        check_play(self, network, plan, first, record, augment)
        chosen = chosen_lanes(active, self.num_envs)
        self._check_running(active, chosen)
        self._terminated[:] = self._truncated[:] = False
        moves, reward, obs = np.empty(self._reward.size, dtype=np.int8), self._reward.reshape(-1), self._obs.reshape(-1)

        def play(part: Lanes) -> None:
            _playing.play_warehouses(
                self._world, self._lanes, self._eyes, network, augment, part, plan, first, memory, record,
                obs, moves, reward, self._terminated, self._truncated, active,
            )  # fmt: skip

        self._split(chosen, play, robots_per_thread=max(THOUGHTS_PER_THREAD // max(len(plan.forced), 1), 1))
        self._running[chosen] = active[chosen]

    def available_actions(self) -> Mask | None:
        """Every action is always allowed; what is impossible does nothing."""
        return None

    def state(self) -> NDArray[np.float32] | None:
        """None: the observations serve as the state."""
        return None

    def get_state(self, lanes: LaneNumbers | None = None) -> dict[str, Any]:
        """A copy of everything that decides the future of all lanes, or of those numbered in `lanes`: arrays whose
        first axis is the lane."""
        chosen = slice(None) if lanes is None else self._numbered(lanes)
        state = {name: array[chosen].copy() for name, array in self._lanes._asdict().items()}
        return state | {"running": self._running[chosen].copy()}

    def set_state(self, state: dict[str, Any], lanes: LaneNumbers | None = None) -> None:
        """Continue exactly from `get_state`, in all lanes or in those numbered in `lanes`; `observe` shows them."""
        chosen = self._all if lanes is None else self._numbered(lanes)
        arrays = self._lanes._asdict() | {"running": self._running}
        if set(state) != set(arrays):
            raise UserError("This state is not from a warehouse simulator of this version; it cannot be continued.")
        for name, array in arrays.items():
            if np.shape(state[name]) != (len(chosen), *array.shape[1:]):
                raise UserError(
                    f"This state does not fit: {name} is {np.shape(state[name])}, but {len(chosen)} lanes of "
                    f"{self.spec.key} need {(len(chosen), *array.shape[1:])}. Set it where it was taken."
                )
        _tables.check_state(self._world, state)
        for name, array in arrays.items():
            array[chosen] = state[name]
        self._split(chosen, self._look)

    @property
    def streams(self) -> NDArray[np.uint64]:
        """(num_envs, 6): every lane's random stream, where it lies; see `lockstep.envs.random_streams`."""
        return self._lanes.streams

    def observe(self) -> Obs:
        """The observations of all lanes as they are now: (num_envs, agents, obs_dim), to be copied if it must last."""
        return self._obs

    def copy_lanes(self, from_lanes: LaneNumbers, to_lanes: LaneNumbers) -> None:
        """Make every lane of `to_lanes` the twin of its partner in `from_lanes`, random stream and observation
        included. Both: lane numbers, equally many; no lane twice in `to_lanes`."""
        sources, targets = self._numbered(from_lanes), self._numbered(to_lanes)
        if len(sources) != len(targets) or len(np.unique(targets)) != len(targets):
            raise UserError(
                f"copy_lanes needs as many lanes to copy from ({len(sources)}) as different ones to copy to "
                f"({len(np.unique(targets))})."
            )
        for array in (*self._lanes, self._running):
            array[targets] = array[sources]
        self._split(targets, self._look)

    def snapshot(self, lane: int) -> Snapshot:
        """Who and what is where in one lane, for drawing and for comparing."""
        return _tables.snapshot_of(self.config, self._lanes, int(self._numbered(np.array([lane]))[0]))

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _compile(self) -> None:
        """Now rather than at the first step, by working on no lane at all."""
        announce_compilation(
            "warehouse simulator", _kernel.seed_lanes, _kernel.reset_lanes, _kernel.advance_lanes, self._write
        )
        nobody = self._all[:0]
        self._seed(nobody, 0)
        with np.errstate(over="ignore"):
            self._reset(nobody)
            self._advance(nobody, 0, np.zeros(0, dtype=np.int8), self._reward)
            self._look(nobody)

    def _seed(self, chosen: Lanes, seed: int | Sequence[int]) -> None:
        if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and 0 <= seed < 2**63:
            seeds = chosen.astype(np.uint64) + np.uint64(seed)
        elif isinstance(seed, Sequence) and len(seed) == self.num_envs and all(0 <= one < 2**63 for one in seed):
            seeds = np.array(seed, dtype=np.uint64)[chosen]
        else:
            raise UserError(
                f"seed={seed!r} must be a whole number from 0 to 2**63 - 1, or {self.num_envs} of them, one a lane."
            )
        with np.errstate(over="ignore"):
            _kernel.seed_lanes(self._lanes.streams, chosen, seeds)

    def _reset(self, part: Lanes) -> None:
        _kernel.reset_lanes(self._world, self._lanes, part)

    def _advance(self, part: Lanes, steps: int, moves: NDArray[np.int8], reward: NDArray[np.float32]) -> None:
        _kernel.advance_lanes(
            self._world, self._lanes, part, steps, moves, reward.reshape(-1), self._terminated, self._truncated
        )

    def _look(self, part: Lanes) -> None:
        self._write(self._eyes, self._lanes, part, self._obs.reshape(-1))

    def _chosen(self, mask: Mask | None) -> Lanes:
        return self._all if mask is None else chosen_lanes(mask, self.num_envs)

    def _numbered(self, lanes: Any) -> Lanes:
        numbers = np.asarray(lanes)
        if numbers.ndim != 1 or not (np.issubdtype(numbers.dtype, np.integer) or numbers.size == 0):
            raise UserError(f"Lanes are whole numbers in a row, not {numbers.dtype} of shape {numbers.shape}.")
        wrong = numbers[(numbers < 0) | (numbers >= self.num_envs)]
        if wrong.size:
            raise UserError(f"Lane {wrong[0]} does not exist; there are lanes 0 to {self.num_envs - 1}.")
        return numbers.astype(np.int64)

    def _check_running(self, mask: Mask | None, chosen: Lanes) -> None:
        if mask is not None or not self._running.all():  # in every step of all lanes: without taking them out
            check_running(self._running, chosen)

    def _split(self, chosen: Lanes, *work: Callable[[Lanes], None], robots_per_thread: int = ROBOTS_PER_THREAD) -> None:
        """Do one piece of work after the other on the chosen lanes, on several threads where there are enough."""

        def do(part: Lanes) -> None:
            for piece in work:
                piece(part)

        threads = min(self._num_threads, len(chosen), len(chosen) * self.config.n_agents // robots_per_thread)
        with np.errstate(over="ignore"):  # uncompiled, numpy would warn that random streams wrap around
            if threads < 2:
                do(chosen)
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._num_threads - 1, thread_name_prefix="simulator")
            first, *others = np.array_split(chosen, threads)
            pending = [self._pool.submit(do, part) for part in others]
            do(first)
            for future in pending:
                future.result()


def _writer(config: WarehouseConfig) -> Callable[..., None]:
    """The compiled function that writes this kind of observation."""
    if config.sees_images:
        return _observations.write_images
    return _observations.write_with_messages if config.msg_bits else _observations.write_flat
