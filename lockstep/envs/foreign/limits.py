"""How long an episode of somebody else's world may last: what the world says, and how a longer one is asked for."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import gymnasium
import numpy as np

LIMIT_NAMES = (
    "max_cycles",
    "max_episode_steps",
    "_max_episode_steps",
    "max_steps",
    "episode_limit",
    "episode_length",
    "max_timesteps",
    "horizon",
    "time_limit",
)
"""What worlds call their own time limit."""
_INSIDE = ("env", "aec_env", "par_env", "raw_env", "_env", "gym_env", "wrapped_env")
"""Where wrappers keep what they wrap."""


class Holder(NamedTuple):
    """An object that keeps a limit, and under which name."""

    owner: Any
    name: str
    limit: int


def holders(env: Any) -> list[Holder]:
    """Every place in a world, and in what it wraps, that says how long an episode may last."""
    return [
        Holder(part, name, int(limit))
        for part in _layers(env)
        for name in LIMIT_NAMES
        if _is_limit(limit := _own_value(part, name))
    ]


def limit_arguments(make: Callable[..., Any], time_limit: int, arguments: Mapping[str, Any]) -> dict[str, int]:
    """Those of a constructor's arguments that must be given for episodes of `time_limit` steps: what it demands, and
    what is shorter by its defaults."""
    try:
        parameters = inspect.signature(make).parameters
    except (TypeError, ValueError):
        return {}
    return {
        name: time_limit
        for name, parameter in parameters.items()
        if name in LIMIT_NAMES
        and name not in arguments
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and (parameter.default is parameter.empty or (_is_limit(parameter.default) and parameter.default < time_limit))
    }


def moved(holder: Holder, time_limit: int) -> bool:
    """Whether a limit could be written to where it is kept."""
    try:
        setattr(holder.owner, holder.name, time_limit)
    except Exception:  # somebody else's property may raise anything
        return False
    return bool(_own_value(holder.owner, holder.name) == time_limit)


def _layers(env: Any) -> Iterator[Any]:
    """A world, what it wraps, and so on."""
    waiting, known = [env], set()
    while waiting:
        part = waiting.pop(0)
        if part is None or id(part) in known or isinstance(part, int | float | str):
            continue
        known.add(id(part))
        yield part
        names = (*_INSIDE, "unwrapped") if not isinstance(part, gymnasium.Wrapper) else ("env",)
        waiting += [_own_value(part, name) for name in names]


def _own_value(part: Any, name: str) -> Any:
    """An attribute or property of this very object, not one that a wrapper hands through."""
    try:
        if name in vars(part) or hasattr(type(part), name):
            return getattr(part, name)
    except Exception:  # somebody else's property may raise anything
        return None
    return None


def _is_limit(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value > 0)
