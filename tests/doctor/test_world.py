"""Worlds that keep the protocol's promises, and one broken promise at a time."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.doctor.world import Make, check_env
from lockstep.envs.probes import Coin
from lockstep.envs.protocol import TimeStep, VectorEnv
from lockstep.envs.registry import make_vec


def broken(make: Make) -> set[str]:
    return {promise.name for promise in check_env(make) if promise.outcome == "broken"}


@pytest.mark.parametrize("key", ["rware-tiny-2ag-v2", "probe-memory", "probe-two-step"])
def test_our_worlds_keep_their_promises(key: str) -> None:
    assert broken(lambda lanes, seed: make_vec(key, lanes, seed, 20 if "rware" in key else None)) == set()


class Strange(Coin):
    """A coin with one thing wrong."""

    fault = ""

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        return super().reset(None if self.fault == "ignores seeds" else seed, mask)

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        if self.fault == "resets itself" and self.done.all():
            self.done[:] = False
        step = super().step(actions, None if self.fault == "ignores masks" else mask)
        if self.fault == "both ends":
            step = step._replace(truncated=step.terminated)
        if self.fault == "float64":
            step = step._replace(obs=step.obs.astype(np.float64))
        if self.fault == "nan":
            step = step._replace(reward=step.reward * np.nan)
        if self.fault == "crashes":
            raise RuntimeError("the simulator died")
        return step


@pytest.mark.parametrize(
    ("fault", "promise"),
    [
        ("", ""),
        ("ignores seeds", "same seed, same episode"),
        ("resets itself", "finished lanes refuse"),
        ("ignores masks", "masked lanes rest"),
        ("both ends", "terminated or truncated"),
        ("float64", "shapes and dtypes"),
        ("nan", "finite numbers"),
        ("crashes", "plays an episode"),
    ],
)
def test_a_broken_promise_is_named(fault: str, promise: str) -> None:
    def make(lanes: int, seed: int) -> VectorEnv:
        env = Strange(lanes, seed)
        env.fault = fault
        return env

    assert promise in broken(make) if promise else not broken(make)
