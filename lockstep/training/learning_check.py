"""Is the installation sound? Tiny worlds with known answers, trained in seconds: the answer is a number."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

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


CASES: tuple[tuple[str, str, str, float, int, bool], ...] = (
    ("probe-one-step", "iql", "is a reward learnt at all?", 1.0, 60, False),
    ("probe-coin", "vdn", "do observations matter?", 1.0, 150, False),
    ("probe-coin", "qmix", "do they with a mixer?", 1.0, 150, False),
    ("probe-memory", "qmix", "is a coin remembered for four steps?", 1.0, 300, True),
    ("probe-two-step", "vdn", "does a sum of values settle for the 7?", 7.0, 400, False),
    ("probe-two-step", "qmix", "does QMIX find the 8?", 8.0, 400, False),
)
"""World, algorithm, question, return to reach, collections to learn from, whether with a recurrent network."""


def check_learning() -> Iterator[ProbeResult]:
    """Train every case and say what it reached, one after the other; about 20 seconds altogether."""
    for key, algorithm, question, expected, rounds, recurrent in CASES:
        started = time.monotonic()
        session = Session(_config(key, algorithm, recurrent))
        for _ in range(rounds):
            session.advance()
        reached = float(session.evaluate(EPISODES).returns.mean())
        yield ProbeResult(key, algorithm, question, expected, reached, time.monotonic() - started)


def _config(key: str, algorithm: str, recurrent: bool) -> RunConfig:
    """A small learner on uniformly random play."""
    network = {"recurrent": recurrent, "hidden_dim": 32, "mixing_embed_dim": 16, "hypernet_embed_dim": 16}
    return RunConfig.model_validate(
        {
            "env": {"key": key},
            "collection": {"num_envs": 32},
            "exploration": {"epsilon_start": 1.0, "epsilon_finish": 1.0},
            "network": network,
            "algorithm": {"name": algorithm, "target_sync_updates": 20},
            "replay": {"buffer_size": 20_000, "batch_size": 64},
            "optimizer": {"lr": 3e-3},
            "training": {"updates_per_collection": 2},
            "evaluation": {"episodes": EPISODES},
        }
    )
