"""The official package behind the same protocol: slow, and the truth. The only file that imports rware."""

from typing import Any

import numpy as np
from gymnasium.spaces import Space, flatten
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.envs.protocol import TimeStep
from lockstep.envs.rware.actions import as_array, check_actions
from lockstep.envs.rware.config import WarehouseConfig
from lockstep.envs.rware.snapshot import Robot, Snapshot
from lockstep.errors import UserError


def official_arguments(config: WarehouseConfig) -> dict[str, Any]:
    """The same rules as keyword arguments of `rware.warehouse.Warehouse`, with its enumerations."""
    from rware.warehouse import ImageLayer, ObservationType, RewardType

    return {
        "shelf_columns": config.shelf_columns,
        "column_height": config.column_height,
        "shelf_rows": config.shelf_rows,
        "n_agents": config.n_agents,
        "msg_bits": config.msg_bits,
        "sensor_range": config.sensor_range,
        "request_queue_size": config.request_queue_size,
        "max_inactivity_steps": config.max_inactivity_steps,
        "max_steps": config.max_steps,
        "reward_type": RewardType[config.reward_type.upper()],
        "layout": config.layout,
        "observation_type": ObservationType[config.observation_type.upper()],
        "image_observation_layers": [ImageLayer[layer.upper()] for layer in config.image_observation_layers],
        "image_observation_directional": config.image_observation_directional,
        "normalised_coordinates": config.normalised_coordinates,
    }


def official_direction(direction: int) -> Any:
    """The package's own member for a robot's direction."""
    from rware.warehouse import Direction

    return Direction(direction)


def make_official(config: WarehouseConfig) -> Any:
    """One `rware.warehouse.Warehouse`, as `gymnasium.make(key).unwrapped` gives it."""
    try:
        from rware.warehouse import Warehouse
    except ImportError as error:
        raise UserError(
            f"The official engine needs the package rware ({error}): pip install rware==2.0.0 six"
        ) from error
    return Warehouse(**official_arguments(config))


def official_snapshot(warehouse: Any) -> Snapshot:
    """One official warehouse in plain words."""
    robots = [
        Robot(
            x=int(robot.x),
            y=int(robot.y),
            direction=robot.dir.value,
            carried_shelf=robot.carrying_shelf.id if robot.carrying_shelf else 0,
            has_delivered=bool(robot.has_delivered),
            message=tuple(int(bit) for bit in robot.message),
        )
        for robot in warehouse.agents
    ]
    return Snapshot(
        height=warehouse.grid_size[0],
        width=warehouse.grid_size[1],
        goals=tuple(warehouse.goals),
        highways=tuple(tuple(bool(cell) for cell in row) for row in warehouse.highways),
        robots=tuple(robots),
        shelves=tuple((int(shelf.x), int(shelf.y)) for shelf in warehouse.shelfs),
        requested=tuple(shelf.id for shelf in warehouse.request_queue),
        steps=warehouse._cur_steps,
        idle_steps=warehouse._cur_inactive_steps,
    )


class OfficialWarehouses:
    """`num_envs` official warehouses stepped one after the other. Observations are flattened by Gymnasium's rule."""

    def __init__(self, key: str, config: WarehouseConfig, num_envs: int, seed: int = 0) -> None:
        self.config, self.num_envs = config, num_envs
        self.spec = config.spec(key)
        self.warehouses = [make_official(config) for _ in range(num_envs)]
        self._next_seeds: list[int | None] = [seed + lane for lane in range(num_envs)]
        self._obs = np.zeros((num_envs, config.n_agents, config.obs_dim), dtype=np.float32)
        self._reward = np.zeros((num_envs, config.n_agents), dtype=np.float32)
        self._terminated = np.zeros(num_envs, dtype=bool)
        self._truncated = np.zeros(num_envs, dtype=bool)
        self._running = np.zeros(num_envs, dtype=bool)

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        """See VectorEnv.reset. Only the first reset, and one with a seed, restarts a lane's random stream."""
        for lane in self._chosen(mask):
            if seed is not None:
                self._next_seeds[lane] = seed + int(lane)
            obs, _ = self.warehouses[lane].reset(seed=self._next_seeds[lane])
            self._next_seeds[lane] = None
            self._write(lane, obs)
            self._running[lane] = True
        return self._obs

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See VectorEnv.step. The package reports one flag for every ending; the two are told apart here."""
        chosen = self._chosen(mask)
        if not self._running[chosen].all():
            raise UserError("A lane has finished its episode, or never began one; reset it before stepping it.")
        actions, bits = as_array(actions), self.config.msg_bits
        check_actions(actions, (self.num_envs, self.config.n_agents, *((1 + bits,) if bits else ())), bits, chosen)
        self._terminated[:] = self._truncated[:] = False
        self._reward[:] = 0.0
        for lane in chosen:
            warehouse = self.warehouses[lane]
            obs, self._reward[lane], done, _, _ = warehouse.step(actions[lane].tolist())
            self._write(lane, obs)
            limit, patience = warehouse.max_steps, warehouse.max_inactivity_steps
            self._truncated[lane] = bool(limit) and warehouse._cur_steps >= limit
            self._terminated[lane] = bool(patience) and warehouse._cur_inactive_steps >= patience
            assert done == (self._truncated[lane] or self._terminated[lane]), "the package ended for a third reason"
            self._running[lane] = not done
        return TimeStep(self._obs, self._reward, self._terminated, self._truncated)

    def available_actions(self) -> Mask | None:
        """Every action is always allowed; what is impossible does nothing."""
        return None

    def state(self) -> NDArray[np.float32] | None:
        """None: the observations serve as the state."""
        return None

    def get_state(self) -> dict[str, Any]:
        """Refused: the package cannot be copied and restored piece by piece."""
        raise UserError("The official engine's state cannot be copied; use engine='lockstep', which plays the same.")

    def set_state(self, state: dict[str, Any]) -> None:
        """Refused, see get_state."""
        raise UserError("The official engine's state cannot be restored; use engine='lockstep', which plays the same.")

    def snapshot(self, lane: int) -> Snapshot:
        """Who and what is where in one lane, for drawing and for comparing."""
        return official_snapshot(self.warehouses[lane])

    def close(self) -> None:
        """Close windows, if any were opened."""
        for warehouse in self.warehouses:
            warehouse.close()

    def _chosen(self, mask: Mask | None) -> NDArray[np.int64]:
        return np.arange(self.num_envs) if mask is None else np.flatnonzero(mask)

    def _write(self, lane: int, obs: tuple[Any, ...]) -> None:
        for agent, seen in enumerate(obs):
            space: Space[Any] = self.warehouses[lane].observation_space[agent]
            flat: Any = seen if self.config.observation_type == "flattened" else flatten(space, seen)
            self._obs[lane, agent] = flat
