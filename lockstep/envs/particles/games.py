"""The particle games by the names and arguments of mpe2: who plays, what everybody sees and can do, how they end."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.particles import _lanes
from lockstep.errors import UnknownArgumentError, UserError
from lockstep.spec import FLOAT_BITS, EnvSpec

MOVES = ("stay", "left", "right", "down", "up")
NUM_MOVES = len(MOVES)
LETTERS = "ABCDEFGHIJ"
_AXES, _CHANNELS = ("x", "y"), ("red", "green", "blue")
FORCE = 5.0
"""Of an action, unless an agent has one of its own."""
_PACKAGE_ONLY = ("continuous_actions", "curriculum", "benchmark_data")
_IGNORED = ("render_mode", "dynamic_rescaling")
"""Belong to drawing."""
_COUNTS = {
    "max_cycles": (1, 1_000_000),
    "N": (1, 50),
    "num_good": (1, 50),
    "num_adversaries": (1, 50),
    "num_obstacles": (0, 50),
    "num_agent_neighbors": (1, 50),
    "num_landmark_neighbors": (1, 50),
}
"""Arguments that count something: the least and the most."""


@dataclass(frozen=True)
class Agent:
    """One agent of a game."""

    name: str
    size: float
    """Its radius."""
    sees: tuple[int, ...]
    """The parts of its observation, in order; see `_lanes`."""
    adversary: bool = False
    moves: bool = True
    speaks: bool = False
    force: float = FORCE
    top_speed: float = np.inf


@dataclass(frozen=True)
class Game:
    """One game, with its rules."""

    name: str
    """As mpe2 calls it: simple_tag_v3."""
    number: int
    """See `_lanes`."""
    agents: tuple[Agent, ...]
    """Adversaries first."""
    num_landmarks: int
    max_cycles: int
    landmark_size: float = 0.05
    spawn: float = 1.0
    """Landmarks lie within this of the middle, either way."""
    local_ratio: float = 0.0
    terminate_on_success: bool = False
    agents_collide: bool = False
    obstacles: bool = False
    """Whether landmarks are in the way."""
    num_words: int = 0
    agent_slots: int | None = None
    """How many others are seen, the nearest; None: all of them."""
    landmark_slots: int | None = None
    """How many landmarks, likewise."""
    colors: tuple[float, float, int] = (0.0, 0.0, 0)
    """Of a goal's color: the dull channels, the bright one, and which that is for landmark 0."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What was said to mpe2's `parallel_env(...)`."""

    @property
    def features(self) -> tuple[tuple[str, ...], ...]:
        """The names of the numbers that every agent sees, in order."""
        return tuple(tuple(self._names(agent)) for agent in self.agents)

    @property
    def num_actions(self) -> tuple[int, ...]:
        """How many every agent has."""
        return tuple(
            (NUM_MOVES if agent.moves else 1) * (self.num_words if agent.speaks else 1) for agent in self.agents
        )

    @property
    def available(self) -> NDArray[np.bool_] | None:
        """(agents, actions): who can do what; None where all can do the same."""
        counts = self.num_actions
        return None if len({*counts}) == 1 else np.arange(max(counts)) < np.array(counts)[:, None]

    @property
    def action_names(self) -> tuple[str, ...]:
        """What every action is called; moves and words that share a number have both names."""
        words = [f"say {letter}" for letter in LETTERS[: self.num_words]]
        if any(agent.moves and agent.speaks for agent in self.agents):
            return tuple(f"{word}, {move}" for word in words for move in MOVES)
        return tuple(f"{move} or {word}" for move, word in zip(MOVES, words, strict=False)) + MOVES[len(words) :]

    def spec(self, key: str) -> EnvSpec:
        """What a learner must know, the same for both engines."""
        obs_dim = max(map(len, self.features))
        return EnvSpec(
            key=key,
            num_agents=len(self.agents),
            obs_dim=obs_dim,
            num_actions=max(self.num_actions),
            time_limit=self.max_cycles,
            obs_bits=(FLOAT_BITS,) * obs_dim,
        )

    def rules(self) -> _lanes.Rules:
        """The same for the kernel."""
        agents, longest = self.agents, max(len(agent.sees) for agent in self.agents)
        return _lanes.Rules(
            game=self.number,
            time_limit=self.max_cycles,
            local_ratio=float(self.local_ratio),
            terminate_on_success=self.terminate_on_success,
            num_features=max(map(len, self.features)),
            num_adversaries=sum(agent.adversary for agent in agents),
            num_words=self.num_words,
            spawn=self.spawn,
            agents_collide=self.agents_collide,
            obstacle_size=self.landmark_size if self.obstacles else 0.0,
            agent_slots=-1 if self.agent_slots is None else self.agent_slots,
            landmark_slots=-1 if self.landmark_slots is None else self.landmark_slots,
            dull=self.colors[0],
            bright=self.colors[1],
            first_channel=self.colors[2],
            sees=np.array([(*agent.sees, *(_lanes.NOTHING,) * (longest - len(agent.sees))) for agent in agents]),
            moves=np.array([agent.moves for agent in agents]),
            speaks=np.array([agent.speaks for agent in agents]),
            bodies=np.array([(agent.size, agent.force * agent.moves, agent.top_speed) for agent in agents]),
        )

    def _names(self, agent: Agent) -> Iterator[str]:
        """What the numbers are called that one agent sees."""
        landmarks, others = self.num_landmarks, len(self.agents) - 1
        prey = sum(not other.adversary for other in self.agents) - (not agent.adversary)
        seen = others if self.agent_slots is None else self.agent_slots
        for part in agent.sees:
            match part:
                case _lanes.VELOCITY:
                    yield from _named(1, "own_velocity", _AXES)
                case _lanes.PLACE:
                    yield from _named(1, "own", _AXES)
                case _lanes.GOAL:
                    yield from _named(1, "goal", _AXES)
                case _lanes.GOAL_COLOR:
                    yield from _named(1, "goal", _CHANNELS)
                case _lanes.LANDMARKS:
                    slots = landmarks if self.landmark_slots is None else self.landmark_slots
                    yield from _named(slots, "landmark", _AXES)
                case _lanes.LANDMARK_COLORS:
                    yield from _named(landmarks, "landmark", _CHANNELS)
                case _lanes.OTHERS:
                    yield from _named(seen, "other", _AXES)
                case _lanes.PREY_VELOCITIES:
                    yield from _named(prey if self.agent_slots is None else seen, "prey_velocity", _AXES)
                case _lanes.SILENCE:
                    yield from _named(seen, "other", ("silent_0", "silent_1"))
                case _lanes.WORD:
                    yield from (f"hears_{letter}" for letter in LETTERS[: self.num_words])


def _named(count: int, what: str, parts: tuple[str, ...]) -> Iterator[str]:
    """Names of the parts of things, numbered where there are several."""
    for number in range(count):
        yield from (f"{what}_{number}_{part}" if count > 1 else f"{what}_{part}" for part in parts)


def simple_spread(
    N: int = 3,  # noqa: N803, the package's name
    local_ratio: float = 0.5,
    max_cycles: int = 25,
    terminate_on_success: bool = False,
    num_agent_neighbors: int | None = None,
    num_landmark_neighbors: int | None = None,
) -> Game:
    """N agents are to stand on N landmarks without touching each other."""
    sees = (_lanes.VELOCITY, _lanes.PLACE, _lanes.LANDMARKS, _lanes.OTHERS, _lanes.SILENCE)
    return Game(
        "simple_spread_v3",
        _lanes.SPREAD,
        tuple(Agent(f"agent_{number}", 0.15, sees) for number in range(N)),
        num_landmarks=N,
        max_cycles=max_cycles,
        local_ratio=local_ratio,
        terminate_on_success=terminate_on_success,
        agents_collide=True,
        agent_slots=num_agent_neighbors,
        landmark_slots=num_landmark_neighbors,
    )


def simple_speaker_listener(max_cycles: int = 25) -> Game:
    """One knows which of three landmarks the other is to reach, and can say one of three words; the other walks."""
    return Game(
        "simple_speaker_listener_v4",
        _lanes.SPEAKER_LISTENER,
        (
            Agent("speaker_0", 0.075, (_lanes.GOAL_COLOR,), moves=False, speaks=True),
            Agent("listener_0", 0.075, (_lanes.VELOCITY, _lanes.LANDMARKS, _lanes.WORD)),
        ),
        num_landmarks=3,
        max_cycles=max_cycles,
        landmark_size=0.04,
        num_words=3,
        colors=(0.15, 0.65, 0),
    )


def simple_reference(local_ratio: float = 0.5, max_cycles: int = 25) -> Game:
    """Each of two agents knows which of three landmarks the other is to reach; both walk and say one of ten words."""
    sees = (_lanes.VELOCITY, _lanes.LANDMARKS, _lanes.GOAL_COLOR, _lanes.WORD)
    return Game(
        "simple_reference_v3",
        _lanes.REFERENCE,
        tuple(Agent(f"agent_{number}", 0.05, sees, speaks=True) for number in range(2)),
        num_landmarks=3,
        max_cycles=max_cycles,
        local_ratio=local_ratio,
        num_words=10,
        colors=(0.25, 0.75, 0),
    )


def simple_adversary(
    N: int = 2,  # noqa: N803, the package's name
    max_cycles: int = 25,
    num_agent_neighbors: int | None = None,
    num_landmark_neighbors: int | None = None,
) -> Game:
    """N agents know which of N landmarks is the goal, and are to reach it without telling the adversary which it is."""
    seen = (_lanes.LANDMARKS, _lanes.OTHERS)
    good = (Agent(f"agent_{number}", 0.15, (_lanes.GOAL, *seen)) for number in range(N))
    return Game(
        "simple_adversary_v3",
        _lanes.ADVERSARY,
        (Agent("adversary_0", 0.15, seen, adversary=True), *good),
        num_landmarks=N,
        max_cycles=max_cycles,
        landmark_size=0.08,
        agent_slots=num_agent_neighbors,
        landmark_slots=num_landmark_neighbors,
    )


def simple_tag(
    num_good: int = 1,
    num_adversaries: int = 3,
    num_obstacles: int = 2,
    max_cycles: int = 25,
    terminate_on_success: bool = False,
    num_agent_neighbors: int | None = None,
    num_landmark_neighbors: int | None = None,
) -> Game:
    """Adversaries are to touch agents that are faster than they, among obstacles."""
    sees = (_lanes.VELOCITY, _lanes.PLACE, _lanes.LANDMARKS, _lanes.OTHERS, _lanes.PREY_VELOCITIES)
    hunter = partial(Agent, size=0.075, sees=sees, adversary=True, force=3.0, top_speed=1.0)
    prey = partial(Agent, size=0.05, sees=sees, force=4.0, top_speed=1.3)
    return Game(
        "simple_tag_v3",
        _lanes.TAG,
        (
            *(hunter(f"adversary_{number}") for number in range(num_adversaries)),
            *(prey(f"agent_{number}") for number in range(num_good)),
        ),
        num_landmarks=num_obstacles,
        max_cycles=max_cycles,
        landmark_size=0.2,
        spawn=0.9,
        terminate_on_success=terminate_on_success,
        agents_collide=True,
        obstacles=True,
        agent_slots=num_agent_neighbors,
        landmark_slots=num_landmark_neighbors,
    )


def simple_push(max_cycles: int = 25) -> Game:
    """One agent knows which of two landmarks it is to reach, and the adversary is to push it away from there."""
    good = (
        _lanes.VELOCITY,
        _lanes.GOAL,
        _lanes.GOAL_COLOR,
        _lanes.LANDMARKS,
        _lanes.LANDMARK_COLORS,
        _lanes.OTHERS,
    )
    return Game(
        "simple_push_v3",
        _lanes.PUSH,
        (
            Agent("adversary_0", 0.05, (_lanes.VELOCITY, _lanes.LANDMARKS, _lanes.OTHERS), adversary=True),
            Agent("agent_0", 0.05, good),
        ),
        num_landmarks=2,
        max_cycles=max_cycles,
        agents_collide=True,
        colors=(0.25, 0.75, 1),
    )


GAMES: Mapping[str, Callable[..., Game]] = {
    make().name: make
    for make in (simple_spread, simple_speaker_listener, simple_reference, simple_adversary, simple_tag, simple_push)
}
"""By their names in mpe2."""
KEYS: Mapping[str, str] = {f"mpe:{name}": name for name in GAMES} | {
    f"pz-mpe-{name.replace('_', '-')}": name for name in GAMES
}
"""The game of every key: ours and PettingZoo's way to say it, and EPyMARL's."""
SPREAD_KEY = "mpe:simple_spread_v3"


def game_of(key: str, time_limit: int | None, arguments: Mapping[str, Any]) -> Game:
    """The game behind a key with `parallel_env(...)` arguments changed; `time_limit` is its `max_cycles`.

    Raises UserError for what cannot work.
    """
    name = KEYS[key]
    if time_limit is not None:
        if arguments.get("max_cycles", time_limit) != time_limit:
            raise UserError("time_limit and max_cycles are two names of one thing; give one of them.")
        arguments = {**arguments, "max_cycles": time_limit}
    parameters = inspect.signature(GAMES[name]).parameters
    chosen = {}
    for argument, value in arguments.items():
        if argument in _PACKAGE_ONLY and value not in (None, False):
            raise UserError(
                f"{argument}={value!r} is not in the compiled {name}; env.key=mpe2.{name}:parallel_env steps the "
                "package itself, slowly."
            )
        if argument in parameters:
            chosen[argument] = _checked(argument, value, parameters[argument].default)
        elif argument not in (*_PACKAGE_ONLY, *_IGNORED):
            near = get_close_matches(argument, parameters, n=1)
            hint = f"did you mean {near[0]}?" if near else "known are: " + ", ".join(parameters) + "."
            raise UnknownArgumentError(f"{argument!r} is no argument of {name}; {hint}")
    return replace(GAMES[name](**chosen), arguments=chosen)


def _checked(name: str, value: Any, default: Any) -> Any:
    """The value of an argument. Raises UserError for what mpe2 would not understand either."""
    if value is None and default is None:
        return None
    if name in _COUNTS:
        least, most = _COUNTS[name]
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
            raise UserError(f"{name}={value!r} must be a whole number from {least} to {most:,}.")
        return int(value)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise UserError(f"{name}={value!r} must be true or false.")
    elif isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise UserError(f"{name}={value!r} must be a number from 0 to 1.")
    return value
