"""The protocol that every world speaks: many lanes, one step for all of them, nothing reset behind your back."""

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lockstep.errors import UserError
from lockstep.spec import EnvSpec

if TYPE_CHECKING:  # the compiler is loaded when something is played
    from lockstep.acting.exploration import Plan
    from lockstep.acting.forward import TeamWeights

from lockstep.arrays import Mask, Obs


class TimeStep(NamedTuple):
    """What one step of all lanes returns. Arrays may be reused by the next call: copy what must last."""

    obs: Obs
    """(num_envs, agents, obs_dim) float32. After a final step: the final observation, not the next episode's."""
    reward: NDArray[np.float32]
    """(num_envs, agents)"""
    terminated: Mask
    """(num_envs,) True where the world itself ended."""
    truncated: Mask
    """(num_envs,) True where a time limit cut the episode."""


class VectorEnv(Protocol):
    """`num_envs` independent copies (lanes) of one environment.

    A finished lane stays finished until `reset` names it; stepping it raises UserError. Lanes outside a mask are left
    exactly as they were: state, observation and random stream.
    """

    spec: EnvSpec
    num_envs: int

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        """Start a new episode in every lane of `mask` (None: all). Returns (num_envs, agents, obs_dim).

        With a seed, lane i's random stream restarts from `seed + i`; without one it goes on.
        """

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """Advance every lane of `mask` (None: all) by one step. actions: (num_envs, agents)."""

    def available_actions(self) -> Mask | None:
        """(num_envs, agents, actions), True where an action is allowed now; None when all always are."""

    def state(self) -> NDArray[np.float32] | None:
        """(num_envs, own_state_dim), or None when the observations serve as the state."""

    def get_state(self) -> dict[str, Any]:
        """Everything that decides the future, random streams included: arrays and plain Python."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue exactly from what `get_state` returned."""

    def close(self) -> None:
        """Release what the lanes hold (processes, windows)."""


@runtime_checkable
class Renders(Protocol):
    """An environment that draws its lanes itself, without a display."""

    def picture(self, lane: int) -> NDArray[np.uint8]:
        """(height, width, 3) RGB, of one size throughout an episode."""


@runtime_checkable
class PlaysUnobserved(Protocol):
    """An environment that can play whole episodes without observing them, at many times the speed."""

    def play(self, actions: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """actions: (steps, num_envs, agents) -> rewards of the same shape, from freshly reset lanes to their end."""

    def episode_steps(self) -> NDArray[np.int64]:
        """(num_envs,): how many steps of every lane's episode have been played."""


class Record(NamedTuple):
    """What a world that plays a team by itself writes of every lane's episode; untouched before. The shapes are those
    of `lockstep.spec.episode_fields`, with the lanes before them."""

    obs: Obs
    actions: NDArray[np.int64]
    reward: NDArray[np.float32]
    """Every agent's own, or in the only column the team's."""
    terminated: Mask
    truncated: Mask
    filled: Mask


class Onset(NamedTuple):
    """What `lockstep.envs.onset_memory` appends to observations, and what it must remember for that."""

    flags: NDArray[np.int64]
    """Features."""
    numbers: NDArray[np.int64]
    """Features."""
    was_on: Mask
    """(num_envs, agents, flags, 1)"""
    noted: NDArray[np.float32]
    """(num_envs, agents, flags, numbers)"""

    @classmethod
    def nothing(cls) -> "Onset":
        """No flags."""
        none, shape = np.empty(0, dtype=np.int64), (0, 0, 0, 0)
        return cls(none, none, np.empty(shape, dtype=bool), np.empty(shape, dtype=np.float32))


@runtime_checkable
class TeamPlay(Protocol):
    """An environment that can play a team by itself, many steps in one go; the same episodes as step by step."""

    @property
    def plays_teams(self) -> bool:
        """Whether it can in its present configuration."""

    def play_team(
        self,
        network: "TeamWeights",
        plan: "Plan",
        first: int,
        memory: NDArray[np.float32],
        record: Record,
        active: Mask,
        augment: Onset | None = None,
    ) -> None:
        """Play every active lane on, from step `first` of its episode, as far as the plan goes or to its end.

        plan: what is decided beforehand; where it leaves an agent free, the network decides
        memory: (num_envs, agents, hidden), the network's, brought forward
        record: whose obs[:, first] is there already, and whose next steps are written
        active: (num_envs,), the lanes to play; those that have come to their end are taken out
        augment: what is appended to every observation, by whoever stands around this environment
        """


@runtime_checkable
class MayLoseEpisodes(Protocol):
    """An environment whose episodes can be lost, as with the process that played them."""

    dropped: Mask | None
    """(num_envs,) True where the episode since the last reset is none: it looks truncated, and must not be studied."""


@runtime_checkable
class NamesAgents(Protocol):
    """An environment whose agents have names."""

    @property
    def agent_names(self) -> tuple[str, ...]:
        """One for each agent, in the order of all arrays."""


class Remark(NamedTuple):
    """One thing that a world left open, and how it is taken here."""

    about: str
    """What it is about, in a word or two: only one remark about a thing is kept."""
    sentence: str
    doubtful: bool = False
    """Whether it may not be what its author meant, or changes what the run's numbers say."""


class Trial(NamedTuple):
    """What came of trying a world out before anything is learnt."""

    limit: int
    """Steps after which episodes are cut, by us or by the world."""
    remarks: list[Remark]
    """How the world is understood."""


@runtime_checkable
class Explains(Protocol):
    """An environment that leaves things open, and says how they are taken."""

    def remarks(self) -> list[Remark]:
        """As far as it has been played."""


def dropped_lanes(env: VectorEnv) -> Mask | None:
    """Return the lanes whose episodes were lost; None for an environment that cannot lose any."""
    return env.dropped if isinstance(env, MayLoseEpisodes) else None


def team_sum(reward: NDArray[np.float32]) -> NDArray[np.float32]:
    """(num_envs, agents) -> (num_envs,): the agents' rewards added one after the other, as compiled play adds them."""
    total = reward[:, 0].copy()
    for agent in range(1, reward.shape[1]):
        total += reward[:, agent]
    return total


def chosen_lanes(mask: Mask | None, num_envs: int) -> NDArray[np.int64]:
    """The numbers of the lanes in a mask (None: all). Raises UserError for anything but one boolean a lane."""
    if mask is None:
        return np.arange(num_envs)
    mask = np.asarray(mask)
    if mask.shape != (num_envs,) or mask.dtype != np.bool_:
        raise UserError(
            f"The mask must be {num_envs} booleans, one for each lane, not {mask.dtype} of shape {mask.shape}."
        )
    return np.flatnonzero(mask)


def check_running(running: Mask, chosen: NDArray[np.int64]) -> None:
    """Raise UserError where one of the chosen lanes has no episode to go on with. running: (num_envs,)"""
    over = chosen[~running[chosen]]
    if len(over):
        raise UserError(f"Lane {over[0]} has finished its episode, or never began one; reset it before stepping it.")
