"""Leaving the greedy path: epsilon-greedy, a ladder of epsilons over the lanes, and runs of one action."""

from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.policy import random_actions
from lockstep.arrays import Actions, Floats, Mask
from lockstep.compute.compiled import compiled
from lockstep.config.schema import ExplorationConfig
from lockstep.errors import UserError
from lockstep.spec import narrowest

Choice = Literal["greedy", "sampled"]
"""How preferences become actions: the largest, or one drawn with the chances that their softmax gives."""
Forced = NDArray[np.signedinteger[Any]]
FREE = -1
"""Among forced actions: the team does what it prefers."""


class Plan(NamedTuple):
    """What is decided before the steps are made, whatever the team will prefer."""

    forced: Forced
    """(steps, num_envs, agents): what to do, or FREE."""
    noise: Floats
    """(steps, num_envs, agents, actions): added to preferences before the largest is taken; of no size: nothing is."""

    @classmethod
    def without_noise(cls, forced: Forced) -> Self:
        """What the team prefers most, wherever it is free."""
        return cls(forced, np.empty((0, 0, 0, 0), dtype=np.float32))


def lane_epsilons(epsilon: float, num_envs: int, ladder: float) -> NDArray[np.float64]:
    """(num_envs,): lane i of n explores with epsilon ** (1 + ladder * i / (n - 1)) (Horgan et al. 2018, section 4)."""
    exponents = 1.0 + ladder * np.arange(num_envs) / max(num_envs - 1, 1)
    return np.asarray(epsilon**exponents)


def check_repeat_actions(config: ExplorationConfig, num_actions: int) -> None:
    """Raise UserError where `repeat_actions` names an action that the task does not have."""
    missing = [action for action in config.repeat_actions if not 0 <= action < num_actions]
    if missing:
        raise UserError(
            f"exploration.repeat_actions names the action {missing[0]}, and this task has the actions 0 to "
            f"{num_actions - 1}; name some of these, or leave it empty for all."
        )


class Explorer:
    """Replaces some greedy actions by random ones, each agent for itself. One explorer plays one batch of episodes.

    A random choice may be held for several steps: k steps with a chance proportional to 1/k - 1/(k+1), about 1/k^2
    (Dabney et al. 2021). That carries a robot across a warehouse where single random steps only tremble.
    """

    def __init__(
        self,
        config: ExplorationConfig,
        epsilons: NDArray[np.float64],
        num_agents: int,
        num_actions: int,
        rng: np.random.Generator,
        choice: Choice = "greedy",
    ) -> None:
        self.choice = choice
        check_repeat_actions(config, num_actions)
        self.epsilons, self.num_actions, self.rng = epsilons[:, None], num_actions, rng
        self.max_run = config.repeat_max_steps
        self.dtype = np.dtype(narrowest(num_actions - 1, "int16", "int32"))
        self.run_actions = np.array(config.repeat_actions or range(num_actions), dtype=self.dtype)
        self.held = np.zeros((len(epsilons), num_agents), dtype=self.dtype)
        self.remaining = np.zeros(self.held.shape, dtype=np.int64)

    def plan(self, steps: int) -> Plan:
        """The next steps. All random numbers are drawn here, for a whole episode at once where it is planned at once.

        The largest of preferences with Gumbel noise is a draw from their softmax (Gumbel 1954). So a sampled episode is
        a greedy one whose preferences were disturbed, and every way of playing comes to the same actions.
        """
        forced = self._forced(steps)
        if self.choice == "greedy":
            return Plan.without_noise(forced)
        return Plan(forced, self.rng.gumbel(size=(*forced.shape, self.num_actions)).astype(np.float32))

    def _forced(self, steps: int) -> Forced:
        shape = (steps, *self.held.shape)
        start = self.rng.random(shape, dtype=np.float32) < self.epsilons
        drawn = self.rng.integers(self.num_actions, size=shape, dtype=self.dtype)
        if self.max_run == 1:
            return np.where(start, drawn, self.dtype.type(FREE))
        luck = self.rng.random(shape, dtype=np.float32)
        held = self.rng.choice(self.run_actions, size=shape)
        plan = np.empty(shape, dtype=self.dtype)
        _hold(start, drawn, luck, held, self.max_run, self.held, self.remaining, plan)
        return plan

    def explore(self, greedy: Actions, available: Mask | None) -> Actions:
        """One step: greedy (num_envs, agents) -> the actions to take, of the same shape; see `follow`."""
        return self.follow(self.plan(1).forced[0], greedy, available)

    def follow(self, forced: Forced, greedy: Actions, available: Mask | None) -> Actions:
        """What a step of the plan makes of greedy actions. Where it is unavailable, another random one that is not."""
        actions = np.where(forced == FREE, greedy, forced)
        if available is None:
            return actions
        allowed = np.take_along_axis(available, actions[..., None], -1)[..., 0]
        return np.where(allowed, actions, random_actions(greedy.shape, self.num_actions, available, self.rng))


class Script:
    """An explorer that leaves nothing to the team: every action of an episode is given."""

    def __init__(self, actions: NDArray[np.integer[Any]]) -> None:
        """actions: (steps, num_envs, agents)"""
        self.rest = actions.astype(np.result_type(actions, np.int16))

    def plan(self, steps: int) -> Plan:
        """See `Explorer.plan`."""
        forced, self.rest = self.rest[:steps], self.rest[steps:]
        return Plan.without_noise(forced)

    def follow(self, forced: Forced, greedy: Actions, available: Mask | None) -> Actions:
        """See `Explorer.follow`."""
        return forced.astype(np.int64)


@compiled
def _hold(
    start: NDArray[np.bool_],
    drawn: Forced,
    luck: NDArray[np.float32],
    run_actions: Forced,
    max_run: int,
    held: Forced,
    remaining: NDArray[np.int64],
    plan: Forced,
) -> None:
    """Write the plan (steps, num_envs, agents): a choice is held while `remaining` (num_envs, agents) is above 0.

    start: where a choice begins, unless one is being held    drawn: the choices that last one step
    luck: uniform, from which lengths are made    run_actions: the choices that last longer
    """
    for t in range(plan.shape[0]):
        for lane in range(plan.shape[1]):
            for i in range(plan.shape[2]):
                if remaining[lane, i] == 0 and start[t, lane, i]:
                    length = int(min(1.0 / (1.0 - float(luck[t, lane, i])), max_run))
                    remaining[lane, i] = length
                    held[lane, i] = run_actions[t, lane, i] if length > 1 else drawn[t, lane, i]
                if remaining[lane, i] > 0:
                    remaining[lane, i] -= 1
                    plan[t, lane, i] = held[lane, i]
                else:
                    plan[t, lane, i] = FREE
