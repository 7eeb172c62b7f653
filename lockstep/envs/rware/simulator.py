"""RWARE, compiled: the official package's warehouses, step for step, many at a time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.rware import _kernel
from lockstep.envs.rware.config import WarehouseConfig
from lockstep.envs.vector_env import Mask, Obs, TimeStep
from lockstep.errors import UserError
from lockstep.spec import EnvSpec

NUM_ACTIONS = 5
REWARD_TYPES = {"global": _kernel.GLOBAL, "individual": _kernel.INDIVIDUAL, "two_stage": _kernel.TWO_STAGE}
LANES_PER_THREAD = 256
"""Fewer lanes than this are stepped faster by one thread than by two."""


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
        if config.observation_type != "flattened":
            raise UserError("Image observations are not compiled yet; ask for observation_type='flattened'.")
        self.config, self.num_envs = config, num_envs
        self.spec = EnvSpec(
            key=key,
            num_agents=config.n_agents,
            obs_dim=config.obs_dim,
            num_actions=NUM_ACTIONS,
            time_limit=config.time_limit,
            obs_bits=config.obs_bits,
        )
        self._world = _world(config)
        self._lanes = _lanes(config, num_envs)
        self._obs = np.zeros((num_envs, config.n_agents, config.obs_dim), dtype=np.float32)
        self._reward = np.zeros((num_envs, config.n_agents), dtype=np.float32)
        self._terminated = np.zeros(num_envs, dtype=bool)
        self._truncated = np.zeros(num_envs, dtype=bool)
        self._running = np.zeros(num_envs, dtype=bool)
        self._all = np.arange(num_envs)
        self._num_threads = max(1, num_threads or available_processors())
        self._pool: ThreadPoolExecutor | None = None
        _kernel.seed_lanes(self._lanes, self._all, checked_seed(seed))

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        """See VectorEnv.reset. Lane i with seed s draws what the official package draws after `reset(seed=s + i)`."""
        chosen = self._chosen(mask)
        if seed is not None:
            _kernel.seed_lanes(self._lanes, chosen, checked_seed(seed))
        self._split(chosen, lambda part: _kernel.reset_lanes(self._world, self._lanes, part, self._obs))
        self._running[chosen] = True
        return self._obs

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See VectorEnv.step. actions: (num_envs, agents) integers 0..4, or with message bits (num_envs, agents,
        1 + bits), the bits 0 or 1. Raises UserError, with nothing changed, for anything else."""
        chosen = self._chosen(mask)
        movement = self._checked(np.asarray(actions))
        if not self._running[chosen].all():
            lane = chosen[~self._running[chosen]][0]
            raise UserError(f"Lane {lane} has finished its episode, or never began one; reset it before stepping it.")
        if self.config.msg_bits:
            self._lanes.messages[chosen] = np.asarray(actions)[chosen, :, 1:]
        self._terminated[:] = self._truncated[:] = False
        self._split(
            chosen,
            lambda part: _kernel.step_lanes(
                self._world,
                self._lanes,
                part,
                movement,
                self._obs,
                self._reward,
                self._terminated,
                self._truncated,
            ),
        )
        self._running[chosen] = ~(self._terminated | self._truncated)[chosen]
        return TimeStep(self._obs, self._reward, self._terminated, self._truncated)

    def play(self, actions: NDArray[np.int8]) -> NDArray[np.float32]:
        """A whole fresh episode of every lane without looking at anything: for finding out where rewards are.

        actions: (num_envs, steps, agents) int8 in 0..4, steps <= time_limit. Returns rewards of the same shape. The
        lanes must have been reset; they are finished afterwards.
        """
        steps = actions.shape[1]
        if actions.shape != (self.num_envs, steps, self.config.n_agents) or steps > self.config.time_limit:
            raise UserError(
                f"play takes ({self.num_envs}, steps, {self.config.n_agents}) actions, not {actions.shape}."
            )
        reward = np.zeros(actions.shape, dtype=np.float32)
        self._split(self._all, lambda part: _kernel.play_lanes(self._world, self._lanes, part, actions, reward))
        self._running[:] = False
        return reward

    def available_actions(self) -> Mask | None:
        """Every action is always allowed; what is impossible does nothing."""
        return None

    def state(self) -> NDArray[np.float32] | None:
        """None: the observations serve as the state."""
        return None

    def get_state(self) -> dict[str, Any]:
        """A copy of everything that decides the future."""
        state: dict[str, Any] = {name: array.copy() for name, array in self._lanes._asdict().items()}
        return {**state, "running": self._running.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue exactly from `get_state`; observations are made anew."""
        for name, array in self._lanes._asdict().items():
            array[:] = state[name]
        self._running[:] = state["running"]
        _kernel.observe_lanes(self._world, self._lanes, self._all, self._obs)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _chosen(self, mask: Mask | None) -> NDArray[np.int64]:
        if mask is None:
            return self._all
        mask = np.asarray(mask)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise UserError(
                f"The mask must be {self.num_envs} booleans, one for each lane, not {mask.dtype} of shape {mask.shape}."
            )
        return np.flatnonzero(mask)

    def _checked(self, actions: NDArray[Any]) -> NDArray[np.int64]:
        """The movement part of valid actions."""
        bits = self.config.msg_bits
        shape = (self.num_envs, self.config.n_agents, *((1 + bits,) if bits else ()))
        if actions.shape != shape or not np.issubdtype(actions.dtype, np.integer):
            raise UserError(f"Actions must be integers of shape {shape}, not {actions.dtype} of shape {actions.shape}.")
        movement = actions[..., 0] if bits else actions
        if movement.size and (movement.min() < 0 or movement.max() >= NUM_ACTIONS):
            wrong = movement[(movement < 0) | (movement >= NUM_ACTIONS)].flat[0]
            raise UserError(
                f"Action {wrong} does not exist: 0 stands still, 1 goes forward, 2 and 3 turn left and right, 4 loads."
            )
        if bits and not np.isin(actions[..., 1:], (0, 1)).all():
            raise UserError("Message bits must be 0 or 1.")
        return np.ascontiguousarray(movement, dtype=np.int64)

    def _split(self, chosen: NDArray[np.int64], work: Callable[[NDArray[np.int64]], None]) -> None:
        """Do the work on all chosen lanes, on several threads where there are enough of them."""
        threads = min(self._num_threads, len(chosen) // LANES_PER_THREAD)
        if threads < 2:
            work(chosen)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._num_threads - 1, thread_name_prefix="simulator")
        first, *others = np.array_split(chosen, threads)
        pending = [self._pool.submit(work, part) for part in others]
        work(first)
        for future in pending:
            future.result()


def available_processors() -> int:
    """Processors this process may run on."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def checked_seed(seed: int) -> np.uint64:
    if not 0 <= int(seed) < 2**63:
        raise UserError(f"seed={seed} must be at least 0 and below 2**63.")
    return np.uint64(seed)


def _world(config: WarehouseConfig) -> _kernel.World:
    layout = config.floor
    y, x = (index.reshape(-1) for index in np.indices((layout.height, layout.width)))
    scale = (layout.width - 1, layout.height - 1) if config.normalised_coordinates else (1, 1)
    looks = np.zeros((_kernel.NUM_LOOKS, 7 + config.msg_bits), dtype=np.float32)
    for look in range(_kernel.NUM_LOOKS):
        robot, shelf = divmod(look, 3)
        looks[look, 0] = robot > 0
        looks[look, 1 + max(robot - 1, 0)] = 1.0  # an empty cell looks as if it headed up (line 655)
        looks[look, -2:] = shelf > 0, shelf == 2
    return _kernel.World(
        height=layout.height,
        width=layout.width,
        sensor_range=config.sensor_range,
        reward_type=REWARD_TYPES[config.reward_type],
        time_limit=config.time_limit,
        max_inactivity=config.max_inactivity_steps or 0,
        highways=layout.highways.reshape(-1),
        goal_cells=np.array([gy * layout.width + gx for gx, gy in layout.goals], dtype=np.int64),
        shelf_cells=layout.shelf_cells,
        cell_hashes=np.array(
            [hash((int(a), int(b))) & 0xFFFFFFFFFFFFFFFF for a, b in zip(x, y, strict=True)], dtype=np.uint64
        ),
        coordinates=np.stack([x / scale[0], y / scale[1]], axis=-1).astype(np.float32),
        looks=looks,
    )


def _lanes(config: WarehouseConfig, num_envs: int) -> _kernel.Lanes:
    layout, border = config.floor, 2 * config.sensor_range
    cells, shelves = layout.height * layout.width, len(layout.shelf_cells)
    return _kernel.Lanes(
        agents=np.zeros((num_envs, config.n_agents, 4), dtype=np.int64),
        messages=np.zeros((num_envs, config.n_agents, config.msg_bits), dtype=np.uint8),
        shelf_at=np.zeros((num_envs, cells), dtype=np.int16),
        shelf_cells=np.zeros((num_envs, shelves + 1), dtype=np.int64),
        agent_at=np.zeros((num_envs, cells), dtype=np.int16),
        seen_at=np.zeros((num_envs, (layout.height + border) * (layout.width + border)), dtype=np.uint8),
        queue=np.zeros((num_envs, config.request_queue_size), dtype=np.int16),
        requested=np.zeros((num_envs, shelves + 1), dtype=np.uint8),
        steps=np.zeros(num_envs, dtype=np.int64),
        idle_steps=np.zeros(num_envs, dtype=np.int64),
        streams=np.zeros((num_envs, 6), dtype=np.uint64),
    )
