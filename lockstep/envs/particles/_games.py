# mypy: disable-error-code="no-any-return"
"""What the games do not have in common: what is drawn for them, what they pay, and when they are won.

The same operations on 64-bit floats in the same order as mpe2 1.1.1, so that the same actions lead to the same bits.
What is cited stands in its file of the game's name. NumPy's `exp`, of which tag's edge is made, may differ from the one
here in the last of 53 bits, with the processor; rewards are handed on with 24.
"""

import math

import numpy as np
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled
from lockstep.envs.particles._lanes import (
    ADVERSARY,
    CAPTURE_RADIUS,
    PUSH,
    REFERENCE,
    SIZE,
    SPEAKER_LISTENER,
    Floats,
    Numbers,
    ParticleLanes,
    Rules,
)
from lockstep.envs.random_streams import draw_below

CAUGHT = 10.0
EDGE = 0.9
"""Beyond it, prey pays for running away."""


@compiled
def draw_goals(rules: Rules, lanes: ParticleLanes, lane: int) -> None:
    """Which landmarks matter (reset_world); the package draws them before all places."""
    goals, stream, count = lanes.goals[lane], lanes.streams[lane], lanes.landmarks.shape[1]
    if rules.game == REFERENCE:
        for agent in range(len(goals)):
            goals[agent] = draw_below(stream, count)
    elif rules.game in (SPEAKER_LISTENER, ADVERSARY, PUSH):
        goals[:] = draw_below(stream, count)


@compiled
def pay_by_goal(
    game: int, local_ratio: float, positions: Floats, landmarks: Floats, goals: Numbers, reward: NDArray[np.float32]
) -> bool:
    """What agents earn by how far they are from goals (reward, global_reward); never won.

    reward (written), as in the others: (agents,)
    """
    if game == SPEAKER_LISTENER:
        dx, dy = positions[1, 0] - landmarks[goals[1], 0], positions[1, 1] - landmarks[goals[1], 1]
        reward[:] = -(dx * dx + dy * dy)
    elif game == REFERENCE:
        own = -_apart(positions, 1, landmarks, goals[0]), -_apart(positions, 0, landmarks, goals[1])
        shared = (own[0] + own[1]) / 2
        for agent in range(2):
            reward[agent] = shared * (1 - local_ratio) + own[agent] * local_ratio
    else:
        chasing, nearest = _apart(positions, 0, landmarks, goals[0]), np.inf
        for agent in range(1, len(positions)):
            nearest = min(nearest, _apart(positions, agent, landmarks, goals[0]))
        if game == ADVERSARY:
            reward[:] = -nearest + chasing
            reward[0] = -chasing
        else:
            reward[:] = -nearest
            reward[0] = nearest - chasing
    return False


@compiled
def pay_spread(
    bodies: Floats, local_ratio: float, positions: Floats, landmarks: Floats, reward: NDArray[np.float32]
) -> bool:
    """The landmarks' distances are the team's; collisions are one's own. Returns whether all are covered."""
    distance, covered = 0.0, True
    for number in range(len(landmarks)):
        nearest = np.inf
        for agent in range(len(positions)):
            nearest = min(nearest, _apart(positions, agent, landmarks, number))
        distance += nearest
        covered = covered and nearest < CAPTURE_RADIUS
    for agent in range(len(positions)):
        own = -1.0 * _touched(bodies, positions, agent, 0, len(positions))
        reward[agent] = -distance * (1 - local_ratio) + own * local_ratio
    return covered


@compiled
def pay_tag(bodies: Floats, adversaries: int, positions: Floats, reward: NDArray[np.float32]) -> bool:
    """Adversaries share what a touch is worth; prey pays for being touched, and for running away. Returns whether all
    of it is caught."""
    touches, all_caught = 0, True
    for agent in range(adversaries, len(positions)):
        caught = _touched(bodies, positions, agent, 0, adversaries)
        touches += caught
        all_caught = all_caught and caught > 0
        earned = -CAUGHT * caught
        for axis in range(2):
            earned -= _edge(abs(positions[agent, axis]))
        reward[agent] = earned
    reward[:adversaries] = CAUGHT * touches
    return all_caught


@compiled
def _edge(x: float) -> float:
    """What it costs to be so far out, along one axis."""
    if x < EDGE:
        return 0.0
    if x < 1.0:
        return (x - EDGE) * 10
    return min(math.exp(2 * x - 2), 10.0)


@compiled
def _touched(bodies: Floats, positions: Floats, agent: int, first: int, end: int) -> int:
    """How many of the agents from `first` to before `end` touch an agent."""
    count = 0
    for other in range(first, end):
        count += (
            other != agent and _apart(positions, other, positions, agent) < bodies[other, SIZE] + bodies[agent, SIZE]
        )
    return count


@compiled
def _apart(places: Floats, one: int, others: Floats, other: int) -> float:
    """How far one of some places is from one of others."""
    dx, dy = places[one, 0] - others[other, 0], places[one, 1] - others[other, 1]
    return math.sqrt(dx * dx + dy * dy)
