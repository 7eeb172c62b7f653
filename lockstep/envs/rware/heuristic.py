"""What a sensible programmer would write: a team that knows every request and plans its ways. For reference.

It sees the whole floor, which a trained team does not. Every robot fetches the nearest requested shelf (pairs are made
for the whole team), carries it to the nearest goal, and puts it down on the free place that lies best for what it
fetches next. `_errands` decides this, `_paths` how they pass each other.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.envs.onset_memory import underneath
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.rware._errands import Routes, fill_steps
from lockstep.envs.rware._paths import decide
from lockstep.envs.rware.config import WarehouseConfig
from lockstep.envs.rware.layout import Layout
from lockstep.envs.rware.official import OfficialWarehouses
from lockstep.envs.rware.simulator import Simulator
from lockstep.errors import UserError

MAX_PLANNED_CELLS = 2_500
"""The ways from every place to every place take memory that grows with the square of the cells."""
_FRESH_MEMORY = (0, -1, 0, 0, 0)


class HeuristicPolicy:
    """A `lockstep.acting.policy.Policy` for one warehouse environment, on either engine.

    It reads the environment's state instead of the observations, so `act` must be called between that environment's
    steps, as `collect` and `evaluate` do. Raises UserError for worlds that are no warehouse, floors above
    MAX_PLANNED_CELLS cells, and robots that send messages.
    """

    def __init__(self, env: VectorEnv) -> None:
        world = underneath(env)
        if not isinstance(world, Simulator | OfficialWarehouses):
            raise UserError(
                f"There is a heuristic team for warehouses, fields of food and particle games, not for {env.spec.key}."
            )
        if world.config.msg_bits:
            raise UserError(f"msg_bits={world.config.msg_bits}: the heuristic team sends no messages; leave them out.")
        self.env = world
        self.routes = routes_of(world.config.floor)

    def act(self, obs: Obs, available: Mask | None, last_actions: Any, memory: Any) -> tuple[NDArray[np.int64], Any]:
        """See Policy.act; of its arguments only the memory is used: (num_envs, agents, 5) integers."""
        robots, shelves, queues = arrays_of(self.env)
        memory = fresh_memory(*robots.shape[:2]) if memory is None else memory.copy()
        actions = np.zeros(robots.shape[:2], dtype=np.int64)
        informed = np.ones((*robots.shape[:2], queues.shape[1]), dtype=np.bool_)  # everybody, of everything
        decide(self.routes, robots, shelves, queues, informed, memory, actions)
        return actions, memory


def routes_of(floor: Layout) -> Routes:
    """All ways on a floor. Raises UserError where there are too many cells."""
    cells = floor.height * floor.width
    if cells > MAX_PLANNED_CELLS:
        raise UserError(
            f"The heuristic team plans on floors of up to {MAX_PLANNED_CELLS:,} cells, not {cells:,}; "
            "choose a smaller warehouse or --policy random."
        )
    numbers = np.pad(np.arange(cells).reshape(floor.height, floor.width), 1, constant_values=-1)
    around = (numbers[:-2, 1:-1], numbers[2:, 1:-1], numbers[1:-1, :-2], numbers[1:-1, 2:])
    ahead = np.stack([side.reshape(-1) for side in around], axis=-1)
    highways, places = floor.highways.reshape(-1), floor.shelf_cells.astype(np.int64)
    goals = np.array([y * floor.width + x for x, y in floor.goals], dtype=np.int64)
    steps = np.zeros((2 * len(places) + 2, 4 * cells), dtype=np.int16)
    for number, cell in enumerate(places):
        end = np.array([cell])
        fill_steps(ahead, np.ones_like(highways), end, steps[number])
        fill_steps(ahead, highways, end, steps[len(places) + number])
    fill_steps(ahead, highways, goals, steps[-2])
    nearest = steps.reshape(len(steps), cells, 4)[:, places].min(-1)
    between = np.ascontiguousarray(nearest[: len(places)])
    central = np.argsort(between.astype(np.float64).mean(1), kind="stable")
    return Routes(ahead, highways, places, steps, between, np.ascontiguousarray(nearest[-2]), central)


def fresh_memory(lanes: int, agents: int) -> NDArray[np.int64]:
    """(lanes, agents, 5): what robots remember that have planned nothing yet."""
    return np.tile(np.array(_FRESH_MEMORY, dtype=np.int64), (lanes, agents, 1))


def arrays_of(
    env: Simulator | OfficialWarehouses,
) -> tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int16]]:
    """Robots (lanes, agents, 3), shelves (lanes, cells) and queues (lanes, requests) of all lanes, see `_errands`."""
    if isinstance(env, Simulator):
        return _without_border(env.get_state(), env.config)
    scenes = [env.snapshot(lane) for lane in range(env.num_envs)]
    width = env.config.floor.width
    robots = [[(r.y * width + r.x, r.direction, r.carried_shelf) for r in scene.robots] for scene in scenes]
    shelves = np.zeros((env.num_envs, env.config.floor.height * width), dtype=np.int16)
    for lane, scene in enumerate(scenes):
        for number, (x, y) in enumerate(scene.shelves, start=1):
            shelves[lane, y * width + x] = number
    queues = np.array([scene.requested for scene in scenes], dtype=np.int16)
    return np.array(robots, dtype=np.int64), shelves, queues


def _without_border(
    state: dict[str, Any], config: WarehouseConfig
) -> tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int16]]:
    """The simulator's floor has a border of walls; cells are numbered without it here."""
    floor, border = config.floor, config.sensor_range
    height, width = floor.height + 2 * border, floor.width + 2 * border
    robots = state["robots"][..., :3].astype(np.int64)
    y, x = np.divmod(robots[..., 0], width)
    robots[..., 0] = (y - border) * floor.width + x - border
    inside = state["shelves"].reshape(-1, height, width)[:, border:-border, border:-border]
    return robots, np.ascontiguousarray(inside.reshape(len(robots), -1)), state["queue"]
