"""Teams for particle games that are not trained: they know where to go, and steer. The reference for others."""

import re
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.policy import Policy
from lockstep.arrays import Mask, Obs
from lockstep.envs.particles import _lanes
from lockstep.envs.particles.games import NUM_MOVES, Game
from lockstep.errors import UserError

LOOKAHEAD, COASTING = 3, 5
"""Steps planned action by action, and steps that are rolled out after them without pushing."""
MAX_ASSIGNED = 7
"""Agents: of 7 there are 5,040 assignments, of 10 over three million."""
PUSHES = np.array([[0.0, 0.0], [-0.5, 0.0], [0.5, 0.0], [0.0, -0.5], [0.0, 0.5]])
"""Change of velocity by each action: a force of 5 for 0.1 s."""
PLANS = np.array(list(product(range(len(PUSHES)), repeat=LOOKAHEAD)))
"""Every sequence of so many actions."""
FIELD = 0.8
"""Prey that is further out comes back first: beyond 0.9 it pays."""
LEAD = 0.3
"""Seconds ahead that prey is hunted."""


def programmed_team(game: Game) -> Policy:
    """The team of a game. Raises UserError where it would have to see more, or think longer."""
    if game.agent_slots is not None or game.landmark_slots is not None:
        raise UserError(
            "The heuristic team wants to see everybody and everything; leave num_agent_neighbors and "
            "num_landmark_neighbors out, or say --policy random."
        )
    return LandmarkAssignment(len(game.agents)) if game.number == _lanes.SPREAD else RuledTeam(game)


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
        return steer(positions - goals, velocities), None


class RuledTeam:
    """Everybody goes where a rule of the game says, by what it sees itself: a decentral policy for both sides.

    Who speaks names the goal by its number, and who listens goes there. Those who hide their goal take one landmark
    each. Who does not know the goal believes that it is where a good agent is nearest to a landmark. Hunters run to
    where the nearest prey will be; prey runs from the nearest hunter, and back when it is far out.
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self.columns = [_columns(names) for names in game.features]

    def act(
        self, obs: Obs, available: Mask | None, last_actions: NDArray[np.int64], memory: Any
    ) -> tuple[NDArray[np.int64], Any]:
        """See `lockstep.acting.policy.Policy.act`."""
        actions = np.zeros(obs.shape[:2], dtype=np.int64)
        for number, agent in enumerate(self.game.agents):
            seen = {name: obs[:, number, columns] for name, columns in self.columns[number].items()}
            if agent.moves:
                velocity = seen["own_velocity"][:, 0] if "own_velocity" in seen else np.zeros((len(obs), 2))
                actions[:, number] = steer(-self._wanted(number, seen), velocity)
            if agent.speaks:
                word = seen["goal_color"][:, 0].argmax(-1)
                actions[:, number] = word * NUM_MOVES + actions[:, number] if agent.moves else word
        return actions, None

    def _wanted(self, number: int, seen: dict[str, NDArray[Any]]) -> NDArray[Any]:
        """Where an agent wants to be, as it sees it. Returns (num_envs, 2)."""
        agent, adversaries = self.game.agents[number], sum(one.adversary for one in self.game.agents)
        if agent.speaks or self.game.number == _lanes.SPEAKER_LISTENER:
            heard, word = seen["hears"][:, 0], seen["hears"][:, 0].argmax(-1)
            return np.where(
                heard.any(-1, keepdims=True), _picked(seen["landmark"], word % self.game.num_landmarks), 0.0
            )
        others = seen["other"]
        if self.game.number == _lanes.TAG:
            if agent.adversary:
                prey = others[:, adversaries - 1 :]
                ahead = LEAD * (seen["prey_velocity"] - seen["own_velocity"])
                return _picked(prey + ahead, np.linalg.norm(prey, axis=-1).argmin(-1))
            hunters = others[:, :adversaries]
            away = -_picked(hunters, np.linalg.norm(hunters, axis=-1).argmin(-1))
            here = seen["own"][:, 0]
            return np.where(np.abs(here).max(-1, keepdims=True) > FIELD, -here, away)
        landmarks = seen["landmark"]
        if agent.adversary:
            apart = np.linalg.norm(landmarks[:, :, None] - others[:, None], axis=-1)  # (num_envs, landmarks, others)
            return _picked(landmarks, apart.min(-1).argmin(-1))
        goal = np.linalg.norm(landmarks - seen["goal"], axis=-1).argmin(-1)
        return _picked(landmarks, (goal + number - adversaries) % self.game.num_landmarks)


def steer(offsets: NDArray[Any], velocities: NDArray[Any]) -> NDArray[np.int64]:
    """The first action of the plan that keeps agents closest to their goals. offsets, velocities: (..., 2)."""
    offset = np.repeat(offsets[..., None, :], len(PLANS), axis=-2)  # (..., plans, 2)
    velocity = np.repeat(velocities[..., None, :], len(PLANS), axis=-2)
    cost = np.zeros(offset.shape[:-1])
    for step in range(LOOKAHEAD + COASTING):
        offset = offset + 0.1 * velocity
        velocity = 0.75 * velocity
        if step < LOOKAHEAD:
            velocity = velocity + PUSHES[PLANS[:, step]]
        cost += np.linalg.norm(offset, axis=-1)
    actions: NDArray[np.int64] = PLANS[cost.argmin(-1), 0]
    return actions


def _columns(names: tuple[str, ...]) -> dict[str, NDArray[np.int64]]:
    """Where the parts of things are seen, (things, parts), by what the things are: landmark, other, goal, hears..."""
    found: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        what, _, part = re.sub(r"_[0-9]+", "", name).rpartition("_")
        found.setdefault(f"{what}_color" if part in ("red", "green", "blue") else what, []).append(column)
    return {
        what: np.array(columns).reshape(-1, 3 if what.endswith("color") else len(columns) if what == "hears" else 2)
        for what, columns in found.items()
    }


def _picked(places: NDArray[Any], number: NDArray[np.int64]) -> NDArray[Any]:
    """One of several places in every lane. places: (num_envs, several, 2), number: (num_envs,)"""
    return np.take_along_axis(places, number[:, None, None], axis=1)[:, 0]
