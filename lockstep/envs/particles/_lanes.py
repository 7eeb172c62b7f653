"""What the compiled games work on: the rules of one game, the state of many lanes, and what there is to be seen."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

SPREAD, SPEAKER_LISTENER, REFERENCE, ADVERSARY, TAG, PUSH = range(6)
"""The games, by number."""

SIZE, FORCE, TOP_SPEED = range(3)
"""Columns of `Rules.bodies`."""
CAPTURE_RADIUS = 0.1
"""Who is nearer to a landmark than this has reached it."""

NOTHING, VELOCITY, PLACE, GOAL, GOAL_COLOR, LANDMARKS, LANDMARK_COLORS, OTHERS, PREY_VELOCITIES, SILENCE, WORD = range(
    11
)
"""The parts that observations are made of. Places are seen from where the agent is, but for its own.

GOAL: the landmark to reach. GOAL_COLOR: three channels, of which its number's is bright. OTHERS: all other agents.
PREY_VELOCITIES: of the others that are no adversaries. SILENCE: channels of agents that never speak, always 0.
WORD: what the other agent said last, as flags.
"""


class Rules(NamedTuple):
    """What is the same for all lanes of a game; A agents, L landmarks."""

    game: int
    time_limit: int
    local_ratio: float
    """Weight of an agent's own reward beside the team's, where a game has both."""
    terminate_on_success: bool
    num_features: int
    """Of the longest observation; behind shorter ones there are zeros."""
    num_adversaries: int
    """They come first among the agents."""
    num_words: int
    spawn: float
    """Landmarks lie within this of the middle, either way."""
    agents_collide: bool
    obstacle_size: float
    """The radius of landmarks that are in the way; 0: they are none."""
    agent_slots: int
    """Of how many other agents, the nearest, the places are seen; -1: of all, by number."""
    landmark_slots: int
    """Of landmarks, likewise."""
    dull: float
    bright: float
    """Of a GOAL_COLOR's channels."""
    first_channel: int
    """Of a GOAL_COLOR, the channel of landmark 0."""
    sees: Numbers
    """(A, parts): what an agent's observation is made of, in order; NOTHING at the end of shorter ones"""
    moves: NDArray[np.bool_]
    """(A,)"""
    speaks: NDArray[np.bool_]
    """(A,)"""
    bodies: Floats
    """(A, 3): SIZE, the radius; FORCE of an action, an agent's mass being 1 (0: it cannot move); TOP_SPEED, infinite
    where there is none"""


class ParticleLanes(NamedTuple):
    """What decides the future of every lane: arrays whose first axis is the lane."""

    streams: NDArray[np.uint64]
    """(lanes, 6), see random_streams"""
    positions: Floats
    """(lanes, agents, 2)"""
    velocities: Floats
    """(lanes, agents, 2)"""
    landmarks: Floats
    """(lanes, landmarks, 2)"""
    goals: Numbers
    """(lanes, agents): the landmark that an agent is told of; -1 where a game has none. In `simple_reference` it is the
    one that the other agent is to reach."""
    words: Numbers
    """(lanes, agents): what was said last; -1 for nothing"""
    steps: Numbers
    """(lanes,) since the reset"""
