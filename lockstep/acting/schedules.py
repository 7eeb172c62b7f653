"""How a number changes over a run: pure functions of env steps."""

from typing import Literal

ScheduleName = Literal["linear", "exponential"]


def schedule(name: ScheduleName, start: float, finish: float, anneal_env_steps: int, env_steps: int) -> float:
    """`start` at step 0, `finish` from `anneal_env_steps` on; between them a line, or a constant ratio per step.

    A negative `env_steps` counts as 0. An exponential way to 0 is not possible and becomes a line.
    """
    share = 1.0 if anneal_env_steps <= 0 else min(max(env_steps / anneal_env_steps, 0.0), 1.0)
    if name == "exponential" and start > 0 and finish > 0:
        return float(start * (finish / start) ** share)
    return start + (finish - start) * share
