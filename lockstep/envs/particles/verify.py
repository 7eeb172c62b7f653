"""Both engines of simple_spread side by side, step by step, until they differ: `lockstep verify mpe`."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.particles.config import NUM_ACTIONS, SPREAD_KEY, SpreadConfig
from lockstep.envs.particles.official import OfficialSpread
from lockstep.envs.particles.simulator import SpreadSimulator
from lockstep.errors import UserError

MOST_AGENTS = 6
STEPS_PER_GAME = 200
STEPS_PER_DRIVER = 10

Actions = NDArray[np.int64]
"""(1, agents)"""
Progress = Callable[[str, int, int], None]
"""Called with the kind of game, the steps compared so far, and all steps."""


@dataclass
class GameRow:
    """What was compared with one number of agents."""

    agents: int
    games: int = 0
    """Each with rules and a seed of its own."""
    episodes: int = 0
    steps: int = 0
    touches: int = 0
    """Steps that ended with two agents touching: contacts are where rounding would show first."""


@dataclass
class SpreadReport:
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
        lines = [f"{'agents':>6}{'games':>9}{'episodes':>10}{'steps':>11}{'touches':>10}"]
        lines += [
            f"{row.agents:>6}{row.games:>9,}{row.episodes:>10,}{row.steps:>11,}{row.touches:>10,}" for row in self.games
        ]
        summary = self.difference or (
            f"{self.steps:,} steps compared (seed {self.seed}), no difference: positions, velocities, observations and "
            "rewards are equal to the last bit."
        )
        return "\n".join([*lines, "", summary])


def verify(steps: int = 20_000, seed: int | None = None, progress: Progress | None = None) -> SpreadReport:
    """Compare `steps` steps of simple_spread with 1 to 6 agents and random rules, stopping at the first difference.

    seed: of the games and the drivers; None: a fresh one, in the report.
    """
    if steps < 1:
        raise UserError(f"steps={steps} must be at least 1.")
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
    report, started = SpreadReport(seed), time.perf_counter()
    rng = np.random.default_rng(seed)
    report.games = [GameRow(agents) for agents in range(1, MOST_AGENTS + 1)]
    while report.difference is None and report.steps < steps:
        row = min(report.games, key=lambda one: one.steps)
        report.difference = _play(row, rng, min(STEPS_PER_GAME, steps - report.steps))
        if progress is not None:
            progress(f"{row.agents} agents", report.steps, steps)
    report.seconds = time.perf_counter() - started
    return report


def _play(row: GameRow, rng: np.random.Generator, steps: int) -> str | None:
    """One game in both engines. Episodes follow each other; only the first is seeded."""
    config = SpreadConfig(
        N=row.agents,
        local_ratio=float(rng.choice([0.0, 0.25, 0.5, 1.0])),
        max_cycles=int(rng.integers(1, 80)),
        terminate_on_success=bool(rng.integers(2)),
    )
    seed = int(rng.integers(2**31))
    ours = SpreadSimulator(SPREAD_KEY, config, 1, seed)
    truth = OfficialSpread(SPREAD_KEY, config, 1, seed)
    row.games += 1
    driver = _random
    over = True
    for step in range(steps):
        actions: Actions | None = None
        pairs: dict[str, tuple[Any, Any]]
        if over:
            row.episodes += 1
            pairs = {"The reset": (truth.reset(), ours.reset())}
            over = False
        else:
            if step % STEPS_PER_DRIVER == 0:
                driver = (_random, _towards_each_other, _towards_landmarks)[int(rng.integers(3))]
            actions = driver(ours, rng)
            a, b = truth.step(actions), ours.step(actions)
            row.touches += _touching(ours)
            over = bool((a.terminated | a.truncated)[0])
            pairs = {
                "The observation": (a.obs, b.obs),
                "The reward": (a.reward, b.reward),
                "The termination": (a.terminated, b.terminated),
                "The truncation": (a.truncated, b.truncated),
            }
        row.steps += 1
        places = zip(("A position", "A velocity", "A landmark"), truth.places(), ours.places(), strict=True)
        pairs |= {name: (left, right) for name, left, right in places}
        for what, (left, right) in pairs.items():
            if not np.array_equal(left, right):
                apart = np.abs(np.asarray(left, np.float64) - np.asarray(right, np.float64)).max()
                return (
                    f"{what} differs by {apart:.3g} in {config}, seed {seed}, step {step}, after actions "
                    f"{None if actions is None else actions[0].tolist()}."
                )
    return None


def _random(game: SpreadSimulator, rng: np.random.Generator) -> Actions:
    return rng.integers(NUM_ACTIONS, size=(1, game.config.N))


def _towards_each_other(game: SpreadSimulator, rng: np.random.Generator) -> Actions:
    positions, _, _ = game.places()
    return _towards(positions, positions.mean(1, keepdims=True), rng)


def _towards_landmarks(game: SpreadSimulator, rng: np.random.Generator) -> Actions:
    positions, _, landmarks = game.places()
    return _towards(positions, landmarks, rng)


def _towards(positions: NDArray[np.float64], goals: NDArray[np.float64], rng: np.random.Generator) -> Actions:
    """Along one axis or the other."""
    left_right = np.where(positions[..., 0] > goals[..., 0], 1, 2)
    down_up = np.where(positions[..., 1] > goals[..., 1], 3, 4)
    return np.asarray(np.where(rng.random(left_right.shape) < 0.5, left_right, down_up))


def _touching(game: SpreadSimulator) -> bool:
    positions = game.places()[0][0]
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    return bool((apart[np.triu_indices(len(positions), 1)] < 0.3).any())
