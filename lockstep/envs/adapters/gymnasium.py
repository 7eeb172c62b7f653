"""The simulators as Gymnasium knows environments: `lockstep/rware-tiny-2ag-v2`, `lockstep/Foraging-8x8-2p-2f-v3`, ...

Importing this module registers them. `gymnasium.make(id)` is a drop-in for the official environment, and
`gymnasium.make_vec(id, num_envs=...)` steps many at once. Further keyword arguments are those of rware's `Warehouse`,
or of lbforaging's `ForagingEnv`, for which see `lockstep.envs.adapters.field_env`.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from lockstep.envs.adapters import package_views
from lockstep.envs.adapters.kinds import Frame, kind_of
from lockstep.envs.adapters.one_world import RENDER_MODES, OneWorld, checked_render_mode, fresh_generator
from lockstep.envs.adapters.package_views import AgentView, ShelfView
from lockstep.envs.adapters.registration import DEFAULT_KEY, register
from lockstep.envs.adapters.spaces import action_space, official_space, structured
from lockstep.envs.rware.official import official_arguments
from lockstep.errors import UserError


class WarehouseEnv(gymnasium.Env[tuple[Any, ...], Any]):
    """One warehouse, a drop-in for `rware.warehouse.Warehouse`: same spaces, same seeds, same returns, same attributes.

    Observations and actions are tuples with an entry for every robot, rewards a list. As in the package, every
    ending is reported as terminated. `render_mode="rgb_array"` needs no display, "human" opens a window.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 10}  # noqa: RUF012, as in Gymnasium

    def __init__(self, key: str = DEFAULT_KEY, render_mode: str | None = None, **warehouse_arguments: Any) -> None:
        self._warehouse = OneWorld(key, render_mode, warehouse_arguments)
        self.config, self.simulator = self._warehouse.config, self._warehouse.simulator
        self.render_mode = render_mode
        self._np_random, self._np_random_seed = fresh_generator()
        self._is_reset = False
        self._global_image: NDArray[np.float32] | None = None
        self.action_space = spaces.Tuple([action_space(self.config) for _ in range(self.config.n_agents)])
        self.observation_space = spaces.Tuple([official_space(self.config) for _ in range(self.config.n_agents)])

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Start an episode; with a seed, the one that the official environment starts with it."""
        super().reset(seed=seed)
        self._is_reset = True
        return self._structured(self._warehouse.reset(self.np_random)), {}

    def step(  # type: ignore[override]  # a list of rewards, as in the package
        self, action: Any
    ) -> tuple[tuple[Any, ...], list[float], bool, bool, dict[str, Any]]:
        """One step. Rewards are a list.

        action: for every robot 0..4, a member of the package's `Action`, or an array of one; with message bits
        (0..4, bit, ...).
        """
        step = self._warehouse.step(self.np_random, action)
        done = bool(step.terminated[0] or step.truncated[0])
        return self._structured(step.obs), [float(reward) for reward in step.reward[0]], done, False, {}

    def seed(self, seed: int | None = None) -> None:
        """Let the random stream start from a seed without beginning an episode, as the package's `seed` does. EPyMARL
        calls it. None: nothing changes."""
        if seed is not None:
            super().reset(seed=seed)

    def render(self, mode: str | None = None) -> Frame | None:
        """The picture, or None without a render mode. mode: another one than the environment was made with."""
        return self._warehouse.render(mode or self.render_mode)

    def close(self) -> None:
        """Close the window."""
        self._warehouse.close()

    # What users of the package read. The rules:
    n_agents = property(attrgetter("config.n_agents"))
    msg_bits = property(attrgetter("config.msg_bits"))
    sensor_range = property(attrgetter("config.sensor_range"))
    request_queue_size = property(attrgetter("config.request_queue_size"))
    max_steps = property(attrgetter("config.max_steps"))
    max_inactivity_steps = property(attrgetter("config.max_inactivity_steps"))
    normalised_coordinates = property(attrgetter("config.normalised_coordinates"))
    image_observation_directional = property(attrgetter("config.image_observation_directional"))
    column_height = property(attrgetter("config.column_height"))
    reward_range = (0, 1)

    @property
    def reward_type(self) -> Any:
        """A member of `rware.warehouse.RewardType`."""
        return official_arguments(self.config)["reward_type"]

    @property
    def image_observation_layers(self) -> Any:
        """Members of `rware.warehouse.ImageLayer`."""
        return official_arguments(self.config)["image_observation_layers"]

    @property
    def grid_size(self) -> tuple[int, int]:
        """(height, width)"""
        return self.config.floor.height, self.config.floor.width

    @property
    def goals(self) -> list[tuple[int, int]]:
        """(x, y) of every goal; a copy."""
        return list(self.config.floor.goals)

    @property
    def highways(self) -> NDArray[np.uint8]:
        """(height, width): 1 on corridors and goals; a copy that cannot be written to."""
        return package_views.highways_of(self.simulator.snapshot(0))

    # And the moment; empty before the first reset:
    @property
    def agents(self) -> tuple[AgentView, ...]:
        """The robots as they are now."""
        return package_views.agent_views(self.simulator.snapshot(0)) if self._is_reset else ()

    @property
    def shelfs(self) -> tuple[ShelfView, ...]:
        """The shelves as they are now."""
        return package_views.shelf_views(self.simulator.snapshot(0)) if self._is_reset else ()

    @property
    def request_queue(self) -> tuple[ShelfView, ...]:
        """The requested shelves as they are now."""
        return package_views.request_views(self.simulator.snapshot(0)) if self._is_reset else ()

    @property
    def grid(self) -> NDArray[np.int32]:
        """(2, height, width): numbers of robots and of shelves, 0 where there are none; a copy."""
        if not self._is_reset:
            return np.zeros((2, *self.grid_size), dtype=np.int32)
        return package_views.grid_of(self.simulator.snapshot(0))

    def get_global_image(
        self,
        image_layers: Iterable[Any] = ("shelves", "goals"),
        recompute: bool = False,
        pad_to_shape: tuple[int, ...] | None = None,
    ) -> NDArray[np.float32]:
        """(layers, height, width): the whole floor in image layers, by name or as the package's members. As in the
        package, the first image is returned again until `recompute` asks for a new one."""
        if recompute or self._global_image is None:
            names = [str(getattr(layer, "name", layer)) for layer in image_layers]
            self._global_image = package_views.global_image(self.simulator.snapshot(0), names, pad_to_shape)
        return self._global_image

    def _structured(self, obs: NDArray[np.float32]) -> tuple[Any, ...]:
        return tuple(structured(self.config, seen) for seen in obs[0].copy())


class LockstepVectorEnv(VectorEnv[NDArray[np.float32], NDArray[Any], NDArray[Any]]):
    """Many worlds in one, by Gymnasium's rules for vector environments.

    Observations (num_envs, agents, features) float32, actions (num_envs, agents), or with message bits (num_envs,
    agents, 1 + bits). Gymnasium has one reward for an environment: the agents' sum. Each agent's own is in
    `info["agent_rewards"]` (num_envs, agents). The step limit truncates; idle warehouses and empty fields terminate.

    autoreset_mode: NEXT_STEP (Gymnasium's default), SAME_STEP, or DISABLED, where `reset(options={"reset_mask": ...})`
    starts finished lanes anew. copy: whether every call returns new arrays. max_episode_steps: Gymnasium's name for
    the step limit.
    """

    def __init__(
        self,
        key: str = DEFAULT_KEY,
        num_envs: int = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        num_threads: int | None = None,
        copy: bool = True,
        max_episode_steps: int | None = None,
        **arguments: Any,
    ) -> None:
        kind = kind_of(key)
        if max_episode_steps is not None:
            twice = {"time_limit", kind.time_limit} & set(arguments)
            if twice:
                raise UserError(f"max_episode_steps and {min(twice)} are two names of one thing; give one of them.")
            arguments["time_limit"] = max_episode_steps
        config = kind.configured(key, arguments)
        self._np_random, self._np_random_seed = fresh_generator()
        self.simulator = kind.simulator(key, config, num_envs, self._np_random_seed, num_threads)
        self.num_envs, self.copy, self._picture = num_envs, copy, kind.picture
        self.render_mode = checked_render_mode(render_mode, ("rgb_array",))
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": 10, "autoreset_mode": self.autoreset_mode}
        self.single_observation_space = kind.observation_space(config, self.simulator.spec.num_agents)
        self.single_action_space = kind.team_action_space(config)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._ended = np.zeros(num_envs, dtype=bool)

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start new episodes in all lanes, or in those of `options["reset_mask"]`. seed: lane i gets seed + i, or its
        own from a list; `np_random_seed` is then the first lane's."""
        mask = (options or {}).get("reset_mask")
        obs = self.simulator.reset(seed, mask)
        super().reset(seed=seed[0] if isinstance(seed, Sequence) else seed)
        self._ended[slice(None) if mask is None else mask] = False
        return self._own(obs), {}

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """One step of all lanes; what happens to those that ended is `autoreset_mode`'s to say."""
        mask = None
        restarting = self._ended if self.autoreset_mode is AutoresetMode.NEXT_STEP and self._ended.any() else None
        if restarting is not None:
            mask = ~restarting
        step = self.simulator.step(actions, mask)
        infos: dict[str, Any] = {
            "agent_rewards": step.reward.copy(),
            "_agent_rewards": np.ones(self.num_envs, dtype=bool) if mask is None else mask,
        }
        if restarting is not None:
            self.simulator.reset(mask=restarting)
        ended = step.terminated | step.truncated
        if self.autoreset_mode is AutoresetMode.SAME_STEP and ended.any():
            infos |= {"final_obs": step.obs.copy(), "_final_obs": ended, "final_info": {}, "_final_info": ended}
            self.simulator.reset(mask=ended)
        self._ended = ended if self.autoreset_mode is not AutoresetMode.DISABLED else self._ended | ended
        reward = step.reward.sum(-1, dtype=np.float64)
        return self._own(self.simulator.observe()), reward, step.terminated.copy(), step.truncated.copy(), infos

    def render(self) -> tuple[Frame, ...] | None:
        """A picture of every lane, or None without a render mode."""
        return tuple(self._picture(self.simulator, i) for i in range(self.num_envs)) if self.render_mode else None

    def close_extras(self, **_: Any) -> None:
        """End the threads."""
        self.simulator.close()

    def _own(self, obs: NDArray[np.float32]) -> NDArray[np.float32]:
        return obs.copy() if self.copy else obs


WarehouseVectorEnv = LockstepVectorEnv
"""The name that it had when there were only warehouses."""

register()
