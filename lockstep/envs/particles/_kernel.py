# mypy: disable-error-code="no-any-return"
"""One step of many particle games, compiled: arrays in, arrays out. Only `simulator` calls this.

The same operations on 64-bit floats in the same order as mpe2 1.1.1, so that the same actions lead to the same bits.
What is cited stands in its _mpe_utils/core.py.
"""

import math

import numpy as np
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled, inlined
from lockstep.envs.particles._games import draw_goals, pay_by_goal, pay_spread, pay_tag
from lockstep.envs.particles._lanes import FORCE, SIZE, SPREAD, TAG, TOP_SPEED, Floats, Numbers, ParticleLanes, Rules
from lockstep.envs.random_streams import draw_uniform, seed_stream

NUM_MOVES = 5
LEFT, RIGHT, DOWN, UP = 1, 2, 3, 4
TIME_STEP, DAMPING = 0.1, 0.25
CONTACT_FORCE, CONTACT_MARGIN = 1e2, 1e-3


@compiled
def seed_particles(streams: NDArray[np.uint64], chosen: Numbers, first_seed: np.uint64) -> None:
    """Lane i draws from `first_seed + i` on, as mpe2 does after `reset(seed=first_seed + i)`."""
    for lane in chosen:
        seed_stream(streams[lane], first_seed + np.uint64(lane))


@compiled
def reset_particles(rules: Rules, lanes: ParticleLanes, chosen: Numbers) -> None:
    """Agents anywhere in the square from -1 to 1, landmarks where they may lie, all at rest and silent."""
    for lane in chosen:
        draw_goals(rules, lanes, lane)
        _scatter(lanes.streams[lane], lanes.positions[lane], 1.0)
        _scatter(lanes.streams[lane], lanes.landmarks[lane], rules.spawn)
        lanes.velocities[lane] = 0.0
        lanes.words[lane] = -1
        lanes.steps[lane] = 0


@compiled
def _scatter(stream: NDArray[np.uint64], places: Floats, most: float) -> None:
    for number in range(len(places)):
        places[number, 0] = draw_uniform(stream, -most, most)
        places[number, 1] = draw_uniform(stream, -most, most)


@compiled
def advance_particles(
    rules: Rules,
    lanes: ParticleLanes,
    chosen: Numbers,
    num_steps: int,
    actions: Numbers,
    reward: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
) -> None:
    """`num_steps` steps of every chosen lane, or fewer: a lane stops for good where its episode ends.

    actions, reward (written): (num_steps * lanes * agents,). terminated, truncated: (lanes,), of which the chosen are
    written. An action of an agent that moves and speaks is its word times 5, plus its move.
    """
    # Taken out of their tuples here: in the loop, every use would count references.
    bodies, game, ratio = rules.bodies, rules.game, rules.local_ratio
    obstacle_size, num_adversaries, collide = rules.obstacle_size, rules.num_adversaries, rules.agents_collide
    num_lanes, num_agents = lanes.positions.shape[:2]
    for lane in chosen:
        positions, velocities, landmarks = lanes.positions[lane], lanes.velocities[lane], lanes.landmarks[lane]
        for t in range(num_steps):
            at = (t * num_lanes + lane) * num_agents
            done, earned = actions[at : at + num_agents], reward[at : at + num_agents]
            _move(bodies, collide, obstacle_size, positions, velocities, landmarks, done)
            if game == SPREAD:
                won = pay_spread(bodies, ratio, positions, landmarks, earned)
            elif game == TAG:
                won = pay_tag(bodies, num_adversaries, positions, earned)
            else:
                won = pay_by_goal(game, ratio, positions, landmarks, lanes.goals[lane], earned)
            if rules.num_words > 0:
                _speak(rules.speaks, rules.moves, lanes.words[lane], done)
            lanes.steps[lane] += 1
            truncated[lane] = lanes.steps[lane] >= rules.time_limit
            terminated[lane] = not truncated[lane] and rules.terminate_on_success and won
            if truncated[lane] or terminated[lane]:
                break


@compiled
def _speak(speaks: NDArray[np.bool_], moves: NDArray[np.bool_], words: Numbers, actions: Numbers) -> None:
    """Whoever speaks is heard in the same step (World.update_agent_state)."""
    for agent in range(len(words)):
        if speaks[agent]:
            words[agent] = actions[agent] // NUM_MOVES if moves[agent] else actions[agent]


@inlined
def _move(
    bodies: Floats,
    collide: bool,
    obstacle_size: float,
    positions: Floats,
    velocities: Floats,
    landmarks: Floats,
    actions: Numbers,
) -> None:
    """Forces of actions and contacts, then motion (World.step)."""
    agents = len(positions)
    forces = np.zeros((agents, 2))
    for agent in range(agents):
        move = actions[agent] % NUM_MOVES
        if move == LEFT:
            forces[agent, 0] = -bodies[agent, FORCE]
        elif move == RIGHT:
            forces[agent, 0] = bodies[agent, FORCE]
        elif move == DOWN:
            forces[agent, 1] = -bodies[agent, FORCE]
        elif move == UP:
            forces[agent, 1] = bodies[agent, FORCE]
    if collide:
        for a in range(agents):
            for b in range(a + 1, agents):
                dx, dy = positions[a, 0] - positions[b, 0], positions[a, 1] - positions[b, 1]
                push_x, push_y = _push(dx, dy, bodies[a, SIZE] + bodies[b, SIZE])
                forces[a, 0] += push_x
                forces[a, 1] += push_y
                forces[b, 0] -= push_x
                forces[b, 1] -= push_y
            if obstacle_size > 0.0:
                for number in range(len(landmarks)):
                    dx, dy = positions[a, 0] - landmarks[number, 0], positions[a, 1] - landmarks[number, 1]
                    push_x, push_y = _push(dx, dy, bodies[a, SIZE] + obstacle_size)
                    forces[a, 0] += push_x
                    forces[a, 1] += push_y
    for agent in range(agents):
        for axis in range(2):
            positions[agent, axis] += velocities[agent, axis] * TIME_STEP
            velocities[agent, axis] = velocities[agent, axis] * (1 - DAMPING)
            velocities[agent, axis] += forces[agent, axis] * TIME_STEP
        if bodies[agent, TOP_SPEED] < np.inf:
            x, y = velocities[agent, 0], velocities[agent, 1]
            speed = math.sqrt(x * x + y * y)
            if speed > bodies[agent, TOP_SPEED]:
                velocities[agent, 0] = x / speed * bodies[agent, TOP_SPEED]
                velocities[agent, 1] = y / speed * bodies[agent, TOP_SPEED]


@compiled
def _push(dx: float, dy: float, touching: float) -> tuple[float, float]:
    """The force of a contact on the one of two bodies that the other is (dx, dy) away from (get_collision_force)."""
    distance = math.sqrt(dx * dx + dy * dy)
    penetration = _softplus(-(distance - touching) / CONTACT_MARGIN) * CONTACT_MARGIN
    return CONTACT_FORCE * dx / distance * penetration, CONTACT_FORCE * dy / distance * penetration


@compiled
def _softplus(x: float) -> float:
    """log(1 + exp(x)), as `numpy.logaddexp(0, x)` takes care of large numbers."""
    if x == 0.0:
        return math.log(2.0)
    if x < 0.0:
        return math.log1p(math.exp(x))
    return x + math.log1p(math.exp(-x))
