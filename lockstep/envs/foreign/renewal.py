"""Does a seed make a used environment what a new one is? Where it does, one need not be made for every seed."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.policy import random_actions
from lockstep.envs.foreign.guests import GlobalGenerators
from lockstep.envs.foreign.team import ForeignEnv, ForeignStep

STEPS = 32
"""Number of steps of each episode that is compared."""
HISTORIES = 16
"""Number of other seeds that are played in between. A world that forgets only nearly all, as a small floor of
Level-Based Foraging, may look new after one of them."""


class _Trace(NamedTuple):
    """The beginning of an episode, to the last number."""

    arrays: list[NDArray[np.generic]]
    ends: list[tuple[bool, bool]]

    def equals(self, other: "_Trace") -> bool:
        return (
            self.ends == other.ends
            and len(self.arrays) == len(other.arrays)
            and all(np.array_equal(one, twin) for one, twin in zip(self.arrays, other.arrays, strict=True))
        )


def repeats_itself(used: ForeignEnv, fresh: ForeignEnv | None, seed: int) -> bool:
    """Whether both play the same from one seed, also right after that seed and after others.

    fresh: one to which nothing has happened; None where there can be but one. Level-Based Foraging fails, since its
    players may not start where they stand. What a world raises here it will raise again when it is played.
    """
    try:
        first = _trace(fresh or used, seed)
        for history in (seed, *range(seed + 1, seed + 1 + HISTORIES)):  # what was played before it is asked again
            _trace(used, history)
            if not _trace(used, seed).equals(first):
                return False
        return True
    except Exception:  # a stranger's world may raise anything
        return False


def _trace(world: ForeignEnv, seed: int) -> _Trace:
    rng, chance = np.random.default_rng(seed), GlobalGenerators(seed)
    with chance:
        step = world.reset(seed)
    steps = [step]
    while len(steps) <= STEPS and not (step.terminated or step.truncated):
        shape = (1, world.spec.num_agents)
        actions = random_actions(shape, world.spec.num_actions, step.available[None], rng)
        with chance:
            step = world.step(actions[0])
        steps.append(step)
    return _Trace([part for one in steps for part in _parts(one)], [(one.terminated, one.truncated) for one in steps])


def _parts(step: ForeignStep) -> list[NDArray[np.generic]]:
    return [step.obs, step.available, step.reward, step.state]
