"""Both engines of the particle games side by side, step by step, until they differ: `lockstep verify particles`."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.particles.games import GAMES, NUM_MOVES, game_of
from lockstep.envs.particles.official import OfficialParticles
from lockstep.envs.particles.plane import Places
from lockstep.envs.particles.simulator import ParticleSimulator
from lockstep.envs.side_by_side import parts_of
from lockstep.errors import UserError

STEPS_PER_GAME = 200
STEPS_PER_DRIVER = 10

Actions = NDArray[np.int64]
"""(1, agents)"""
Progress = Callable[[str, int, int], None]
"""Called with the game, the steps compared so far, and all steps."""


@dataclass
class GameRow:
    """What was compared of one game."""

    game: str
    games: int = 0
    """Each with rules and a seed of its own."""
    episodes: int = 0
    steps: int = 0
    touches: int = 0
    """Steps that ended with two agents touching: contacts are where rounding would show first."""


@dataclass
class ParticleReport:
    """What `verify` found."""

    seed: int
    seconds: float = 0.0
    games: list[GameRow] = field(default_factory=list)
    difference: str | None = None
    """The first thing in which the engines differed, in a sentence."""

    @property
    def steps(self) -> int:
        """Steps compared, over all games."""
        return sum(row.steps for row in self.games)

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps({"steps": self.steps, "differences": int(self.difference is not None), **asdict(self)})

    def text(self) -> str:
        """A table of the games, and the difference if there is one."""
        lines = [f"{'game':<28}{'games':>7}{'episodes':>10}{'steps':>11}{'touches':>10}"]
        lines += [
            f"{row.game:<28}{row.games:>7,}{row.episodes:>10,}{row.steps:>11,}{row.touches:>10,}"
            for row in self.games
            if row.steps or self.difference
        ]
        summary = self.difference or (
            f"{self.steps:,} steps compared (seed {self.seed}), no difference: positions, velocities, goals, words, "
            "observations and rewards are equal to the last bit."
        )
        return "\n".join([*lines, "", summary])


def verify(
    keys_pattern: str | None = None, steps: int = 20_000, seed: int | None = None, progress: Progress | None = None
) -> ParticleReport:
    """Compare `steps` steps of one game, stopping at the first difference. The games share the steps.

    keys_pattern: only games whose names match (`*` and `?`) or contain it. seed: of the games and the drivers; None: a
    fresh one, in the report.
    """
    if steps < 1:
        raise UserError(f"steps={steps} must be at least 1.")
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
    report, started = ParticleReport(seed), time.perf_counter()
    rng = np.random.default_rng(seed)
    wanted = (keys_pattern or "").removeprefix("mpe:")
    report.games = [GameRow(name) for name in GAMES if wanted in name or fnmatchcase(name, wanted)]
    if not report.games:
        raise UserError(f"No particle game matches {keys_pattern!r}; there are {', '.join(GAMES)}.")
    while report.difference is None and report.steps < steps:
        row = min(report.games, key=lambda one: one.steps)
        report.difference = _Match(row, rng).play(min(STEPS_PER_GAME, steps - report.steps))
        if progress is not None:
            progress(row.game, report.steps, steps)
    report.seconds = time.perf_counter() - started
    return report


class _Match:
    """One game in both engines."""

    def __init__(self, row: GameRow, rng: np.random.Generator) -> None:
        self.row, self.rng = row, rng
        self.seed = int(rng.integers(2**31))
        self.game = game_of(f"mpe:{row.game}", None, _random_rules(row.game, rng))
        row.games += 1
        self.ours = ParticleSimulator(f"mpe:{row.game}", self.game, 1, self.seed)
        self.truth = OfficialParticles(f"mpe:{row.game}", self.game, 1, self.seed)

    def play(self, steps: int) -> str | None:
        """Compare `steps` steps. Episodes follow each other; only the first is seeded."""
        over, driver = True, _at_random
        for step in range(steps):
            actions: Actions | None = None
            if over:
                self.row.episodes += 1
                pairs: dict[str, tuple[Any, Any]] = {"The reset": (self.truth.reset(), self.ours.reset())}
                over = False
            else:
                if step % STEPS_PER_DRIVER == 1:
                    driver = DRIVERS[int(self.rng.integers(len(DRIVERS)))]
                actions = self._actions(driver(self.ours.places(), self.rng))
                a, b = self.truth.step(actions), self.ours.step(actions)
                over = bool((a.terminated | a.truncated)[0])
                pairs = parts_of(a, b)
                self.row.touches += self._touching()
            self.row.steps += 1
            official, ours = self.truth.places(), self.ours.places()
            pairs |= {
                f"The {name}": (left, right) for name, left, right in zip(Places._fields, official, ours, strict=True)
            }
            pairs["What is available"] = (self.truth.available_actions(), self.ours.available_actions())
            for what, (left, right) in pairs.items():
                if not np.array_equal(left, right):
                    return (
                        f"{what} differs in {self.game.name} {dict(self.game.arguments)}, seed {self.seed}, step "
                        f"{step}, after actions {None if actions is None else actions[0].tolist()}: {left} and {right}."
                    )
        return None

    def _actions(self, moves: Actions) -> Actions:
        """Moves as the actions of these agents, with words of chance for those who speak."""
        words = self.rng.integers(max(self.game.num_words, 1), size=moves.shape)
        speaks, walks = (np.array([getattr(one, what) for one in self.game.agents]) for what in ("speaks", "moves"))
        return np.where(walks, moves + NUM_MOVES * words * speaks, words)

    def _touching(self) -> bool:
        positions = self.ours.places().positions[0]
        sizes = np.array([agent.size for agent in self.game.agents])
        apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
        return bool((apart < sizes[:, None] + sizes)[np.triu_indices(len(positions), 1)].any())


def _random_rules(name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of every kind, for a game."""
    rules: dict[str, Any] = {"max_cycles": int(rng.integers(1, 80))}
    if name in ("simple_spread_v3", "simple_reference_v3"):
        rules["local_ratio"] = float(rng.choice([0.0, 0.25, 0.5, 1.0]))
    if name in ("simple_spread_v3", "simple_adversary_v3"):
        rules["N"] = int(rng.integers(1, 7))
    if name in ("simple_spread_v3", "simple_tag_v3"):
        rules["terminate_on_success"] = bool(rng.integers(2))
    if name == "simple_tag_v3":
        rules |= {"num_good": int(rng.integers(1, 4)), "num_adversaries": int(rng.integers(1, 5))}
        rules["num_obstacles"] = int(rng.integers(0, 4))
    if name in ("simple_spread_v3", "simple_adversary_v3", "simple_tag_v3"):
        for what in ("num_agent_neighbors", "num_landmark_neighbors"):
            if rng.integers(2):
                rules[what] = int(rng.integers(1, 7))
    return rules


def _at_random(places: Places, rng: np.random.Generator) -> Actions:
    return rng.integers(NUM_MOVES, size=places.positions.shape[:2])


def _straight_on(places: Places, rng: np.random.Generator) -> Actions:
    """Everybody far away, as fast as it goes."""
    return np.full(places.positions.shape[:2], rng.integers(1, NUM_MOVES))


def _towards_each_other(places: Places, rng: np.random.Generator) -> Actions:
    return _towards(places.positions, places.positions.mean(1, keepdims=True), rng)


def _towards_landmarks(places: Places, rng: np.random.Generator) -> Actions:
    agents, landmarks = places.positions.shape[1], places.landmarks.shape[1]
    if not landmarks:
        return _at_random(places, rng)
    return _towards(places.positions, places.landmarks[:, np.arange(agents) % landmarks], rng)


def _towards(positions: NDArray[np.float64], goals: NDArray[np.float64], rng: np.random.Generator) -> Actions:
    """Along one axis or the other."""
    left_right = np.where(positions[..., 0] > goals[..., 0], 1, 2)
    down_up = np.where(positions[..., 1] > goals[..., 1], 3, 4)
    return np.asarray(np.where(rng.random(left_right.shape) < 0.5, left_right, down_up))


DRIVERS = (_at_random, _straight_on, _towards_each_other, _towards_each_other, _towards_landmarks)
