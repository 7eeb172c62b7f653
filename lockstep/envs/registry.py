"""From an environment's key to its family and its lanes, for everything that trains, evaluates, shows or times."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from lockstep import trust
from lockstep.config.schema import EnvConfig
from lockstep.envs.family import Engine, EnvRow, WorldFamily, WorldOptions, named_family, own_families
from lockstep.envs.foraging.family import Fields
from lockstep.envs.foreign.family import Foreign
from lockstep.envs.onset_memory import remembering
from lockstep.envs.others import shared
from lockstep.envs.particles.family import Particles
from lockstep.envs.probes.family import Probes
from lockstep.envs.protocol import Trial, VectorEnv
from lockstep.envs.rware.family import Warehouses
from lockstep.errors import UserError

if TYPE_CHECKING:
    from lockstep.envs.foreign.workers import WorkerSettings

OURS: tuple[WorldFamily, ...] = (Warehouses(), Particles(), Fields(), Probes())
"""Asked for a key in this order; then come families of one's own, and at last everybody's environments."""
OTHERS: tuple[WorldFamily, ...] = (Foreign(),)
_TAKEN = frozenset({"key", "num_envs", "seed", "time_limit", "engine", "num_threads", "workers"})
"""Names that `make_vec` keeps for itself."""


def families() -> tuple[WorldFamily, ...]:
    """All that are known, in the order in which they are asked."""
    return (*OURS, *own_families(), *OTHERS)


def family_of(key: str) -> WorldFamily:
    """The family of a key. Raises UserError, with the nearest key, where none owns it."""
    if not isinstance(key, str):
        raise UserError(f"{key!r} is no environment key; a working one is 'rware-tiny-2ag-v2'.")
    named = named_family(key)
    if named is not None:
        return named
    for family in families():
        if family.owns(key):
            return family
    from lockstep.envs.foreign.factory import gymnasium_ids

    known = [*(row.key for family in families() for row in family.rows("")), *gymnasium_ids()]
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UserError(f"Unknown environment {key!r}; {hint}`lockstep envs` lists all.")


def family_named(word: str) -> WorldFamily:
    """The family of that name. Raises UserError where there is none."""
    for family in families():
        if word in (family.name, *family.also_called):
            return family
    raise UserError(f"There is no family of worlds {word!r}; there are: {', '.join(one.name for one in families())}.")


def make_vec(
    key: str,
    num_envs: int,
    seed: int = 0,
    time_limit: int | None = None,
    *,
    engine: Engine = "lockstep",
    num_threads: int | None = None,
    workers: "WorkerSettings | None" = None,
    own_state: bool = False,
    arguments: Mapping[str, Any] | None = None,
    **more_arguments: Any,
) -> VectorEnv:
    """`num_envs` lanes of an environment; lane i draws from `seed + i`.

    key: an RWARE key (`rware-tiny-2ag-v2`, also with the `rware:` prefix), a foraging key (`Foraging-8x8-2p-2f-v3`,
    also with `lbforaging:`), a small game of MPE (`mpe:simple_spread_v3`), a probe (`probe-coin`), one of one's own
    family (`my_module:MyFamily/whatever`), or somebody else's environment, as `lockstep.envs.foreign.factory` names
    them.
    time_limit: steps after which an episode is cut; None: the environment's own. engine: `official` steps the package
    itself, slowly. num_threads: most threads for large batches; None: as many as this process has processors.
    workers: for environments of others, the processes that play the lanes; None: they are played in this one.
    own_state: for environments of others, whether `state()` is the environment's own instead of all observations.
    arguments: of the environment's constructor, by the names of its own package; for warehouses those of rware's
    `Warehouse(...)`, `layout` included, instead of what the key says. They may also stand beside the others, but for
    those whose names are taken (`seed`, `workers`, ...).
    Raises UserError for what does not exist or cannot work.
    """
    if isinstance(num_envs, bool) or not isinstance(num_envs, int | np.integer) or num_envs < 1:
        raise UserError(f"num_envs={num_envs!r} must be a whole number of at least 1.")
    if engine not in ("lockstep", "official"):
        raise UserError(f"engine={engine!r} is neither 'lockstep' nor 'official'.")
    family = family_of(key)
    if workers is not None and not family.strangers:
        raise UserError(
            f"env.workers={workers.count} is for environments of other people; {key} is stepped right here."
        )
    if own_state and not family.strangers:
        raise UserError(f"env.state='own' is for environments of other people; {key} has no state but what is seen.")
    if time_limit is not None:
        if isinstance(time_limit, bool) or not isinstance(time_limit, int | np.integer) or time_limit < 1:
            raise UserError(f"time_limit={time_limit!r} must be a whole number of at least 1.")
        time_limit = int(time_limit)
    arguments = {**(arguments or {}), **more_arguments}
    options = WorldOptions(time_limit, engine, num_threads, workers, own_state, arguments)
    env = family.make(key, int(num_envs), seed, options)
    if family_of(env.spec.key) is not family:
        raise UserError(f"The family {family.name} made {key!r} with a spec of {env.spec.key!r}; pass the key on.")
    return env


def make_env(task: EnvConfig, num_envs: int, seed: int, *, drawn: bool = False, **options: Any) -> VectorEnv:
    """`make_vec` for what a configuration says, which may be a stranger's: the only way from one to an environment.

    Memory and other players are those that it asks for. drawn: whether the lanes are to be shown; then this process
    plays them. options: of `make_vec`, instead of what the configuration says. Raises UserError, before anything is
    imported, for code that a file names and the user has not allowed to run.
    """
    family = _allowed_family(task)
    taken = _TAKEN & task.arguments.keys()
    if taken and not family.strangers:
        raise UserError(f"env.arguments.{min(taken)} is no argument of an environment's; it has a setting of its own.")
    if drawn:
        options = {"workers": None, **family.drawing, **options}
    if task.workers and "workers" not in options:
        options["workers"] = _workers(task)
    said = {"time_limit": task.time_limit, "own_state": task.state == "own", "arguments": task.arguments}
    env = family.playable(make_vec(task.key, num_envs, seed, **{**said, **options}))
    return remembering(shared(env, task.team, task.others, seed, family.heuristic), task.remember_onset)


def try_out(task: EnvConfig) -> Trial | None:
    """Look at a configured world before it is trained in; None where there is nothing to look at.

    Raises UserError for one that cannot be trained in, and as `make_env`.
    """
    family, own_state = _allowed_family(task), task.state == "own"
    options = WorldOptions(task.time_limit, "lockstep", None, _workers(task), own_state, task.arguments)
    return family.try_out(task.key, options)


def feature_names(key: str, **arguments: Any) -> tuple[str, ...]:
    """What every number that an agent sees is called, in their order: 71 in `rware-tiny-2ag-v2`.

    arguments: as in `make_vec`. Raises UserError for worlds whose numbers have no names here.
    """
    names = family_of(key).feature_names(key, arguments)
    if not names:
        raise UserError(f"The numbers that agents see in {key} have no names here; its author knows them.")
    return names


def names_code(key: str) -> bool:
    """Whether to make such a world is to import what its key says; whoever asks imports nothing."""
    from lockstep.envs.foreign.factory import is_foreign_key

    return is_foreign_key(key) and not any(family.owns(key) for family in OURS)


def code_named(task: EnvConfig) -> trust.Code:
    """The code behind a world of which the key names it."""
    from lockstep.envs.foreign.factory import module_of

    return trust.Code(task.key, task.arguments, module_of(task.key))


def _allowed_family(task: EnvConfig) -> WorldFamily:
    """The family of a configured world. Raises UserError, and imports nothing, for code that only a file names."""
    if names_code(task.key):
        trust.check(code_named(task))
    return family_of(task.key)


def _workers(task: EnvConfig) -> "WorkerSettings":
    from lockstep.envs.foreign.workers import WorkerSettings

    return WorkerSettings(task.workers, task.worker_timeout_seconds)


def task_name(task: EnvConfig) -> str:
    """What a configured world is called where people read it."""
    try:
        return _allowed_family(task).called(task.key, task.arguments)
    except UserError:  # it cannot be made here, or nobody vouches for its code
        return task.key


def has_official_engine(key: str) -> bool:
    """Whether `make_vec(key, ..., engine="official")` has a package to step here."""
    return family_of(key).has_official(key)


def list_envs(filter_: str | None = None) -> list[EnvRow]:
    """A row for every environment whose key contains `filter_`; `my_module:MyFamily` lists a family of one's own."""
    wanted = filter_ or ""
    named = named_family(f"{wanted}/")
    if named is not None:
        return named.rows("")
    rows = [row for family in families() for row in family.rows(wanted) if wanted in row.key]
    if not rows:
        raise UserError(f"No environment's key contains {filter_!r}; `lockstep envs` without a filter lists all.")
    return rows
