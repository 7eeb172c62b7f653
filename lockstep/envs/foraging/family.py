"""What is known of fields of food: keys, both engines, the programmed team, how they look, what is said of them."""

from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.policy import Policy
from lockstep.envs.family import About, EnvRow, Progress, WorldFamily, WorldOptions
from lockstep.envs.foraging.config import NUM_ACTIONS, ForagingConfig, foraging_config
from lockstep.envs.foraging.features import feature_names
from lockstep.envs.foraging.keys import is_foraging_key, registered_keys
from lockstep.envs.foraging.moment import FieldMoment
from lockstep.envs.protocol import VectorEnv
from lockstep.formats import counted

if TYPE_CHECKING:
    from lockstep.envs.foraging.scene import ForagingScene
    from lockstep.envs.foraging.verify import ForagingReport

STANDARD_KEYS = (
    "Foraging-5x5-2p-1f-v3",
    "Foraging-8x8-2p-2f-v3",
    "Foraging-8x8-2p-2f-coop-v3",
    "Foraging-2s-8x8-2p-2f-coop-v3",
    "Foraging-10x10-3p-3f-v3",
    "Foraging-2s-10x10-3p-3f-v3",
    "Foraging-15x15-3p-4f-v3",
    "Foraging-15x15-4p-3f-v3",
)
"""Those that `lockstep envs` lists of nearly two thousand, where nobody asks for them."""
_TASK = (
    "Players walk over a field on which food lies. Players and food have levels. Food is eaten where those who load it "
    "in the same step, each on one of the four cells beside it, have levels that make up its own together; then it is "
    "shared out by their levels. All food together is worth 1, and when all is eaten the episode ends."
)
_HARD = (
    "What makes it hard: a player cannot tell whether the other one beside the food will load in this step, to walk "
    "beside food that is too heavy earns nothing, and whoever wants a cell that another one wants stays where it is."
)


@runtime_checkable
class FoodField(Protocol):
    """A field of either engine. One that others play in, too (`lockstep.envs.others`), is none."""

    config: ForagingConfig

    def moment(self, lane: int) -> FieldMoment:
        """Who and what is where in one lane."""


class Fields(WorldFamily):
    """Level-Based Foraging, compiled, and the official package as its oracle."""

    name = "foraging"
    also_called = ("lbforaging", "lbf")
    oracle = "lbforaging"
    keys = {  # noqa: RUF012, a constant
        "Foraging-8x8-2p-2f-v3": "a field of food: its size, players (p), foods (f); -coop where every food takes all "
        "of them; -2s before the size lets them see two cells far"
    }

    def owns(self, key: str) -> bool:
        """`Foraging-8x8-2p-2f-v3` and its like, also as Gymnasium and EPyMARL write them."""
        return is_foraging_key(key)

    def rows(self, wanted: str) -> list[EnvRow]:
        """The usual keys; all registered ones where they are asked for, and those that see a grid with `grid`."""
        keys = registered_keys(grid="grid" in wanted) if wanted else STANDARD_KEYS
        return [_row(key) for key in keys if wanted in key]

    def make(self, key: str, num_envs: int, seed: int, options: WorldOptions) -> VectorEnv:
        """See `WorldFamily.make`. The arguments are lbforaging's `ForagingEnv(...)`'s."""
        config = foraging_config(key, options.time_limit, options.arguments)
        if options.engine == "official":
            from lockstep.envs.foraging.official import OfficialForaging

            return OfficialForaging(key, config, num_envs, seed)
        from lockstep.envs.foraging.simulator import ForagingSimulator

        return ForagingSimulator(key, config, num_envs, seed)

    def feature_names(self, key: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """Places count from the corner of what is seen."""
        return feature_names(foraging_config(key, None, arguments))

    def has_official(self, key: str) -> bool:
        """Where lbforaging is installed."""
        return find_spec("lbforaging") is not None

    def heuristic(self, world: Any) -> Policy | None:
        """A team that knows the whole field and shares it out; none where only some of the players learn."""
        from lockstep.envs.foraging.heuristic import ForagingHeuristic

        return ForagingHeuristic(world) if isinstance(world, FoodField) else None  # type: ignore[arg-type]

    def scene(self, world: Any) -> "ForagingScene | None":
        """A field with players and food; none where only some of the players learn."""
        from lockstep.envs.foraging.scene import ForagingScene

        return ForagingScene(world.config.sight) if isinstance(world, FoodField) else None

    def script(self) -> str:
        """The field on a page's canvas."""
        return (files(__package__) / "scene.js").read_text(encoding="utf-8")

    def facts(self, world: Any, actions: NDArray[np.int64], seed: int) -> dict[str, float]:
        """Who eats, with whom, and what is tried in vain."""
        from lockstep.envs.foraging.behavior import foraging_behavior

        return foraging_behavior(world, actions, seed)

    def about(self, world: Any) -> About:
        """The task in words and numbers, and the way to a meal."""
        if not isinstance(world, FoodField):
            return About()
        rules = world.config
        (rows, columns), foods = rules.field_size, counted(rules.max_num_food, "food")
        seen = "the whole field" if rules.sight >= max(rows, columns) - 1 else f"{rules.view} × {rules.view} cells"
        return About(
            paragraphs=(_TASK, _HARD),
            caption="A fresh field: players with their levels, food with its level.",
            rows=(
                ("Field", f"{rows} × {columns} cells, {foods} of levels up to {rules.highest_food}"),
                ("Levels of players", f"up to {rules.highest_player}"),
                ("Reward", _reward(rules)),
            ),
            sees=("Each player sees", seen),
            can=("Each player can", "stay, walk north, south, west or east, load"),
            way="a meal takes about",
            way_steps=(rows + columns) / 3,
        )

    def verify(self, keys: str | None, steps: int, seed: int | None, progress: Progress) -> "ForagingReport":
        """Fields of every kind, also those that lbforaging does not register."""
        from lockstep.envs.foraging.verify import verify

        return verify(keys, steps, seed, progress)


def _row(key: str) -> EnvRow:
    config = foraging_config(key, None, {})
    rows, columns = config.field_size
    foods = counted(config.max_num_food, "food") + " that takes several" * config.force_coop
    world = f"{rows} x {columns}, {foods}" + ", seen in part" * (config.sight < max(rows, columns) - 1)
    return EnvRow(key, config.players, config.obs_dim, NUM_ACTIONS, config.max_episode_steps, world)


def _reward(rules: ForagingConfig) -> str:
    paid = f"; a failed load costs {rules.penalty:g}" if rules.penalty else ""
    if rules.normalize_reward:
        return f"each eater's share of the food, of all food; the team's reward is their sum, at most 1{paid}"
    return f"each eater's level times that of the food; the team's reward is their sum{paid}"
