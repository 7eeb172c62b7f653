"""Lockstep: train, understand and show teams of cooperating robots.

    env = lockstep.make_vec("rware-tiny-2ag-v2", num_envs=64, seed=1)
    policy, spec, env_steps = lockstep.load_policy("runs/solve-s1-20260101-120000")

Nothing heavy is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "load_policy", "make_vec", "parallel_env", "train"]

if TYPE_CHECKING:
    from lockstep.envs.adapters.pettingzoo import parallel_env
    from lockstep.envs.registry import make_vec
    from lockstep.training.checkpoints.checkpoint import load_policy
    from lockstep.training.trainer import train

_HOMES = {
    "make_vec": "lockstep.envs.registry",
    "parallel_env": "lockstep.envs.adapters.pettingzoo",
    "train": "lockstep.training.trainer",
    "load_policy": "lockstep.training.checkpoints.checkpoint",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lockstep' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
