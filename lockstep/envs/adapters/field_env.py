"""One field of food as Gymnasium knows environments, a drop-in for the official package's."""

from operator import attrgetter
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from lockstep.envs.adapters.field_spaces import action_space, official_space
from lockstep.envs.adapters.field_views import PlayerView, field_of, player_views, valid_actions
from lockstep.envs.adapters.kinds import Frame
from lockstep.envs.adapters.one_world import RENDER_MODES, OneWorld, fresh_generator
from lockstep.envs.adapters.registration import DEFAULT_FIELD_KEY


class FieldEnv(gymnasium.Env[tuple[NDArray[np.float32], ...], Any]):
    """One field, a drop-in for `lbforaging.foraging.ForagingEnv`: same spaces, same seeds, same returns.

    Observations and actions are tuples with an entry for every player, rewards a list. As in the package, every ending
    is reported as terminated, and a field that was used begins a seed's episode where nobody stood before.
    `render_mode="rgb_array"` needs no display, "human" opens a window.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 5}  # noqa: RUF012, as in Gymnasium

    def __init__(self, key: str = DEFAULT_FIELD_KEY, render_mode: str | None = None, **foraging_arguments: Any) -> None:
        self._world = OneWorld(key, render_mode, foraging_arguments)
        self.config, self.simulator = self._world.config, self._world.simulator
        self.render_mode = render_mode
        self._np_random, self._np_random_seed = fresh_generator()
        self._rewards = self._scores = [0.0] * self.config.players
        self._game_over: bool | None = None
        self.action_space = spaces.Tuple([action_space(self.config) for _ in range(self.config.players)])
        self._one_space = official_space(self.config)
        self.observation_space = spaces.Tuple([self._one_space] * self.config.players)  # type: ignore[list-item]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[tuple[NDArray[np.float32], ...], dict[str, Any]]:
        """Start an episode; with a seed, the one that the official environment starts with it."""
        super().reset(seed=seed)
        obs = self._world.reset(self.np_random)
        self._rewards = self._scores = [0.0] * self.config.players
        self._game_over = False
        return self._shaped(obs), {}

    def step(  # type: ignore[override]  # a list of rewards, as in the package
        self, action: Any
    ) -> tuple[tuple[NDArray[np.float32], ...], list[float], bool, bool, dict[str, Any]]:
        """One step. Rewards are a list. action: for every player 0..5, or a member of the package's `Action`."""
        step = self._world.step(self.np_random, action)
        self._rewards = [float(reward) for reward in step.reward[0]]
        self._scores = [score + reward for score, reward in zip(self._scores, self._rewards, strict=True)]
        self._game_over = bool(step.terminated[0] or step.truncated[0])
        return self._shaped(step.obs), list(self._rewards), self._game_over, False, {}

    def seed(self, seed: int | None = None) -> None:
        """Let the random stream start from a seed without beginning an episode, as the package's `seed` does. EPyMARL
        calls it. None: nothing changes."""
        if seed is not None:
            super().reset(seed=seed)

    def render(self, mode: str | None = None) -> Frame | None:
        """The picture, or None without a render mode. mode: another one than the environment was made with."""
        return self._world.render(mode or self.render_mode)

    def close(self) -> None:
        """Close the window."""
        self._world.close()

    # What users of the package read. The rules:
    n_agents = property(attrgetter("config.players"))
    field_size = property(attrgetter("config.field_size"))
    sight = property(attrgetter("config.sight"))
    max_num_food = property(attrgetter("config.max_num_food"))
    force_coop = property(attrgetter("config.force_coop"))
    penalty = property(attrgetter("config.penalty"))
    rows = property(lambda self: self.config.field_size[0])
    cols = property(lambda self: self.config.field_size[1])

    # And the moment; empty before the first reset:
    @property
    def game_over(self) -> bool | None:
        """Whether the episode has ended; None before the first."""
        return self._game_over

    @property
    def current_step(self) -> int:
        """Steps of this episode."""
        return int(self.simulator.moment(0).steps)

    @property
    def players(self) -> tuple[PlayerView, ...]:
        """The players as they are now."""
        if self._game_over is None:
            return ()
        return player_views(self.simulator.moment(0), self._rewards, self._scores)

    @property
    def field(self) -> NDArray[np.int32]:
        """(rows, columns): the level of the food on every cell, 0 where there is none; a copy."""
        return field_of(self.simulator.moment(0))

    def get_valid_actions(self) -> list[tuple[Any, ...]]:
        """Every combination of actions that do something, as members of the package's `Action`."""
        return valid_actions(self.simulator.moment(0))

    def _shaped(self, obs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        return tuple(seen.reshape(self._one_space.shape) for seen in obs[0].copy())
