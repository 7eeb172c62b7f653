# mypy: disable-error-code="no-any-return"
"""One step of many games of simple_spread, compiled: arrays in, arrays out. Only `simulator` calls this.

The same operations on 64-bit floats in the same order as mpe2 1.1.1, so that the same actions lead to the same bits.
Line numbers cite its _mpe_utils/core.py, _mpe_utils/simple_env.py and simple_spread/simple_spread.py.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled
from lockstep.envs.random_streams import draw_uniform, seed_stream

LEFT, RIGHT, DOWN, UP = 1, 2, 3, 4
TIME_STEP, DAMPING = 0.1, 0.25
CONTACT_FORCE, CONTACT_MARGIN = 1e2, 1e-3
PUSH = 5.0
"""The force of an action; an agent's mass is 1."""
AGENT_SIZE = 0.15
TOUCHING = AGENT_SIZE + AGENT_SIZE
CAPTURE_RADIUS = 0.1

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


class Rules(NamedTuple):
    """What is the same for all lanes."""

    time_limit: int
    local_ratio: float
    terminate_on_success: bool


class ParticleLanes(NamedTuple):
    """What decides the future of every lane: arrays whose first axis is the lane."""

    streams: NDArray[np.uint64]
    """(lanes, 6), see random_streams"""
    positions: Floats
    """(lanes, agents, 2)"""
    velocities: Floats
    """(lanes, agents, 2)"""
    landmarks: Floats
    """(lanes, agents, 2): there are as many landmarks as agents"""
    steps: Numbers
    """(lanes,) since the reset"""


@compiled
def seed_spread(streams: NDArray[np.uint64], chosen: Numbers, first_seed: np.uint64) -> None:
    """Lane i draws from `first_seed + i` on, as mpe2 does after `reset(seed=first_seed + i)`."""
    for lane in chosen:
        seed_stream(streams[lane], first_seed + np.uint64(lane))


@compiled
def reset_spread(lanes: ParticleLanes, chosen: Numbers) -> None:
    """Agents and landmarks anywhere in the square from -1 to 1, at rest (simple_spread.py, reset_world)."""
    for lane in chosen:
        for places in (lanes.positions[lane], lanes.landmarks[lane]):
            for number in range(len(places)):
                places[number, 0] = draw_uniform(lanes.streams[lane], -1.0, 1.0)
                places[number, 1] = draw_uniform(lanes.streams[lane], -1.0, 1.0)
        lanes.velocities[lane] = 0.0
        lanes.steps[lane] = 0


@compiled
def advance_spread(
    rules: Rules,
    lanes: ParticleLanes,
    chosen: Numbers,
    actions: Numbers,
    reward: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
) -> None:
    """One step of the chosen lanes. actions: (lanes, agents) 0..4; reward: (lanes, agents), written."""
    for lane in chosen:
        positions = lanes.positions[lane]
        _move(positions, lanes.velocities[lane], actions[lane])
        distance, covered = _coverage(positions, lanes.landmarks[lane])
        for agent in range(len(positions)):
            own = -1.0 * _collisions(positions, agent)
            reward[lane, agent] = -distance * (1 - rules.local_ratio) + own * rules.local_ratio
        lanes.steps[lane] += 1
        truncated[lane] = lanes.steps[lane] >= rules.time_limit
        terminated[lane] = not truncated[lane] and rules.terminate_on_success and covered


@compiled
def observe_spread(lanes: ParticleLanes, chosen: Numbers, obs: NDArray[np.float32]) -> None:
    """What agents see (simple_spread.py, observation). obs: (lanes, agents, features); silent channels stay 0."""
    for lane in chosen:
        positions, landmarks = lanes.positions[lane], lanes.landmarks[lane]
        for agent in range(len(positions)):
            x, y = positions[agent, 0], positions[agent, 1]
            seen = obs[lane, agent]
            seen[0], seen[1] = lanes.velocities[lane, agent, 0], lanes.velocities[lane, agent, 1]
            seen[2], seen[3] = x, y
            at = 4
            for number in range(len(landmarks)):
                seen[at], seen[at + 1] = landmarks[number, 0] - x, landmarks[number, 1] - y
                at += 2
            for other in range(len(positions)):
                if other != agent:
                    seen[at], seen[at + 1] = positions[other, 0] - x, positions[other, 1] - y
                    at += 2


@compiled
def _move(positions: Floats, velocities: Floats, actions: Numbers) -> None:
    """Forces of actions and contacts, then motion (core.py, World.step)."""
    agents = len(positions)
    forces = np.zeros((agents, 2))
    for agent in range(agents):
        if actions[agent] == LEFT:
            forces[agent, 0] = -PUSH
        elif actions[agent] == RIGHT:
            forces[agent, 0] = PUSH
        elif actions[agent] == DOWN:
            forces[agent, 1] = -PUSH
        elif actions[agent] == UP:
            forces[agent, 1] = PUSH
    for a in range(agents):
        for b in range(a + 1, agents):
            dx, dy = positions[a, 0] - positions[b, 0], positions[a, 1] - positions[b, 1]
            distance = math.sqrt(dx * dx + dy * dy)
            penetration = _softplus(-(distance - TOUCHING) / CONTACT_MARGIN) * CONTACT_MARGIN
            push_x = CONTACT_FORCE * dx / distance * penetration
            push_y = CONTACT_FORCE * dy / distance * penetration
            forces[a, 0] += push_x
            forces[a, 1] += push_y
            forces[b, 0] -= push_x
            forces[b, 1] -= push_y
    for agent in range(agents):
        for axis in range(2):
            positions[agent, axis] += velocities[agent, axis] * TIME_STEP
            velocities[agent, axis] = velocities[agent, axis] * (1 - DAMPING)
            velocities[agent, axis] += forces[agent, axis] * TIME_STEP


@compiled
def _softplus(x: float) -> float:
    """log(1 + exp(x)), as `numpy.logaddexp(0, x)` takes care of large numbers."""
    if x == 0.0:
        return math.log(2.0)
    if x < 0.0:
        return math.log1p(math.exp(x))
    return x + math.log1p(math.exp(-x))


@compiled
def _coverage(positions: Floats, landmarks: Floats) -> tuple[float, bool]:
    """The distances of the landmarks from the agents nearest to them, summed; and whether all are within reach."""
    total, covered = 0.0, True
    for number in range(len(landmarks)):
        nearest = np.inf
        for agent in range(len(positions)):
            dx = positions[agent, 0] - landmarks[number, 0]
            dy = positions[agent, 1] - landmarks[number, 1]
            nearest = min(nearest, math.sqrt(dx * dx + dy * dy))
        total += nearest
        covered = covered and nearest < CAPTURE_RADIUS
    return total, covered


@compiled
def _collisions(positions: Floats, agent: int) -> int:
    """How many others touch an agent."""
    count = 0
    for other in range(len(positions)):
        dx, dy = positions[other, 0] - positions[agent, 0], positions[other, 1] - positions[agent, 1]
        count += other != agent and math.sqrt(dx * dx + dy * dy) < TOUCHING
    return count
