"""Is the installation sound? Tiny worlds with known answers, trained in seconds: the answer is a number."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lockstep.algorithms.algorithm import Algorithm, Proof
from lockstep.algorithms.registry import ALGORITHMS
from lockstep.config.schema import RunConfig
from lockstep.training.session import Session

EPISODES = 100


@dataclass(frozen=True)
class ProbeResult:
    """What one algorithm reached in one world."""

    probe: str
    algorithm: str
    question: str
    expected: float
    """Greedy return that a sound learner reaches: the best, or the best that this algorithm can see."""
    reached: float
    seconds: float

    @property
    def sound(self) -> bool:
        return abs(self.reached - self.expected) < 1e-6


CASES: tuple[tuple[Algorithm, Proof], ...] = tuple(
    (algorithm, proof) for algorithm in ALGORITHMS.values() for proof in algorithm.proofs
)


def check_learning() -> Iterator[ProbeResult]:
    """Train every case and say what it reached, one after the other; about 30 seconds altogether."""
    for algorithm, proof in CASES:
        started = time.monotonic()
        session = Session(_config(algorithm, proof))
        for _ in range(proof.rounds):
            session.advance()
        reached = float(session.evaluate(EPISODES).returns.mean())
        seconds = time.monotonic() - started
        yield ProbeResult(proof.world, algorithm.name, proof.question, proof.expected, reached, seconds)


def _config(algorithm: Algorithm, proof: Proof) -> RunConfig:
    """A small learner on uniformly random play."""
    common: dict[str, dict[str, Any]] = {
        "env": {"key": proof.world},
        "collection": {"num_envs": 32},
        "exploration": {"epsilon_start": 1.0, "epsilon_finish": 1.0},
        "network": {"recurrent": False, "hidden_dim": 32},
        "algorithm": {"name": algorithm.name},
        "replay": {"buffer_size": 20_000, "batch_size": 64},
        "optimizer": {"lr": 3e-3},
        "training": {"updates_per_collection": 2},
        "evaluation": {"episodes": EPISODES},
    }
    for section, values in proof.settings.items():
        common[section] = common[section] | dict(values)
    return RunConfig.model_validate(common)
