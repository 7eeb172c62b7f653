# mypy: disable-error-code="no-any-return"
"""What the agents of particle games see, compiled, part by part. Only `simulator` calls this.

The parts and their order are those of `observation` in mpe2 1.1.1's scenarios; see `_lanes` for their names.
"""

import numpy as np
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled
from lockstep.envs.particles._lanes import (
    GOAL,
    GOAL_COLOR,
    LANDMARK_COLORS,
    LANDMARKS,
    OTHERS,
    PLACE,
    PREY_VELOCITIES,
    VELOCITY,
    WORD,
    Floats,
    Numbers,
    ParticleLanes,
    Rules,
)

COLORS = 3
_UNLIT, _LIT = 0.1, 0.1 + 0.8
"""Channels of simple_push's landmarks."""


@compiled
def observe_particles(rules: Rules, lanes: ParticleLanes, chosen: Numbers, obs: NDArray[np.float32]) -> None:
    """Write what agents see now. obs: (lanes * agents * features,); what is not written stays 0."""
    # Taken out of their tuples here: in the loop, every use would count references.
    num_agents, num_features, sees = lanes.positions.shape[1], rules.num_features, rules.sees
    agent_slots, landmark_slots = rules.agent_slots, rules.landmark_slots
    for lane in chosen:
        positions, velocities, landmarks = lanes.positions[lane], lanes.velocities[lane], lanes.landmarks[lane]
        goals = lanes.goals[lane]
        for agent in range(num_agents):
            x, y = positions[agent, 0], positions[agent, 1]
            first = (lane * num_agents + agent) * num_features
            seen = obs[first : first + num_features]
            at = 0
            for number in range(sees.shape[1]):
                part = sees[agent, number]
                if part == VELOCITY:
                    seen[at], seen[at + 1] = velocities[agent, 0], velocities[agent, 1]
                    at += 2
                elif part == PLACE:
                    seen[at], seen[at + 1] = x, y
                    at += 2
                elif part == LANDMARKS and landmark_slots < 0:
                    for other in range(len(landmarks)):
                        seen[at], seen[at + 1] = landmarks[other, 0] - x, landmarks[other, 1] - y
                        at += 2
                elif part == OTHERS and agent_slots < 0:
                    for other in range(num_agents):
                        if other != agent:
                            seen[at], seen[at + 1] = positions[other, 0] - x, positions[other, 1] - y
                            at += 2
                elif part == LANDMARKS:
                    at = _see_nearest(landmarks, landmark_slots, -1, x, y, seen, at)
                elif part == OTHERS:
                    at = _see_nearest(positions, agent_slots, agent, x, y, seen, at)
                elif part == GOAL:
                    goal = landmarks[goals[agent]]
                    seen[at], seen[at + 1] = goal[0] - x, goal[1] - y
                    at += 2
                elif part == GOAL_COLOR:
                    for channel in range(COLORS):
                        lit = channel == goals[agent] + rules.first_channel
                        seen[at + channel] = rules.bright if lit else rules.dull
                    at += COLORS
                elif part == LANDMARK_COLORS:
                    for landmark in range(len(landmarks)):
                        for channel in range(COLORS):
                            seen[at + channel] = _LIT if channel == landmark + 1 else _UNLIT
                        at += COLORS
                elif part == PREY_VELOCITIES:
                    at = _see_prey(rules, positions, velocities, agent, seen, at)
                elif part == WORD:
                    said = lanes.words[lane, 1 - agent]
                    for word in range(rules.num_words):
                        seen[at + word] = word == said
                    at += rules.num_words


@compiled
def _see_nearest(places: Floats, slots: int, but: int, x: float, y: float, seen: NDArray[np.float32], at: int) -> int:
    """The nearest of some places as seen from (x, y), `but` that of one number. Returns where to go on."""
    order = _nearest(places, but, x, y)
    for slot in range(slots):
        there = slot < len(order)
        seen[at] = places[order[slot], 0] - x if there else 0.0
        seen[at + 1] = places[order[slot], 1] - y if there else 0.0
        at += 2
    return at


@compiled
def _see_prey(
    rules: Rules, positions: Floats, velocities: Floats, agent: int, seen: NDArray[np.float32], at: int
) -> int:
    """Velocities of the others that are no adversaries; among the nearest, adversaries seem to stand still."""
    if rules.agent_slots < 0:
        for other in range(rules.num_adversaries, len(positions)):
            if other != agent:
                seen[at], seen[at + 1] = velocities[other, 0], velocities[other, 1]
                at += 2
        return at
    order = _nearest(positions, agent, positions[agent, 0], positions[agent, 1])
    for slot in range(rules.agent_slots):
        there = slot < len(order) and order[slot] >= rules.num_adversaries
        seen[at] = velocities[order[slot], 0] if there else 0.0
        seen[at + 1] = velocities[order[slot], 1] if there else 0.0
        at += 2
    return at


@compiled
def _nearest(places: Floats, but: int, x: float, y: float) -> Numbers:
    """The numbers of all places `but` one, the nearest to (x, y) first."""
    order = np.empty(len(places) - (but >= 0), dtype=np.int64)
    apart = np.empty(len(places))
    count = 0
    for number in range(len(places)):
        dx, dy = places[number, 0] - x, places[number, 1] - y
        apart[number] = dx * dx + dy * dy
        if number != but:
            slot = count
            while slot > 0 and apart[order[slot - 1]] > apart[number]:
                order[slot] = order[slot - 1]
                slot -= 1
            order[slot] = number
            count += 1
    return order
