"""What two engines of one world said of the same step, part by part: for whoever verifies one by the other."""

from typing import Any

from lockstep.envs.protocol import TimeStep


def parts_of(official: TimeStep, ours: TimeStep) -> dict[str, tuple[Any, Any]]:
    """Every part of a step, by what a difference is called, as the official engine and as ours have it."""
    return {
        "The observation": (official.obs, ours.obs),
        "The reward": (official.reward, ours.reward),
        "The termination": (official.terminated, ours.terminated),
        "The truncation": (official.truncated, ours.truncated),
    }
