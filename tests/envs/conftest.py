"""A seed that is new every time, and printed, so that a failure can be played again."""

import os

import numpy as np
import pytest

SEED_VARIABLE = "LOCKSTEP_FUZZ_SEED"
_SEED = int(os.environ.get(SEED_VARIABLE) or np.random.SeedSequence().generate_state(1)[0])


@pytest.fixture
def fresh_seed() -> int:
    """Printed with a failure: set LOCKSTEP_FUZZ_SEED to it to see the same again."""
    print(f"{SEED_VARIABLE}={_SEED}")
    return _SEED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"fuzzed with {SEED_VARIABLE}={_SEED}")
