"""One particle game at one moment: for drawing and counting."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import dist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.particles._lanes import CAPTURE_RADIUS
from lockstep.envs.particles.games import LETTERS, Game

Point = tuple[float, float]
AGENT_RADIUS = 0.15
"""Of the agents of simple_spread."""


class Places(NamedTuple):
    """Who and what is where, and what was said, in every lane."""

    positions: NDArray[np.float64]
    """(lanes, agents, 2)"""
    velocities: NDArray[np.float64]
    """(lanes, agents, 2)"""
    landmarks: NDArray[np.float64]
    """(lanes, landmarks, 2)"""
    goals: NDArray[np.int64]
    """(lanes, agents): the landmark that an agent is told of, or -1"""
    words: NDArray[np.int64]
    """(lanes, agents): what was said last, or -1"""


@dataclass(frozen=True)
class ParticleScene:
    """Who is where; x to the right, y upwards. Landmarks lie within 1 of the middle, agents may go further.

    What is left out is as in simple_spread.
    """

    agents: tuple[Point, ...]
    landmarks: tuple[Point, ...]
    sizes: tuple[float, ...] = ()
    """The agents' radii; empty: AGENT_RADIUS."""
    adversaries: tuple[int, ...] = ()
    """Which agents are."""
    goals: tuple[int, ...] | None = None
    """Landmarks that somebody is to reach; None: all of them."""
    obstacle_size: float = 0.0
    """The radius of landmarks that are in the way; 0: they are none."""
    words: tuple[str, ...] = ()
    """What every agent said last, or nothing; empty: nobody speaks here."""

    def size(self, agent: int) -> float:
        """The radius of an agent."""
        return self.sizes[agent] if self.sizes else AGENT_RADIUS

    @property
    def targets(self) -> tuple[Point, ...]:
        """The places of the goals."""
        return self.landmarks if self.goals is None else tuple(self.landmarks[goal] for goal in self.goals)

    def shines(self, agent: int) -> bool:
        """Whether something happens to an agent: it stands on a goal, or is caught by an adversary among obstacles."""
        place = self.agents[agent]
        if not self.obstacle_size:
            return any(dist(place, target) < CAPTURE_RADIUS for target in self.targets)
        return agent not in self.adversaries and any(
            dist(place, self.agents[other]) < self.size(agent) + self.size(other) for other in self.adversaries
        )

    def ordered(self, order: Sequence[int]) -> "ParticleScene":
        """The same with its agents in another order: the first one is then `order[0]`."""
        return ParticleScene(
            tuple(self.agents[agent] for agent in order),
            self.landmarks,
            tuple(self.size(agent) for agent in order),
            tuple(new for new, agent in enumerate(order) if agent in self.adversaries),
            self.goals,
            self.obstacle_size,
            tuple(self.words[agent] for agent in order) if self.words else (),
        )


def scene_of(game: Game, places: Places, lane: int) -> ParticleScene:
    """How one lane of a game looks."""
    goals = {int(goal) for goal in places.goals[lane]} - {-1}
    return ParticleScene(
        _points(places.positions[lane]),
        _points(places.landmarks[lane]),
        tuple(agent.size for agent in game.agents),
        tuple(number for number, agent in enumerate(game.agents) if agent.adversary),
        None if not goals and not game.obstacles else tuple(sorted(goals)),
        game.landmark_size if game.obstacles else 0.0,
        tuple(LETTERS[word] if word >= 0 else "" for word in places.words[lane]) if game.num_words else (),
    )


def _points(places: NDArray[np.float64]) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in places)
