"""Is the installation sound? Tiny worlds with known answers, trained in seconds: the answer is a number."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lockstep.config.schema import RunConfig
from lockstep.envs.probes import PROBES
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


CASES: tuple[tuple[str, str, float, int, dict[str, Any]], ...] = (
    ("probe-one-step", "iql", 1.0, 60, {}),
    ("probe-coin", "vdn", 1.0, 150, {}),
    ("probe-coin", "qmix", 1.0, 150, {}),
    ("probe-memory", "qmix", 1.0, 300, {"recurrent": True}),
    ("probe-two-step", "vdn", 7.0, 400, {}),
    ("probe-two-step", "qmix", 8.0, 400, {}),
)
"""World, algorithm, return to reach, collections to learn from, network settings."""


def check_learning() -> Iterator[ProbeResult]:
    """Train every case and say what it reached, one after the other; about 20 seconds altogether."""
    for key, algorithm, expected, rounds, network in CASES:
        started = time.monotonic()
        session = Session(_config(key, algorithm, network))
        for _ in range(rounds):
            session.advance()
        reached = float(session.evaluate(EPISODES).returns.mean())
        question = (PROBES[key].__doc__ or "").strip().partition("\n")[0]
        yield ProbeResult(key, algorithm, question, expected, reached, time.monotonic() - started)


def _config(key: str, algorithm: str, network: dict[str, Any]) -> RunConfig:
    """A small learner on uniformly random play."""
    small = {"recurrent": False, "hidden_dim": 32, "mixing_embed_dim": 16, "hypernet_embed_dim": 16}
    return RunConfig.model_validate(
        {
            "env": {"key": key},
            "collection": {"num_envs": 32},
            "exploration": {"epsilon_start": 1.0, "epsilon_finish": 1.0},
            "network": small | network,
            "algorithm": {"name": algorithm, "target_sync_updates": 20},
            "replay": {"buffer_size": 20_000, "batch_size": 64},
            "optimizer": {"lr": 3e-3},
            "training": {"updates_per_collection": 2},
            "evaluation": {"episodes": EPISODES},
        }
    )
