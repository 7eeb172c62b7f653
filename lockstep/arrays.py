"""The arrays that worlds, teams and learners hand each other, by the names of their numbers."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Obs = NDArray[np.float32]
"""Observations: (num_envs, agents, obs_dim)."""
Mask = NDArray[np.bool_]
"""Which lanes, or which actions."""
Actions = NDArray[np.int64]
"""One action index an agent: (num_envs, agents)."""
