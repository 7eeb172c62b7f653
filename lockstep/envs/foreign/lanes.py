"""Many Python environments, stepped one after the other, behind the protocol that every world speaks."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.envs.foreign.guests import GlobalGenerators, Visit
from lockstep.envs.foreign.remarks import Remarks
from lockstep.envs.foreign.renewal import repeats_itself
from lockstep.envs.foreign.team import ForeignEnv, ForeignStep
from lockstep.envs.protocol import Remark, TimeStep, check_running, chosen_lanes
from lockstep.errors import UserError


class PythonLanes:
    """`num_envs` teams from one factory. Slow, as Python environments are.

    A seed starts a lane over in a new environment, because some keep what their own seed does not reset (where the
    players of Level-Based Foraging stood decides where they start next). One that was tried and repeats itself to the
    last number is used again instead. So seeds alone decide what happens.
    """

    def __init__(self, make_team: Callable[[], ForeignEnv], num_envs: int, seed: int = 0) -> None:
        self.make_team, self.num_envs = make_team, num_envs
        self.chance = [GlobalGenerators(seed + lane) for lane in range(num_envs)]
        """Of every lane."""
        self.teams = [self._made(seed + lane) for lane in range(num_envs)]
        self.spec = spec = self.teams[0].spec
        self._lane = 0
        self._visit = Visit(spec.key, lambda: f"lane {self._lane}, {self.teams[self._lane].moment}")
        self._first_seeds: list[int | None] = [seed + lane for lane in range(num_envs)]
        """Of lanes that were never reset."""
        self._repeats: bool | None = None
        """Whether an environment's own seed makes it what it was when it was new; None: not tried yet."""
        self._obs = np.zeros((num_envs, spec.num_agents, spec.obs_dim), dtype=np.float32)
        self._available = np.ones((num_envs, spec.num_agents, spec.num_actions), dtype=bool)
        self._reward = np.zeros((num_envs, spec.num_agents), dtype=np.float32)
        self._state = np.zeros((num_envs, spec.own_state_dim), dtype=np.float32)
        self._terminated = np.zeros(num_envs, dtype=bool)
        self._truncated = np.zeros(num_envs, dtype=bool)
        self._running = np.zeros(num_envs, dtype=bool)

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        """See VectorEnv.reset. Only the first reset, and one with a seed, restarts a lane's random stream."""
        with self._visit:
            for lane in chosen_lanes(mask, self.num_envs):
                self._lane = int(lane)
                lane_seed = self._first_seeds[lane] if seed is None else seed + int(lane)
                if seed is not None:
                    self._start_over(lane, seed + int(lane))
                self._first_seeds[lane] = None
                with self.chance[lane]:
                    self._write(lane, self.teams[lane].reset(lane_seed))
        return self._obs

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See VectorEnv.step. Raises UserError for finished lanes and for actions that are not allowed now."""
        chosen = chosen_lanes(mask, self.num_envs)
        check_running(self._running, chosen)
        self._check(actions, chosen)
        self._reward[:] = 0.0
        self._terminated[:] = self._truncated[:] = False
        with self._visit:
            for lane in chosen:
                self._lane = int(lane)
                with self.chance[lane]:
                    self._write(lane, self.teams[lane].step(actions[lane]))
        return TimeStep(self._obs, self._reward, self._terminated, self._truncated)

    def available_actions(self) -> Mask | None:
        """(num_envs, agents, actions)"""
        return self._available

    def state(self) -> NDArray[np.float32] | None:
        """(num_envs, own_state_dim) where the environment's own was asked for; else None: the observations serve."""
        return self._state if self.spec.own_state_dim else None

    @property
    def agent_names(self) -> tuple[str, ...]:
        """As the environment calls them."""
        return self.teams[0].names

    def remarks(self) -> list[Remark]:
        """How the environments are understood, as far as they have been played."""
        said = Remarks()
        for team, chance in zip(self.teams, self.chance, strict=True):
            for remark in team.remarks.values():
                said.setdefault(remark.about, remark)
            if chance.drawn is not None:
                said.say(
                    "global generators",
                    f"It draws from {chance.drawn} global generator, which its seed does not set. Every lane has one "
                    "of its own here, set by the lane's seed; elsewhere equal seeds differ. Let it draw from "
                    "numpy.random.default_rng(seed).",
                    doubtful=True,
                )
        return list(said.values())

    def get_state(self) -> dict[str, Any]:
        """Refused: Python environments keep their state where nobody else can find all of it."""
        raise UserError(f"The state of {self.spec.key} cannot be copied; start its episodes from seeds instead.")

    def set_state(self, state: dict[str, Any]) -> None:
        """Refused, see get_state."""
        raise UserError(f"The state of {self.spec.key} cannot be restored; start its episodes from seeds instead.")

    def picture(self, lane: int) -> NDArray[np.uint8]:
        """See `Drawn.picture`. Only environments made with render_mode="rgb_array" draw themselves."""
        with self._visit:
            return self.teams[lane].picture()

    def close(self) -> None:
        """Close every environment, also when some cannot be."""
        for team in self.teams:
            _close(team)

    def _start_over(self, lane: int, seed: int) -> None:
        """What a seed promises: an environment and generators to which nothing has happened."""
        if self._first_seeds[lane] is None:
            if self._repeats is None:
                self._repeats = self._tried(self.teams[lane], seed)
            if not self._repeats:
                _close(self.teams[lane])  # first: it may be one of a kind
                self.teams[lane] = self._made(seed)
        self.chance[lane] = GlobalGenerators(seed)

    def _tried(self, used: ForeignEnv, seed: int) -> bool:
        try:
            fresh = self._made(seed)
        except UserError:  # there can be but one
            return repeats_itself(used, None, seed)
        repeats = repeats_itself(used, fresh, seed)
        _close(fresh)
        return repeats

    def _made(self, seed: int) -> ForeignEnv:
        with GlobalGenerators(seed):
            return self.make_team()

    def _write(self, lane: int, step: ForeignStep) -> None:
        self._obs[lane], self._available[lane], self._reward[lane] = step.obs, step.available, step.reward
        self._state[lane] = step.state
        self._terminated[lane], self._truncated[lane] = step.terminated, step.truncated
        self._running[lane] = not (step.terminated or step.truncated)

    def _check(self, actions: NDArray[np.integer[Any]], chosen: NDArray[np.int64]) -> None:
        spec, shape = self.spec, (self.num_envs, self.spec.num_agents)
        if actions.shape != shape or not np.issubdtype(actions.dtype, np.integer):
            raise UserError(
                f"Actions must be {shape[0]} x {shape[1]} whole numbers, not {actions.dtype} {actions.shape}."
            )
        moves = actions[chosen]
        if ((moves < 0) | (moves >= spec.num_actions)).any():
            raise UserError(
                f"Actions of {spec.key} are 0 to {spec.num_actions - 1}, not {moves.min()} to {moves.max()}."
            )
        allowed = np.take_along_axis(self._available[chosen], moves[..., None], -1)[..., 0]
        if not allowed.all():
            lane, agent = np.argwhere(~allowed)[0]
            raise UserError(
                f"{self.teams[0].names[agent]} cannot take action {moves[lane, agent]} in lane {chosen[lane]} now; "
                "available_actions says what it can."
            )


def _close(team: ForeignEnv) -> None:
    """What does not close well is of no use any more anyway."""
    with suppress(Exception, SystemExit):
        team.close()
