"""One seed becomes named, independent streams: drawing from one never moves another."""

from typing import Literal
from zlib import crc32

import numpy as np

StreamName = Literal["env", "explore", "replay", "init", "eval", "confirm"]


def derive_seed(seed: int, name: StreamName) -> int:
    """A 31-bit seed for everything that wants a number (an environment, torch), far from the other names' seeds."""
    return int(np.random.SeedSequence([seed, crc32(name.encode())]).generate_state(1)[0] >> 1)


def stream(seed: int, name: StreamName) -> np.random.Generator:
    """A PCG64 generator of its own for one purpose. Its state is plain Python and goes into checkpoints."""
    return np.random.default_rng(derive_seed(seed, name))
