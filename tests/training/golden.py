"""The beginning of `smoke`, number by number, as it was when it was last written down.

    python -m tests.training.golden            compares, and names the first number that differs
    python -m tests.training.golden --write    writes tests/training/golden_smoke.json anew

A commit that changes it says so. test_determinism.py says what may differ on another type of CPU.
"""

import argparse
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from lockstep.algorithms.fast.shares import one_thread
from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.config.load import load_config
from lockstep.runs.metrics import DEPENDS_ON_THE_MACHINE
from lockstep.training.kill_test import first_difference
from lockstep.training.session import Session

GOLDEN = Path(__file__).with_name("golden_smoke.json")
WORDS = ["training.num_threads=1", "collection.warmup_env_steps=20000"]
LEARNING_ROUNDS = 4


def trace() -> dict[str, Any]:
    """A row after the warm-up, one after each of the first rounds of learning, and an evaluation."""
    one_thread()
    session = Session(load_config("smoke", WORDS))
    while session.warming_up:
        session.advance()
    rows = [session.metrics_row()]
    for _ in range(LEARNING_ROUNDS):
        session.advance()
        rows.append(session.metrics_row())
    rows.append(session.evaluation_row(20))
    return {"machine": machine(), "rows": [_timeless(row) for row in rows], "weights": _fingerprint(session)}


def machine() -> dict[str, str]:
    """What decides how sums are rounded."""
    return {
        "cpu": _cpu(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "torch": str(torch.__version__),
        "numba": _version("numba"),
        "numpy": _version("numpy"),
    }


def _fingerprint(session: Session) -> dict[str, float]:
    assert isinstance(session.learner, GradientLearner)
    weights = session.learner.weights.double()
    return {"sum": weights.sum().item(), "square": weights.square().sum().item(), "last": weights[-1].item()}


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in DEPENDS_ON_THE_MACHINE}


def _version(package: str) -> str:
    return version(package)


def _cpu() -> str:
    """The model as the system names it, with its family and number where it tells."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in info.read_text().split("\n\n")[0].splitlines() if ":" in line)
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    return " ".join(facts.get(name, "") for name in ("model name", "cpu family", "model", "stepping")).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    found = trace()
    if parser.parse_args().write:
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{GOLDEN} written")
        return
    difference, leaves = first_difference(json.loads(GOLDEN.read_text()), found)
    print(f"{leaves} numbers, {difference or 'no difference'}")


if __name__ == "__main__":
    main()
