"""A memory without parameters: an agent goes on seeing what its numbers were when one of its flags came on.

A robot that has delivered a shelf sees three by three cells; where the shelf's empty place is, it can only know from
the past. A recurrent network has to learn to note that down; here it is noted: while a chosen flag of an agent's
observation is on (RWARE's feature 2, `carrying_shelf`), the number features of that observation (x and y) are repeated
as they were when it came on, and are 0 while it is off. Everything comes from the agent's own past observations, so
execution stays decentral.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.envs.protocol import Onset, PlaysUnobserved, Record, TeamPlay, TimeStep, VectorEnv, dropped_lanes
from lockstep.errors import UserError
from lockstep.spec import FLAG_BITS, EnvSpec

if TYPE_CHECKING:  # the compiler is loaded when something is played
    from lockstep.acting.exploration import Plan
    from lockstep.acting.forward import TeamWeights


class OnsetMemory:
    """A VectorEnv around another whose observations end in the remembered numbers, flag by flag."""

    def __init__(self, env: VectorEnv, flags: tuple[int, ...]) -> None:
        bits = env.spec.obs_bits
        for flag in flags:
            if not 0 <= flag < len(bits) or bits[flag] != FLAG_BITS:
                raise UserError(
                    f"remember_onset={flag} names no flag of {env.spec.key}'s {len(bits)} observation features; in "
                    "RWARE 2 is carrying_shelf."
                )
        self.env, self.num_envs, self.flags = env, env.num_envs, list(flags)
        self.numbers = np.flatnonzero(np.array(bits) != FLAG_BITS)
        number_bits = tuple(bits[index] for index in self.numbers)
        added = len(flags) * len(self.numbers)
        self.spec = replace(env.spec, obs_dim=len(bits) + added, obs_bits=bits + number_bits * len(flags))
        self.was_on = np.zeros((self.num_envs, env.spec.num_agents, len(flags), 1), dtype=bool)
        self.noted = np.zeros((self.num_envs, env.spec.num_agents, len(flags), len(self.numbers)), dtype=np.float32)

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        """See `VectorEnv.reset`. A flag that is on from the start comes on there."""
        lanes = np.ones(self.num_envs, dtype=bool) if mask is None else mask
        obs = self.env.reset(seed, mask)
        self.was_on[lanes] = False
        return self._remember(obs)

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See `VectorEnv.step`."""
        step = self.env.step(actions, mask)
        return step._replace(obs=self._remember(step.obs))

    def _remember(self, obs: Obs) -> Obs:
        """Lanes that did not move see what they saw, so nothing comes on in them."""
        return with_onsets(obs, Onset(np.array(self.flags), self.numbers, self.was_on, self.noted))

    @property
    def dropped(self) -> Mask | None:
        """See `Fallible`."""
        return dropped_lanes(self.env)

    def available_actions(self) -> Mask | None:
        return self.env.available_actions()

    def state(self) -> NDArray[np.float32] | None:
        return self.env.state()

    def get_state(self) -> dict[str, Any]:
        """See `VectorEnv.get_state`."""
        return {"env": self.env.get_state(), "was_on": self.was_on.copy(), "noted": self.noted.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        """See `VectorEnv.set_state`. Raises UserError for a state of an environment without this memory."""
        if set(state) != {"env", "was_on", "noted"}:
            raise UserError("This state is not from an environment that remembers onsets; set it where it was taken.")
        self.env.set_state(state["env"])
        self.was_on, self.noted = state["was_on"].copy(), state["noted"].copy()

    def close(self) -> None:
        self.env.close()

    @property
    def plays_teams(self) -> bool:
        """See `TeamPlay.plays_teams`."""
        return isinstance(self.env, TeamPlay) and self.env.plays_teams

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
        """See `TeamPlay.play_team`."""
        assert isinstance(self.env, TeamPlay), "see plays_teams"
        assert augment is None, "one memory remembers all flags"
        mine = Onset(np.array(self.flags), self.numbers, self.was_on, self.noted)
        self.env.play_team(network, plan, first, memory, record, active, mine)


class BlindOnsetMemory(OnsetMemory):
    """The same around an environment that can play by itself without observing."""

    def play(self, actions: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """See `PlaysUnobserved.play`."""
        assert isinstance(self.env, PlaysUnobserved), "see remembering"
        return self.env.play(actions)

    def episode_steps(self) -> NDArray[np.int64]:
        """See `PlaysUnobserved.episode_steps`."""
        assert isinstance(self.env, PlaysUnobserved), "see remembering"
        return self.env.episode_steps()


def with_onsets(obs: Obs, onset: Onset) -> Obs:
    """Observations (lanes, agents, O) with the remembered numbers behind them; the memory is brought forward."""
    on = obs[..., onset.flags, None] > 0
    now = obs[..., None, onset.numbers]
    onset.noted[:] = np.where(on, np.where(onset.was_on, onset.noted, now), 0.0)
    onset.was_on[:] = on
    return np.concatenate([obs, onset.noted.reshape(*obs.shape[:2], -1)], axis=-1)


def fresh_onset(spec: EnvSpec, flags: tuple[int, ...], num_envs: int) -> Onset:
    """An empty memory of so many lanes. spec: of the world with it, whose observations end in what is remembered."""
    bits = np.array(spec.obs_bits)
    own = spec.obs_dim - len(flags) * np.count_nonzero(bits != FLAG_BITS) // (1 + len(flags))
    numbers = np.flatnonzero(bits[:own] != FLAG_BITS)
    shape = num_envs, spec.num_agents, len(flags)
    noted = np.zeros((*shape, len(numbers)), dtype=np.float32)
    return Onset(np.array(flags, dtype=np.int64), numbers, np.zeros((*shape, 1), dtype=bool), noted)


def remembering(env: VectorEnv, flags: tuple[int, ...]) -> VectorEnv:
    """`env` itself where there is nothing to remember."""
    if not flags:
        return env
    return (BlindOnsetMemory if isinstance(env, PlaysUnobserved) else OnsetMemory)(env, flags)


def underneath(env: VectorEnv) -> VectorEnv:
    """The environment without its memory."""
    return env.env if isinstance(env, OnsetMemory) else env
