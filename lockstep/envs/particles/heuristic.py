"""A team for simple_spread that is not trained: it shares the landmarks out and steers. The reference for others."""

from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.errors import UserError

LOOKAHEAD, COASTING = 3, 5
"""Steps planned action by action, and steps that are rolled out after them without pushing."""
MAX_ASSIGNED = 7
"""Agents: of 7 there are 5,040 assignments, of 10 over three million."""
PUSHES = np.array([[0.0, 0.0], [-0.5, 0.0], [0.5, 0.0], [0.0, -0.5], [0.0, 0.5]])
"""Change of velocity by each action: a force of 5 for 0.1 s."""


class LandmarkAssignment:
    """Every agent is assigned a landmark so that the sum of the distances is least, anew in each step, and takes the
    action that begins the best plan of `LOOKAHEAD` actions towards it. Collisions are not avoided.

    All of it follows from what one agent sees, so it is a decentral policy (`lockstep.acting.policy.Policy`). Raises
    UserError for more than MAX_ASSIGNED agents.
    """

    def __init__(self, num_agents: int) -> None:
        if num_agents > MAX_ASSIGNED:
            raise UserError(
                f"The heuristic team tries every assignment of up to {MAX_ASSIGNED} agents, not of {num_agents}; "
                "choose fewer or --policy random."
            )
        self.num_agents = num_agents
        self.assignments = np.array(list(permutations(range(num_agents))))
        self.plans = np.array(list(product(range(len(PUSHES)), repeat=LOOKAHEAD)))

    def act(
        self, obs: Obs, available: Mask | None, last_actions: NDArray[np.int64], memory: Any
    ) -> tuple[NDArray[np.int64], Any]:
        """See `lockstep.acting.policy.Policy.act`."""
        agents = self.num_agents
        velocities, positions = obs[:, :, :2], obs[:, :, 2:4]
        landmarks = obs[:, 0, 4 : 4 + 2 * agents].reshape(len(obs), agents, 2) + positions[:, :1]
        apart = np.linalg.norm(positions[:, :, None] - landmarks[:, None], axis=-1)  # (num_envs, agents, landmarks)
        costs = apart[:, np.arange(agents), self.assignments].sum(-1)  # (num_envs, assignments)
        goals = np.take_along_axis(landmarks, self.assignments[costs.argmin(-1)][..., None], axis=1)
        return self._steer(positions - goals, velocities), None

    def _steer(self, offsets: NDArray[Any], velocities: NDArray[Any]) -> NDArray[np.int64]:
        """The first action of the plan that keeps agents closest to their goals. offsets, velocities: (..., 2)."""
        offset = np.repeat(offsets[..., None, :], len(self.plans), axis=-2)  # (..., plans, 2)
        velocity = np.repeat(velocities[..., None, :], len(self.plans), axis=-2)
        cost = np.zeros(offset.shape[:-1])
        for step in range(LOOKAHEAD + COASTING):
            offset = offset + 0.1 * velocity
            velocity = 0.75 * velocity
            if step < LOOKAHEAD:
                velocity = velocity + PUSHES[self.plans[:, step]]
            cost += np.linalg.norm(offset, axis=-1)
        actions: NDArray[np.int64] = self.plans[cost.argmin(-1), 0]
        return actions
