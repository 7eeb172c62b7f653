"""The official package behind the same protocol: slow, and the truth. The only file that imports lbforaging."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.envs.foraging.config import NUM_ACTIONS, ForagingConfig
from lockstep.envs.foraging.moment import FieldMoment
from lockstep.envs.protocol import TimeStep, check_running, chosen_lanes
from lockstep.errors import UserError


def make_official(config: ForagingConfig) -> Any:
    """One `lbforaging.foraging.ForagingEnv`, as `gymnasium.make(key).unwrapped` gives it.

    With `grid_observation` the package cannot be made at all: it declares layers in a shape that Gymnasium refuses.
    There the declaration is mended, and nothing else.
    """
    try:
        from lbforaging.foraging import ForagingEnv
    except ImportError as error:
        raise UserError(
            f"The official engine needs the package lbforaging ({error}): pip install 'lockstep-marl[worlds]'"
        ) from error
    if not config.grid_observation:
        return ForagingEnv(**vars(config))
    from gymnasium.spaces import Box

    class DeclaresLayers(ForagingEnv):  # type: ignore[misc]  # the package is untyped
        def _get_observation_space(self) -> Box:
            return Box(0, np.inf, shape=(3, config.view, config.view), dtype=np.float32)

    return DeclaresLayers(**vars(config))


def official_action(action: int) -> Any:
    """The package's own member for an action."""
    from lbforaging.foraging.environment import Action

    return Action(action)


def official_moment(env: Any) -> FieldMoment:
    """One official field in plain words."""
    return FieldMoment(
        rows=env.rows,
        columns=env.cols,
        players=tuple((int(player.position[0]), int(player.position[1])) for player in env.players),
        levels=tuple(int(player.level) for player in env.players),
        foods=tuple(
            ((int(row), int(column)), int(env.field[row, column]))
            for row, column in zip(*np.nonzero(env.field), strict=True)
        ),
        spawned=int(env._food_spawned),
        steps=env.current_step,
    )


class OfficialForaging:
    """`num_envs` official fields stepped one after the other. For a seed a field is made anew, because the
    package's own depends on where its players stood before, seed or not."""

    def __init__(self, key: str, config: ForagingConfig, num_envs: int, seed: int = 0) -> None:
        self.config, self.num_envs = config, num_envs
        self.spec = config.spec(key)
        self.fields = [make_official(config) for _ in range(num_envs)]
        self._first_seed = seed
        self._fresh = np.ones(num_envs, dtype=bool)
        self._obs = np.zeros((num_envs, config.players, config.obs_dim), dtype=np.float32)
        self._reward = np.zeros((num_envs, config.players), dtype=np.float32)
        self._terminated = np.zeros(num_envs, dtype=bool)
        self._truncated = np.zeros(num_envs, dtype=bool)
        self._running = np.zeros(num_envs, dtype=bool)

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        """See VectorEnv.reset."""
        for lane in chosen_lanes(mask, self.num_envs):
            start = self._first_seed if self._fresh[lane] and seed is None else seed
            if start is not None:
                self.fields[lane] = make_official(self.config)
            obs, _ = self.fields[lane].reset(seed=None if start is None else start + int(lane))
            self._fresh[lane] = False
            self._write(lane, obs)
            self._running[lane] = True
        return self._obs

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See VectorEnv.step. The package reports one flag for both endings; they are told apart here."""
        chosen = chosen_lanes(mask, self.num_envs)
        check_running(self._running, chosen)
        moves = np.asarray(actions)
        if moves.shape != self._reward.shape or ((moves < 0) | (moves >= NUM_ACTIONS))[chosen].any():
            raise UserError(f"Actions must be {self._reward.shape} whole numbers from 0 to {NUM_ACTIONS - 1}.")
        self._terminated[:] = self._truncated[:] = False
        self._reward[:] = 0.0
        for lane in chosen:
            field = self.fields[lane]
            obs, self._reward[lane], done, _, _ = field.step(moves[lane].tolist())
            self._write(lane, obs)
            self._terminated[lane] = field.field.sum() == 0
            self._truncated[lane] = done and not self._terminated[lane]
            self._running[lane] = not done
        return TimeStep(self._obs, self._reward, self._terminated, self._truncated)

    def available_actions(self) -> Mask | None:
        """Every action is always allowed."""
        return None

    def state(self) -> NDArray[np.float32] | None:
        """None: the observations serve as the state."""
        return None

    def moment(self, lane: int) -> FieldMoment:
        """Who and what is where in one lane."""
        return official_moment(self.fields[lane])

    def get_state(self) -> dict[str, Any]:
        """Refused: the package cannot be copied and restored piece by piece."""
        raise UserError("The official engine's state cannot be copied; use engine='lockstep', which plays the same.")

    def set_state(self, state: dict[str, Any]) -> None:
        """Refused, see get_state."""
        raise UserError("The official engine's state cannot be restored; use engine='lockstep', which plays the same.")

    def close(self) -> None:
        """Close windows, if any were opened."""
        for field in self.fields:
            field.close()

    def _write(self, lane: int, obs: tuple[Any, ...]) -> None:
        for agent, seen in enumerate(obs):
            self._obs[lane, agent] = seen.reshape(-1)
