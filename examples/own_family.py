"""A family of worlds of one's own, lanes and looks; lockstep/envs/family.py says what else one can tell. From above:

lockstep train smoke env.key=examples.own_family:Corridors/7 env.arguments={} env.time_limit=12
"""

from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.envs.family import EnvRow, WorldFamily, WorldOptions
from lockstep.envs.protocol import TimeStep, check_running, chosen_lanes
from lockstep.envs.scene import Scene
from lockstep.spec import FLAG_BITS, EnvSpec


class Corridor:
    """Two guards earn 1 in every step that finds them at both ends. Each of them stays, goes left or goes right."""

    def __init__(self, key: str, cells: int, num_envs: int, seed: int, time_limit: int) -> None:
        self.cells, self.num_envs = cells, num_envs
        self.spec = EnvSpec(key, 2, 2 * cells, 3, time_limit, obs_bits=(FLAG_BITS,) * (2 * cells))
        self.rngs = [np.random.default_rng(seed + lane) for lane in range(num_envs)]
        self.places, self.time = np.zeros((num_envs, 2), dtype=np.int64), np.full(num_envs, time_limit)

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        for lane in chosen_lanes(mask, self.num_envs):
            self.rngs[lane] = self.rngs[lane] if seed is None else np.random.default_rng(seed + int(lane))
            self.places[lane], self.time[lane] = self.rngs[lane].integers(self.cells, size=2), 0
        return self.see()

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        lanes, reward = chosen_lanes(mask, self.num_envs), np.zeros((self.num_envs, 2), dtype=np.float32)
        check_running(self.time < self.spec.time_limit, lanes)
        self.places[lanes] = (self.places[lanes] + np.array([0, -1, 1])[actions[lanes]]).clip(0, self.cells - 1)
        self.time[lanes] += 1
        reward[lanes] = 0.5 * (np.ptp(self.places[lanes], axis=1, keepdims=True) == self.cells - 1)
        over = np.isin(np.arange(self.num_envs), lanes) & (self.time == self.spec.time_limit)
        return TimeStep(self.see(), reward, np.zeros_like(over), over)

    def see(self) -> Obs:  # where one stands oneself, and where the other does
        one_hot = np.eye(self.cells, dtype=np.float32)[self.places]
        return np.concatenate([one_hot, one_hot[:, ::-1]], axis=-1)

    def get_state(self) -> dict[str, Any]:
        return deepcopy({"rngs": self.rngs, "places": self.places, "time": self.time})

    def set_state(self, state: dict[str, Any]) -> None:
        vars(self).update(deepcopy(state))

    def available_actions(self) -> None: ...  # every action, always
    def state(self) -> None: ...  # the observations serve as the state
    def close(self) -> None: ...


class CorridorScene(Scene):
    action_names = ("stay", "left", "right")

    def moment(self, world: Corridor, lane: int) -> str:
        first, second = np.arange(world.cells) == world.places[lane][:, None]
        return " ".join("·12X"[number] for number in first + 2 * second)

    def text(self, moments: Any, number: int, theme: str) -> str:
        return str(moments[number])


class Corridors(WorldFamily):
    name = "corridors"  # `register(Corridors())` makes corridors/7 a key, too

    def rows(self, wanted: str) -> list[EnvRow]:
        return [EnvRow("examples.own_family:Corridors/7", 2, 14, 3, 12, "a corridor of 7 cells and two guards")]

    def make(self, key: str, num_envs: int, seed: int, options: WorldOptions) -> Corridor:
        return Corridor(key, int(key.rpartition("/")[2]), num_envs, seed, options.time_limit or 12)

    def scene(self, world: Corridor) -> CorridorScene:
        return CorridorScene()
