"""Leaving the greedy path: epsilon-greedy, a ladder of epsilons over the lanes, and runs of one action."""

import numpy as np
from numpy.typing import NDArray

from lockstep.config.schema import ExplorationConfig
from lockstep.envs.vector_env import Mask
from lockstep.policy import Actions, random_actions


def lane_epsilons(epsilon: float, num_envs: int, ladder: float) -> NDArray[np.float64]:
    """(num_envs,): lane i of n explores with epsilon ** (1 + ladder * i / (n - 1)) (Horgan et al. 2018, section 4)."""
    exponents = 1.0 + ladder * np.arange(num_envs) / max(num_envs - 1, 1)
    return np.asarray(epsilon**exponents)


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
    ) -> None:
        self.epsilons, self.num_actions, self.rng = epsilons[:, None], num_actions, rng
        self.max_run = config.repeat_max_steps
        self.run_actions = np.array(config.repeat_actions or range(num_actions), dtype=np.int64)
        self.held = np.zeros((len(epsilons), num_agents), dtype=np.int64)
        self.remaining = np.zeros_like(self.held)

    def explore(self, greedy: Actions, available: Mask | None) -> Actions:
        """greedy: (num_envs, agents) -> the actions to take, of the same shape; unavailable ones are never taken."""
        start = self.rng.random(greedy.shape) < self.epsilons
        random = random_actions(greedy.shape, self.num_actions, available, self.rng)
        if self.max_run == 1:
            return np.where(start, random, greedy)
        running = self.remaining > 0
        start &= ~running
        lengths = np.minimum(1.0 / (1.0 - self.rng.random(greedy.shape)), self.max_run).astype(np.int64)
        long = start & (lengths > 1)
        self.held = np.where(
            long, self.rng.choice(self.run_actions, size=greedy.shape), np.where(start, random, self.held)
        )
        self.remaining = np.where(start, lengths, np.maximum(self.remaining, 0))
        exploring = start | running
        self.remaining -= exploring
        actions = np.where(exploring, self.held, greedy)
        if available is None:
            return actions
        allowed = np.take_along_axis(available, actions[..., None], -1)[..., 0]
        return np.where(allowed, actions, random)
