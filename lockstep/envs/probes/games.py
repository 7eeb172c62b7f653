"""Tiny worlds with known answers: whether learning code is sound is a number here, not an opinion.

Each probe isolates one ability. `answer` is the return of the best team; the tests say what each algorithm must reach.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.envs.protocol import TimeStep
from lockstep.errors import UserError
from lockstep.spec import FLOAT_BITS, EnvSpec

Payoffs = NDArray[np.float64]

PAYOFF = np.array([0.0, 1.0, 8.0])
"""Of the matrix games, by how many of two agents act (Rashid et al. 2018, table 1b)."""


class Probe:
    """A small game on numpy arrays, all lanes at once. Games say what is seen, what is earned, and when it is over."""

    name: str
    answer: float
    """Undiscounted return of the best team."""
    num_agents, obs_dim, num_actions, time_limit = 1, 1, 2, 1

    def __init__(self, num_envs: int, seed: int = 0) -> None:
        self.num_envs = num_envs
        self.spec = EnvSpec(
            key=f"probe-{self.name}",
            num_agents=self.num_agents,
            obs_dim=self.obs_dim,
            num_actions=self.num_actions,
            time_limit=self.time_limit,
            obs_bits=(FLOAT_BITS,) * self.obs_dim,
        )
        self.rngs = [np.random.default_rng(seed + lane) for lane in range(num_envs)]
        self.t = np.zeros(num_envs, dtype=np.int64)
        self.hidden = np.zeros(num_envs, dtype=np.int64)
        """What the lane's episode is about: a coin thrown at reset, or a branch taken on the way."""
        self.done = np.ones(num_envs, dtype=bool)

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        lanes = np.arange(self.num_envs) if mask is None else np.flatnonzero(mask)
        for lane in lanes:
            if seed is not None:
                self.rngs[lane] = np.random.default_rng(seed + int(lane))
            self.hidden[lane] = self.throw(self.rngs[lane])
        self.t[lanes], self.done[lanes] = 0, False
        return self.see()

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        active = np.ones(self.num_envs, dtype=bool) if mask is None else mask
        if (self.done & active).any():
            raise UserError(f"Lane {np.flatnonzero(self.done & active)[0]} has finished its episode. Reset it first.")
        team_reward = np.where(active, self.earn(actions), 0.0)
        self.t += active
        ended = self.t >= self.time_limit
        self.done |= ended
        reward = np.zeros((self.num_envs, self.num_agents), dtype=np.float32)
        reward[:, 0] = team_reward
        return TimeStep(self.see(), reward, ended & active, np.zeros(self.num_envs, dtype=bool))

    def available_actions(self) -> Mask | None:
        return None

    def state(self) -> NDArray[np.float32] | None:
        return None

    def get_state(self) -> dict[str, Any]:
        return {
            "t": self.t.copy(),
            "hidden": self.hidden.copy(),
            "done": self.done.copy(),
            "rngs": [rng.bit_generator.state for rng in self.rngs],
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.t, self.hidden, self.done = state["t"].copy(), state["hidden"].copy(), state["done"].copy()
        for rng, rng_state in zip(self.rngs, state["rngs"], strict=True):
            rng.bit_generator.state = rng_state

    def close(self) -> None:
        """Nothing is held."""

    def throw(self, rng: np.random.Generator) -> int:
        """The episode's hidden number."""
        return 0

    def see(self) -> Obs:
        """(num_envs, agents, obs_dim)"""
        return np.zeros((self.num_envs, self.num_agents, self.obs_dim), dtype=np.float32)

    def earn(self, actions: NDArray[np.integer[Any]]) -> Payoffs:
        """(num_envs,) team reward of actions (num_envs, agents); may change `hidden`."""
        raise NotImplementedError


class OneStep(Probe):
    """One step, one good action: is a reward learnt at all?"""

    name, answer = "one-step", 1.0

    def earn(self, actions: NDArray[np.integer[Any]]) -> Payoffs:
        return np.asarray(actions[:, 0] == 1, dtype=np.float64)


class Discounting(Probe):
    """The only reward comes with the last of five steps: the first step's value is gamma^4, whatever is done."""

    name, answer, time_limit = "discounting", 1.0, 5
    obs_dim = 5

    def see(self) -> Obs:
        obs = np.zeros((self.num_envs, 1, 5), dtype=np.float32)
        lanes = np.flatnonzero(self.t < 5)
        obs[lanes, 0, self.t[lanes]] = 1.0
        return obs

    def earn(self, actions: NDArray[np.integer[Any]]) -> Payoffs:
        return np.asarray(self.t == 4, dtype=np.float64)


class Coin(Probe):
    """Both agents see the same coin and must name it: do observations matter?"""

    name, answer, num_agents = "coin", 1.0, 2

    def throw(self, rng: np.random.Generator) -> int:
        return int(rng.integers(2))

    def see(self) -> Obs:
        return np.repeat((2.0 * self.hidden - 1.0)[:, None, None], 2, axis=1).astype(np.float32)

    def earn(self, actions: NDArray[np.integer[Any]]) -> Payoffs:
        return np.asarray((actions == self.hidden[:, None]).mean(1))


class Memory(Probe):
    """The coin is shown once and must be named four steps later: without memory half is the best."""

    name, answer, time_limit = "memory", 1.0, 5
    obs_dim = 2

    def throw(self, rng: np.random.Generator) -> int:
        return int(rng.integers(2))

    def see(self) -> Obs:
        shown = np.where(self.t == 0, 2.0 * self.hidden - 1.0, 0.0)
        return np.stack([shown, self.t == 4], axis=-1)[:, None, :].astype(np.float32)

    def earn(self, actions: NDArray[np.integer[Any]]) -> Payoffs:
        return np.asarray((self.t == 4) & (actions[:, 0] == self.hidden), dtype=np.float64)


class Matrix(Probe):
    """One step, two agents, payoff 0 if neither acts, 1 if one does, 8 if both do.

    Seen against a random partner, acting is worth 4.5 (IQL); the best sum of utilities makes acting together worth 6.5
    (VDN); only a monotonic mixture knows that it is worth 8 (QMIX).
    """

    name, answer, num_agents = "matrix", 8.0, 2

    def earn(self, actions: NDArray[np.integer[Any]]) -> Payoffs:
        return np.asarray(PAYOFF[(actions == 1).sum(1)])


class PayoffTable(Probe):
    """One step, two agents with three actions, and a table of what each pair of actions earns."""

    num_agents, num_actions = 2, 3
    payoffs: Payoffs
    """By the actions of the first (rows) and of the second."""

    def earn(self, actions: NDArray[np.integer[Any]]) -> Payoffs:
        return np.asarray(self.payoffs[actions[:, 0], actions[:, 1]])


class NonMonotonic(PayoffTable):
    """The matrix game of Son et al. 2019, table 1: both first actions earn 8, one of them alone -12, others 0.

    To a sum or a monotonic mixture the first action looks worse than the others: VDN and QMIX take a 0.
    """

    name, answer = "nonmonotonic", 8.0
    payoffs = np.array([[8.0, -12.0, -12.0], [-12.0, 0.0, 0.0], [-12.0, 0.0, 0.0]])


class Penalty(PayoffTable):
    """The penalty game of Claus and Boutilier 1998: 10 for either of two agreements, -50 for half of both.

    Seen against a random partner the middle action, which is safe, is best: it earns 2.
    """

    name, answer = "penalty", 10.0
    payoffs = np.array([[10.0, 0.0, -50.0], [0.0, 2.0, 0.0], [-50.0, 0.0, 10.0]])


class TwoStep(Probe):
    """The two-step game of Rashid et al. 2018, section 5: agent 0 chooses a matrix; one is 7 everywhere, the other
    0, 1, 1, 8. Seeing the 8 takes more than a sum of utilities: IQL and VDN take the 7."""

    name, answer, num_agents, time_limit = "two-step", 8.0, 2, 2
    obs_dim = 3

    def see(self) -> Obs:
        obs = np.zeros((self.num_envs, 2, 3), dtype=np.float32)
        obs[np.arange(self.num_envs), :, np.where(self.t == 0, 0, 1 + self.hidden)] = 1.0
        return obs

    def earn(self, actions: NDArray[np.integer[Any]]) -> Payoffs:
        first = self.t == 0
        payoff = np.where(self.hidden == 0, 7.0, PAYOFF[(actions == 1).sum(1)])
        self.hidden = np.where(first, actions[:, 0], self.hidden)
        return np.where(first, 0.0, payoff)


PROBES: Mapping[str, type[Probe]] = {
    f"probe-{probe.name}": probe
    for probe in (OneStep, Discounting, Coin, Memory, Matrix, TwoStep, NonMonotonic, Penalty)
}
