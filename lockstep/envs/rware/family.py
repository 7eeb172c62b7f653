"""What is known of warehouses: their keys, both engines, the programmed team, how they look, what is said of them."""

from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.policy import Policy
from lockstep.envs.family import About, EnvRow, Progress, WorldFamily, WorldOptions
from lockstep.envs.protocol import Remark, Trial, VectorEnv
from lockstep.envs.rware.config import WarehouseConfig, keyed_config, warehouse_config
from lockstep.envs.rware.features import feature_names
from lockstep.envs.rware.keys import is_rware_key, plain_key, registered_keys
from lockstep.envs.rware.layout import out_of_reach
from lockstep.envs.rware.snapshot import Snapshot
from lockstep.formats import counted

if TYPE_CHECKING:
    from lockstep.envs.rware.scene import WarehouseScene
    from lockstep.envs.rware.verify import VerifyReport

_TASK = (
    "Robots drive through a warehouse of shelves. A few shelves are requested at any time. A robot that drives under "
    "a requested shelf, lifts it and carries it to a goal cell earns the team one point, and another shelf is "
    "requested. The delivered shelf stays on the robot: before it can fetch the next one it must put this one down on "
    "a free place."
)
_HARD = (
    "What makes it hard: each robot sees only the cells around it, nobody tells it where requested shelves are, a "
    "loaded robot cannot pass under standing shelves, and nothing at all is earned on the way. A team that acts at "
    "random hardly ever delivers, so at first there is nothing to learn from."
)
_REWARDS = {
    "individual": "1 for the robot that delivers; the team's reward is their sum",
    "global": "1 for every robot at each delivery; the team's reward is their sum",
    "two_stage": "0.5 for delivering a shelf and 0.5 for bringing it back",
}


@runtime_checkable
class Floor(Protocol):
    """A warehouse of either engine. One that others play in, too (`lockstep.envs.others`), is none."""

    config: WarehouseConfig

    def snapshot(self, lane: int) -> Snapshot:
        """Who and what is where in one lane."""


class Warehouses(WorldFamily):
    """RWARE, compiled, and the official package as its oracle."""

    name = "rware"
    oracle = "rware"
    keys = {  # noqa: RUF012, a constant
        "rware-tiny-2ag-v2": "a warehouse: tiny, small, medium or large; 1 to 19 robots (ag); behind them -easy or "
        "-hard, for twice or half as many requests; -2s before the size lets them see two cells far",
        "rware-1x3-8h-2ag-2req-global-v2": "the same in numbers: rows x columns of shelves, their height, robots, "
        "requests, and who is rewarded: indiv, global, twostage",
    }

    def owns(self, key: str) -> bool:
        """`rware-tiny-2ag-v2` and its like, also as Gymnasium writes them."""
        return is_rware_key(key)

    def rows(self, wanted: str) -> list[EnvRow]:
        """The registered keys; images appear where `img` is asked for."""
        keys = [*registered_keys(), *(registered_keys(images=True) if "img" in wanted else ())]
        return [_row(key) for key in keys if wanted in key]

    def make(self, key: str, num_envs: int, seed: int, options: WorldOptions) -> VectorEnv:
        """See `WorldFamily.make`. The arguments are rware's `Warehouse(...)`'s, `layout` included."""
        config = keyed_config(key, options.time_limit, options.arguments)
        if options.engine == "official":
            from lockstep.envs.rware.official import OfficialWarehouses

            return OfficialWarehouses(plain_key(key), config, num_envs, seed)
        from lockstep.envs.rware.simulator import Simulator

        return Simulator(plain_key(key), config, num_envs, seed, options.num_threads)

    def playable(self, env: VectorEnv) -> VectorEnv:
        """Robots with message bits choose a move and what they say as one action."""
        from lockstep.envs.rware.talking import TalkingRobots

        bits = env.config.msg_bits if isinstance(env, Floor) else 0
        return TalkingRobots(env, bits) if bits else env

    def try_out(self, key: str, options: WorldOptions) -> Trial | None:
        """See whether the drawn floor can be served."""
        rules = keyed_config(key, options.time_limit, options.arguments)
        sentence = out_of_reach(rules.floor)
        return None if sentence is None else Trial(rules.time_limit, [Remark("layout", sentence, True)])

    def feature_names(self, key: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """As docs/observations.md explains them."""
        return feature_names(keyed_config(key, None, arguments))

    def called(self, key: str, arguments: Mapping[str, Any]) -> str:
        """A floor of one's own by its size and its robots, `5 x 5 floor, 2 robots`; else what differs from the key."""
        if not arguments.get("layout"):
            shown = ", ".join(f"{name}={value}" for name, value in arguments.items())
            return f"{key} with {shown}" if shown else key
        rules = keyed_config(key, None, arguments)
        robots = "one robot" if rules.n_agents == 1 else f"{rules.n_agents} robots"
        return f"{rules.floor.height} x {rules.floor.width} floor, {robots}"

    def rate(self, key: str, arguments: Mapping[str, Any], reward_per_step: float) -> str:
        """Deliveries an hour of robots that take a second for a step, where a delivery is a reward of 1."""
        if keyed_config(key, None, arguments).reward_type != "individual":
            return ""
        deliveries = counted(f"{3600 * reward_per_step:,.0f}", "delivery", "deliveries")
        return f"{deliveries} an hour, where a robot takes a second for a step"

    def has_official(self, key: str) -> bool:
        """Lockstep brings the package along."""
        return True

    def heuristic(self, world: Any) -> Policy:
        """A team that knows every request. Raises UserError where it cannot plan."""
        from lockstep.envs.rware.heuristic import HeuristicPolicy

        return HeuristicPolicy(world)

    def scene(self, world: Any) -> "WarehouseScene | None":
        """A floor with robots and shelves; none where only some of the robots learn."""
        from lockstep.envs.rware.scene import WarehouseScene

        return WarehouseScene(world.config.sensor_range) if isinstance(world, Floor) else None

    def script(self) -> str:
        """The floor on a page's canvas."""
        return (files(__package__) / "scene.js").read_text(encoding="utf-8")

    def facts(self, world: Any, actions: NDArray[np.int64], seed: int) -> dict[str, float]:
        """Who delivers, and who brings the delivered shelf back."""
        from lockstep.envs.rware.behavior import warehouse_behavior

        return warehouse_behavior(world, actions, seed)

    def about(self, world: Any) -> About:
        """The task in words and numbers, and the way of a delivery."""
        if not isinstance(world, Floor):
            return About()
        rules, floor = world.config, world.config.floor
        return About(
            paragraphs=(_TASK, _HARD),
            caption="A fresh warehouse: robots, shelves, requested shelves in their own color, and the goals.",
            rows=(
                ("Floor", f"{floor.height} × {floor.width} cells, {_shelves(len(floor.shelf_cells))}"),
                ("Requested at a time", _shelves(rules.request_queue_size)),
                ("Reward", _REWARDS[rules.reward_type]),
            ),
            sees=("Each robot sees", f"{rules.view} × {rules.view} cells around it"),
            can=("Each robot can", "wait, drive forward, turn left, turn right, lift or put down a shelf"),
            way="a delivery takes about",
            way_steps=_round_trip(rules),
        )

    def verify(self, keys: str | None, steps: int, seed: int | None, progress: Progress) -> "VerifyReport":
        """Warehouses of every kind, also those that rware does not register."""
        from lockstep.envs.rware.verify import verify

        return verify(keys, steps, seed, progress)


def _shelves(number: int) -> str:
    return counted(number, "shelf", "shelves")


def _row(key: str) -> EnvRow:
    config = warehouse_config(key)
    floor, spec = config.floor, config.spec(key)
    world = f"{floor.height} x {floor.width}, {_shelves(len(floor.shelf_cells))}, {config.request_queue_size} requested"
    return EnvRow(key, spec.num_agents, spec.obs_dim, spec.num_actions, spec.time_limit, world)


def _round_trip(rules: WarehouseConfig) -> float:
    """Steps from a shelf's place to the nearest goal and back, on average over the places, by city blocks."""
    floor = rules.floor
    y, x = np.divmod(floor.shelf_cells, floor.width)
    goals = np.array(floor.goals)  # (goals, 2): x, y
    distances = np.abs(x[:, None] - goals[:, 0]) + np.abs(y[:, None] - goals[:, 1])
    return float(2 * distances.min(1).mean())
