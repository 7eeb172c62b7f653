"""The rules of simple_spread, by the names of `mpe2.simple_spread_v3`'s arguments, and the keys that mean it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

import numpy as np

from lockstep.errors import UnknownArgumentError, UserError
from lockstep.spec import FLOAT_BITS, EnvSpec

SPREAD_KEY = "mpe:simple_spread_v3"
SPREAD_KEYS = (SPREAD_KEY, "pz-mpe-simple-spread-v3")
"""Ours and PettingZoo's way to say it, and EPyMARL's."""
ACTION_NAMES = ("stay", "left", "right", "down", "up")
NUM_ACTIONS = len(ACTION_NAMES)
MAX_AGENTS = 50
_PYTHON_ONLY = ("continuous_actions", "curriculum", "num_agent_neighbors", "num_landmark_neighbors", "benchmark_data")
_IGNORED = ("render_mode", "dynamic_rescaling")
"""Belong to drawing."""


@dataclass(frozen=True)
class SpreadConfig:
    """N agents are to stand on N landmarks without touching each other. Raises UserError for what cannot work."""

    N: int = 3
    local_ratio: float = 0.5
    """An agent's reward is `local_ratio` times its own collisions, negative, and 1 - `local_ratio` times the team's
    distance from the landmarks, negative."""
    max_cycles: int = 25
    terminate_on_success: bool = False
    """End as soon as every landmark has an agent within 0.1."""

    def __post_init__(self) -> None:
        _check_count("N", self.N, MAX_AGENTS)
        _check_count("max_cycles", self.max_cycles, 1_000_000)
        ratio = self.local_ratio
        if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 0.0 <= ratio <= 1.0:
            raise UserError(f"local_ratio={ratio!r} must be a number from 0 to 1.")
        if not isinstance(self.terminate_on_success, bool):
            raise UserError(f"terminate_on_success={self.terminate_on_success!r} must be true or false.")

    @property
    def obs_dim(self) -> int:
        """Own velocity and position, where the landmarks and the others are, and what the others say (always 0)."""
        return 4 + 2 * self.N + 2 * (self.N - 1) + 2 * (self.N - 1)

    def spec(self, key: str) -> EnvSpec:
        """What a learner must know, the same for both engines."""
        return EnvSpec(
            key=key,
            num_agents=self.N,
            obs_dim=self.obs_dim,
            num_actions=NUM_ACTIONS,
            time_limit=self.max_cycles,
            obs_bits=(FLOAT_BITS,) * self.obs_dim,
        )


def spread_config(time_limit: int | None, arguments: Mapping[str, Any]) -> SpreadConfig:
    """The rules behind a simple_spread key with `parallel_env(...)` arguments changed; `time_limit` is its
    `max_cycles`."""
    if time_limit is not None:
        if "max_cycles" in arguments:
            raise UserError("time_limit and max_cycles are two names of one thing; give one of them.")
        arguments = {**arguments, "max_cycles": time_limit}
    known = [one.name for one in fields(SpreadConfig)]
    chosen = {}
    for name, value in arguments.items():
        if name in _PYTHON_ONLY and value not in (None, False):
            raise UserError(
                f"{name}={value!r} is not in the compiled simple_spread; env.key=mpe2.simple_spread_v3:parallel_env "
                "steps the package itself, slowly."
            )
        if name in known:
            chosen[name] = value
        elif name not in (*_PYTHON_ONLY, *_IGNORED):
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "known are: " + ", ".join(known) + "."
            raise UnknownArgumentError(f"{name!r} is no argument of simple_spread; {hint}")
    return SpreadConfig(**chosen)


def _check_count(name: str, value: Any, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= most:
        raise UserError(f"{name}={value!r} must be a whole number from 1 to {most:,}.")
