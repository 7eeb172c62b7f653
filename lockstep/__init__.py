"""Lockstep trains, explains and shows teams of cooperating robots.

    from lockstep import evaluate, load_team, train

    run = train("smoke", "seed=2")                  # what `lockstep train smoke seed=2` does; returns a Run
    print(evaluate(run, episodes=200).mean)         # greedy episodes that nothing was trained on
    run.film("team.gif")

`make_vec` and `parallel_env` make the worlds alone; `SilentLogger` is what a logger of one's own inherits from. Nothing
heavy is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "Logger",
    "Run",
    "RunConfig",
    "Search",
    "SilentLogger",
    "Sweep",
    "Team",
    "UserError",
    "__version__",
    "evaluate",
    "feature_names",
    "load_config",
    "load_policy",
    "load_team",
    "make_vec",
    "parallel_env",
    "search",
    "sweep",
    "train",
]

if TYPE_CHECKING:
    from lockstep.api import Run, Search, Sweep, Team, evaluate, load_team, search, sweep, train
    from lockstep.config.load import load_config
    from lockstep.config.schema import RunConfig
    from lockstep.envs.adapters.pettingzoo import parallel_env
    from lockstep.envs.registry import feature_names, make_vec
    from lockstep.errors import UserError
    from lockstep.runs.loggers import Logger, SilentLogger
    from lockstep.training.checkpoints.checkpoint import load_policy

_HOMES = {
    "Logger": "lockstep.runs.loggers",
    "Run": "lockstep.api",
    "RunConfig": "lockstep.config.schema",
    "Search": "lockstep.api",
    "SilentLogger": "lockstep.runs.loggers",
    "Sweep": "lockstep.api",
    "Team": "lockstep.api",
    "UserError": "lockstep.errors",
    "evaluate": "lockstep.api",
    "feature_names": "lockstep.envs.registry",
    "load_config": "lockstep.config.load",
    "load_policy": "lockstep.training.checkpoints.checkpoint",
    "load_team": "lockstep.api",
    "make_vec": "lockstep.envs.registry",
    "parallel_env": "lockstep.envs.adapters.pettingzoo",
    "search": "lockstep.api",
    "sweep": "lockstep.api",
    "train": "lockstep.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lockstep' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
