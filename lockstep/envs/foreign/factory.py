"""From the name of somebody else's environment to the environment: PettingZoo, Gymnasium, or a function of your own.

    mpe:simple_crypto_v3                 a game of the package mpe2            also pz-mpe-simple-crypto-v3 (EPyMARL)
    pettingzoo:sisl/pursuit_v5           a parallel environment of PettingZoo  also pz-sisl-pursuit-v5 (EPyMARL)
    CartPole-v1                          any id that Gymnasium knows
    its_package:Maze-v0                  a Gymnasium id, after importing its package
    my_warehouse:parallel_env            what a function or class of a module makes

Nothing is imported before it is named, and nothing is called that could not be an environment: `os:system` is refused.
Whether a key that a file names may be used at all is decided before, by lockstep/trust.py.
"""

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import gymnasium

from lockstep.envs.foreign.guests import Visit
from lockstep.envs.foreign.limits import limit_arguments
from lockstep.envs.foreign.team import ForeignEnv
from lockstep.errors import UserError

IN_EXTRA = ("lbforaging", "mpe2", "pygame")
"""Packages that our extra `worlds` installs."""
_EPYMARL = re.compile(r"pz-(?P<library>[a-z0-9]+)-(?P<name>[\w-]+)-v(?P<version>\d+)")


@dataclass(frozen=True)
class ForeignEnvFactory:
    """Makes one environment. A plain value: it can be sent to another process and be called there."""

    key: str
    time_limit: int | None = None
    """Steps after which an episode is cut; None: the environment's own limit. A shorter one of its own is raised."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Of the environment's constructor."""
    own_state: bool = False
    """Whether the mixer is to see the environment's own state instead of all observations."""

    def __call__(self) -> ForeignEnv:
        """Raises UserError where it cannot be had, or cannot be learnt."""
        with Visit(self.key):
            package, name = _address(self.key)
            make = _constructor(self.key, package, name)
            arguments = dict(self.arguments)
            if self.time_limit is not None:
                arguments |= limit_arguments(make, self.time_limit, arguments)
            try:
                env = make(**arguments)
            except ImportError as error:
                raise _missing(self.key, package, error) from error
            except UserError:
                raise
            except Exception as error:  # a stranger's constructor may raise anything
                given = ", ".join(f"{name}={value!r}" for name, value in arguments.items()) or "no arguments"
                raise UserError(f"{self.key} cannot be made with {given}: {_first_line(error)}.") from error
            return self._understood(env)

    def _understood(self, env: Any) -> ForeignEnv:
        try:
            return ForeignEnv(self.key, env, self.time_limit, own_state=self.own_state)
        except UserError:
            raise
        except ImportError as error:
            raise _missing(self.key, None, error) from error
        except Exception as error:  # so may its spaces
            raise UserError(f"{self.key} cannot be asked for its agents and spaces: {_first_line(error)}.") from error


def is_foreign_key(key: str) -> bool:
    """Whether somebody who wrote this key meant an environment that is not ours."""
    return ":" in key or _EPYMARL.fullmatch(key) is not None or key in gymnasium_ids()


def module_of(key: str) -> str | None:
    """The module that such a key lets import; None: only what Gymnasium's registry says."""
    return _address(key)[0]


def gymnasium_ids() -> Collection[str]:
    """What Gymnasium knows without importing anything else."""
    return gymnasium.registry


def _address(key: str) -> tuple[str | None, str]:
    """The module that a key names, if any, and what to call there, or the Gymnasium id."""
    if match := _EPYMARL.fullmatch(key):
        return f"{_library(match['library'])}.{match['name'].replace('-', '_')}_v{match['version']}", "parallel_env"
    before, colon, after = key.partition(":")
    if before in ("mpe", "pettingzoo"):
        library, _, name = after.rpartition("/")
        return f"{_library(library or before)}.{re.sub(r'-v(?=[0-9]+$)', '_v', name)}", "parallel_env"
    return (before, after) if colon else (None, key)


def _library(library: str) -> str:
    """The package of a PettingZoo family; mpe has moved into one of its own."""
    return "mpe2" if library == "mpe" else f"pettingzoo.{library}"


def _constructor(key: str, package: str | None, name: str) -> Callable[..., Any]:
    """What makes the environment when it is called with its arguments."""
    module = None if package is None else _imported(key, package)
    if module is not None and hasattr(module, name):
        return _may_make_one(key, getattr(module, name))
    if name == "parallel_env":
        raise UserError(f"{key} has no parallel_env; the teams here act at once, so name a parallel environment.")
    if name not in gymnasium.registry:
        near = get_close_matches(name, list(gymnasium.registry), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`lockstep envs` shows how environments are named."
        raise UserError(f"Neither {package or 'Gymnasium'} nor Gymnasium's registry has {name!r}; {hint}")
    spec = gymnasium.spec(name)

    def make(**arguments: Any) -> Any:
        return gymnasium.make(name, **{"disable_env_checker": True, **arguments})

    if spec.max_episode_steps is not None:  # Gymnasium's own wrapper counts them
        limit = inspect.Parameter("max_episode_steps", inspect.Parameter.KEYWORD_ONLY, default=spec.max_episode_steps)
        make.__signature__ = inspect.Signature([limit])  # type: ignore[attr-defined]
    return make


def _may_make_one(key: str, found: Any) -> Callable[..., Any]:
    """What was found, if calling it can be meant to make an environment. Raises UserError for everything else.

    That is a class which can be reset and stepped, or a function that somebody wrote in Python; never one of Python's
    own, whatever module it was found in.
    """
    home = str(getattr(found, "__module__", None)).partition(".")[0]
    is_environment = inspect.isclass(found) and hasattr(found, "reset") and hasattr(found, "step")
    if home in sys.stdlib_module_names or not (is_environment or inspect.isfunction(found)):
        raise UserError(
            f"{key} is neither an environment's class nor a function that makes one, so it is not called. A function "
            "of your own may make one with whatever it needs."
        )
    made: Callable[..., Any] = found
    return made


def _imported(key: str, package: str) -> Any:
    """A module, of the working folder too; none of Python's own, which make no environments but much else."""
    if not all(name.isidentifier() for name in package.split(".")):
        raise UserError(f"{key}: {package!r} is no module's name; write my_module:parallel_env.")
    if package.partition(".")[0] in sys.stdlib_module_names:
        raise UserError(f"{key} names a module of Python itself, and there is no environment in those.")
    if not {"", str(Path.cwd())} & set(sys.path):
        sys.path.append(str(Path.cwd()))
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise _missing(key, package, error) from error


def _missing(key: str, package: str | None, error: ImportError) -> UserError:
    """What to install, or which of its siblings was meant."""
    missing, parent = error.name or "", (package or "").rpartition(".")[0]
    top = missing.partition(".")[0]
    if top in IN_EXTRA and sys.modules.get(top) is None:
        return UserError(f"{key} needs the package {top}, which is not installed: pip install 'lockstep-marl[worlds]'")
    if missing == package and parent in sys.modules:
        siblings = [module.name for module in pkgutil.iter_modules(sys.modules[parent].__path__)]
        known = [name for name in siblings if re.search(r"_v[0-9]+$", name)] or siblings
        near = get_close_matches(package.rpartition(".")[2], known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}."
        return UserError(f"{key}: {parent} has no {package.rpartition('.')[2]}; {hint}")
    if package is not None and (package == missing or package.startswith(f"{missing}.")):
        return UserError(f"{key}: there is no module {missing}, neither installed nor in this folder.")
    if not missing:
        return UserError(f"{key} cannot be imported: {_first_line(error)}.")
    family = parent.removeprefix("pettingzoo.")
    install = f": pip install 'pettingzoo[{family}]'" if family != parent else "; install it first."
    return UserError(f"{key} needs the package {top}, which is not installed{install}")


def _first_line(error: Exception) -> str:
    """Its kind and the first line of what it says."""
    return f"{type(error).__name__}: {error}".strip().partition("\n")[0].rstrip(".: ")
