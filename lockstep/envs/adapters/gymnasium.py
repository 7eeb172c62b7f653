"""The simulator as Gymnasium knows environments: `lockstep/rware-tiny-2ag-v2` and its siblings.

Importing this module registers them. `gymnasium.make(id)` is a drop-in for the official environment;
`gymnasium.make_vec(id, num_envs=...)` steps many at once. Further keyword arguments are those of rware's `Warehouse`.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from lockstep.envs.adapters.registration import register
from lockstep.envs.rware.actions import NUM_ACTIONS
from lockstep.envs.rware.config import IMAGE_DICT_FEATURES, WarehouseConfig, warehouse_config
from lockstep.envs.rware.draw import draw
from lockstep.envs.rware.simulator import Simulator
from lockstep.errors import UserError

Frame = NDArray[np.uint8]


class WarehouseEnv(gymnasium.Env[tuple[Any, ...], Any]):
    """One warehouse, a drop-in for `rware.warehouse.Warehouse`: same spaces, same seeds, same returns.

    Observations and actions are tuples with an entry for every robot, rewards a list. As in the package, every
    ending is reported as terminated. `render_mode="rgb_array"` needs no display.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012, as in Gymnasium

    def __init__(
        self, key: str = "rware-tiny-2ag-v2", render_mode: str | None = None, **warehouse_arguments: Any
    ) -> None:
        self.config = warehouse_config(key, **warehouse_arguments)
        self.render_mode = checked_render_mode(render_mode)
        self.simulator = Simulator(key, self.config, 1, seed=fresh_seed(), num_threads=1)
        self.n_agents = self.config.n_agents
        self.action_space = spaces.Tuple([action_space(self.config) for _ in range(self.n_agents)])
        self.observation_space = spaces.Tuple([_official_space(self.config) for _ in range(self.n_agents)])

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Start an episode; with a seed, the one that the official environment starts with it."""
        return self._structured(self.simulator.reset(seed)), {}

    def step(  # type: ignore[override]  # a list of rewards, as in the package
        self, action: Any
    ) -> tuple[tuple[Any, ...], list[float], bool, bool, dict[str, Any]]:
        """One step. action: for every robot 0..4, or with message bits (0..4, bit, ...). Rewards are a list."""
        step = self.simulator.step(np.asarray(action)[None])
        done = bool(step.terminated[0] or step.truncated[0])
        return self._structured(step.obs), [float(reward) for reward in step.reward[0]], done, False, {}

    def render(self) -> Frame | None:
        """The picture, or None without a render mode."""
        return draw(self.simulator.snapshot(0)) if self.render_mode else None

    def close(self) -> None:
        """Nothing is open."""
        self.simulator.close()

    def _structured(self, obs: NDArray[np.float32]) -> tuple[Any, ...]:
        return tuple(structured(self.config, seen) for seen in obs[0].copy())


class WarehouseVectorEnv(VectorEnv[NDArray[np.float32], NDArray[Any], NDArray[Any]]):
    """Many warehouses in one, by Gymnasium's rules for vector environments.

    Observations (num_envs, agents, features) float32, actions (num_envs, agents), or with message bits (num_envs,
    agents, 1 + bits). Gymnasium has one reward for an environment: the robots' sum. Each robot's own is in
    `info["agent_rewards"]` (num_envs, agents). The step limit truncates, idleness terminates.

    autoreset_mode: NEXT_STEP (Gymnasium's default), SAME_STEP, or DISABLED, where `reset(options={"reset_mask": ...})`
    starts finished lanes anew. copy: whether every call returns new arrays.
    """

    def __init__(
        self,
        key: str = "rware-tiny-2ag-v2",
        num_envs: int = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        num_threads: int | None = None,
        copy: bool = True,
        **warehouse_arguments: Any,
    ) -> None:
        config = warehouse_config(key, **warehouse_arguments)
        self.simulator = Simulator(key, config, num_envs, seed=fresh_seed(), num_threads=num_threads)
        self.num_envs, self.copy = num_envs, copy
        self.render_mode = checked_render_mode(render_mode)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": 10, "autoreset_mode": self.autoreset_mode}
        self.single_observation_space = observation_space(config, config.n_agents)
        self.single_action_space = _team_action_space(config)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._ended = np.zeros(num_envs, dtype=bool)

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start new episodes in all lanes, or in those of `options["reset_mask"]`. seed: lane i gets seed + i, or its
        own from a list."""
        mask = (options or {}).get("reset_mask")
        obs = self.simulator.reset(seed, mask)
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
        return tuple(draw(self.simulator.snapshot(i)) for i in range(self.num_envs)) if self.render_mode else None

    def close_extras(self, **_: Any) -> None:
        """End the threads."""
        self.simulator.close()

    def _own(self, obs: NDArray[np.float32]) -> NDArray[np.float32]:
        return obs.copy() if self.copy else obs


def action_space(config: WarehouseConfig) -> spaces.Space[Any]:
    """One robot's actions, as the official package has them."""
    return (
        spaces.MultiDiscrete([NUM_ACTIONS, *[2] * config.msg_bits]) if config.msg_bits else spaces.Discrete(NUM_ACTIONS)
    )


def observation_space(config: WarehouseConfig, num_agents: int | None = None) -> spaces.Box:
    """Flat features with their true bounds: (features,), or (agents, features) for several robots."""
    high = np.ones(config.obs_dim, dtype=np.float32)
    if config.observation_type == "flattened" and not config.normalised_coordinates:
        high[:2] = config.floor.width - 1, config.floor.height - 1
    elif config.observation_type != "flattened":
        own = IMAGE_DICT_FEATURES if config.observation_type == "image_dict" else 0
        high[own:] = _image_space(config).high.reshape(-1)
    if num_agents is not None:
        high = np.tile(high, (num_agents, 1))
    return spaces.Box(np.zeros_like(high), high, dtype=np.float32)


def structured(config: WarehouseConfig, seen: NDArray[np.float32]) -> Any:
    """One robot's flat observation in the form that the official package gives it. seen: (features,)"""
    if config.observation_type == "flattened":
        return seen
    own = IMAGE_DICT_FEATURES if config.observation_type == "image_dict" else 0
    image = seen[own:].reshape(len(config.image_observation_layers), config.view, config.view)
    return {"image": image, "features": seen[:own]} if own else image


def checked_render_mode(render_mode: str | None) -> str | None:
    """The same, if it is one of ours."""
    if render_mode not in (None, "rgb_array"):
        raise UserError(f"render_mode={render_mode!r} is not offered; use 'rgb_array', which needs no window, or None.")
    return render_mode


def fresh_seed() -> int:
    """From the operating system: what an environment starts with that nobody has seeded."""
    return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))


def _team_action_space(config: WarehouseConfig) -> spaces.MultiDiscrete:
    if not config.msg_bits:
        return spaces.MultiDiscrete([NUM_ACTIONS] * config.n_agents)
    return spaces.MultiDiscrete(np.tile([NUM_ACTIONS, *[2] * config.msg_bits], (config.n_agents, 1)))


def _official_space(config: WarehouseConfig) -> spaces.Space[Any]:
    if config.observation_type == "flattened":
        return spaces.Box(-np.inf, np.inf, shape=(config.obs_dim,), dtype=np.float32)
    image = _image_space(config)
    if config.observation_type == "image":
        return image
    features = spaces.Box(-np.inf, np.inf, shape=(IMAGE_DICT_FEATURES,), dtype=np.float32)
    return spaces.Dict({"image": image, "features": features})


def _image_space(config: WarehouseConfig) -> spaces.Box:
    shape = (config.view, config.view)
    high = np.stack(
        [np.full(shape, 4.0 if layer == "agent_direction" else 1.0) for layer in config.image_observation_layers]
    ).astype(np.float32)
    return spaces.Box(np.zeros_like(high), high, dtype=np.float32)


register()
