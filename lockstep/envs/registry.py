"""From an environment's name to its lanes, for everything that trains, evaluates or times."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lockstep import trust
from lockstep.config.schema import EnvConfig
from lockstep.envs.others import shared
from lockstep.envs.particles.config import NUM_ACTIONS as SPREAD_ACTIONS
from lockstep.envs.particles.config import SPREAD_KEYS, SpreadConfig, spread_config
from lockstep.envs.probes import PROBES
from lockstep.envs.protocol import Remark, Trial, VectorEnv
from lockstep.envs.rware.config import WarehouseConfig, configured
from lockstep.envs.rware.features import feature_names as warehouse_features
from lockstep.envs.rware.keys import is_rware_key, plain_key, registered_keys, warehouse_arguments
from lockstep.envs.rware.layout import out_of_reach
from lockstep.envs.rware.talking import TalkingRobots
from lockstep.errors import UserError

if TYPE_CHECKING:
    from lockstep.envs.foreign.workers import WorkerSettings

Engine = Literal["lockstep", "official"]
PROBE_PREFIX = "probe-"
FOREIGN_EXAMPLES = {
    "mpe:simple_speaker_listener_v4": "another game of mpe2",
    "pettingzoo:sisl/pursuit_v5": "a parallel environment of PettingZoo",
    "lbforaging:Foraging-8x8-2p-3f-v3": "a Gymnasium id, its package before the colon",
    "my_module:parallel_env": "what a function or class of yours makes",
}
"""How environments of others are named, by example: those with discrete actions can be trained on."""


@dataclass(frozen=True)
class EnvRow:
    """One line of `lockstep envs`."""

    key: str
    agents: int | None
    """None, like the other sizes, where only making the environment would tell."""
    obs_dim: int | None
    actions: int | None
    time_limit: int | None
    world: str


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

    key: an RWARE key (`rware-tiny-2ag-v2`, also with the `rware:` prefix), `mpe:simple_spread_v3`, a probe
    (`probe-coin`), or somebody else's environment, as `lockstep.envs.foreign.factory` names them.
    time_limit: steps after which an episode is cut; None: the environment's own. engine: `official` steps the package
    itself, slowly. num_threads: most threads for large batches; None: as many as this process has processors.
    workers: for environments of others, the processes that play the lanes; None: they are played in this one.
    own_state: for environments of others, whether `state()` is the environment's own instead of all observations.
    arguments: of the environment's constructor, by the names of its own package; for warehouses those of rware's
    `Warehouse(...)`, `layout` included, instead of what the key says. They may also stand beside the others, but for
    those whose names are taken (`seed`, `workers`, ...).
    Raises UserError for what does not exist or cannot work.
    """
    arguments = {**(arguments or {}), **more_arguments}
    if isinstance(num_envs, bool) or not isinstance(num_envs, int | np.integer) or num_envs < 1:
        raise UserError(f"num_envs={num_envs!r} must be a whole number of at least 1.")
    if engine not in ("lockstep", "official"):
        raise UserError(f"engine={engine!r} is neither 'lockstep' nor 'official'.")
    if not isinstance(key, str):
        raise UserError(f"{key!r} is no environment key; a working one is 'rware-tiny-2ag-v2'.")
    if workers is not None and not is_foreign(key):
        raise UserError(
            f"env.workers={workers.count} is for environments of other people; {key} is stepped right here."
        )
    if own_state and not is_foreign(key):
        raise UserError(f"env.state='own' is for environments of other people; {key} has no state but what is seen.")
    if key.startswith(PROBE_PREFIX):
        return _make_probe(key, num_envs, seed, time_limit, engine, arguments)
    if key in SPREAD_KEYS:
        return _make_spread(key, num_envs, seed, time_limit, engine, arguments)
    if not is_rware_key(key):
        from lockstep.envs.foreign.factory import gymnasium_ids, is_foreign_key

        if is_foreign_key(key):
            return _make_foreign(key, num_envs, seed, time_limit, engine, workers, own_state, arguments)
        known = [*registered_keys(), *SPREAD_KEYS, *PROBES, *gymnasium_ids()]
        near = get_close_matches(plain_key(key), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"Unknown environment {key!r}; {hint}`lockstep envs` lists all.")
    config = _warehouse_config(key, time_limit, arguments)
    if engine == "official":
        from lockstep.envs.rware.official import OfficialWarehouses

        return OfficialWarehouses(plain_key(key), config, int(num_envs), seed)
    from lockstep.envs.rware.simulator import Simulator

    return Simulator(plain_key(key), config, int(num_envs), seed, num_threads)


def make_configured(task: EnvConfig, num_envs: int, seed: int, **options: Any) -> VectorEnv:
    """`make_vec` for what a configuration says, which may be a stranger's: the only way from one to an environment.

    options: further arguments of `make_vec`. Raises UserError, before anything is imported, for code that a file names
    and the user has not allowed to run.
    """
    if is_foreign(task.key):
        trust.check(code_named(task))
    options = {"own_state": task.state == "own", "arguments": task.arguments, **options}
    env = make_vec(task.key, num_envs, seed, task.time_limit, **options)
    if is_rware_key(task.key) and (bits := _warehouse_config(task.key, None, task.arguments).msg_bits):
        env = TalkingRobots(env, bits)
    return shared(env, task.team, task.others, seed)


def try_out(task: EnvConfig) -> Trial | None:
    """Look at a configured world: play one of other people a little, in a process of its own; see whether a drawn
    floor can be served. None where there is nothing to look at.

    Raises UserError for one that cannot be trained in, and as `make_configured`.
    """
    if is_rware_key(task.key):
        config = _warehouse_config(task.key, task.time_limit, task.arguments)
        sentence = out_of_reach(config.floor)
        return None if sentence is None else Trial(config.time_limit, [Remark("layout", sentence, True)])
    if not is_foreign(task.key):
        return None
    trust.check(code_named(task))
    from lockstep.envs.foreign import trial
    from lockstep.envs.foreign.factory import ForeignEnvFactory
    from lockstep.envs.foreign.workers import WorkerSettings

    factory = ForeignEnvFactory(task.key, task.time_limit, task.arguments, task.state == "own")
    return trial.try_out(factory, WorkerSettings(1, task.worker_timeout_seconds), patient=task.workers > 0)


def code_named(task: EnvConfig) -> trust.Code:
    """The code behind an environment of other people."""
    from lockstep.envs.foreign.factory import module_of

    return trust.Code(task.key, task.arguments, module_of(task.key))


def warehouse_config(key: str, time_limit: int | None = None, **arguments: Any) -> WarehouseConfig:
    """The rules behind an RWARE key, with `Warehouse(...)` arguments changed; `time_limit` is its `max_steps`."""
    return _warehouse_config(key, time_limit, arguments)


def _warehouse_config(key: str, time_limit: int | None, arguments: Mapping[str, Any]) -> WarehouseConfig:
    if time_limit is not None:
        _check_time_limit(time_limit)
        if "max_steps" in arguments:
            raise UserError("time_limit and max_steps are two names of one thing; give one of them.")
        arguments = {**arguments, "max_steps": int(time_limit)}
    return configured({**warehouse_arguments(key), **arguments})


def feature_names(key: str, **arguments: Any) -> tuple[str, ...]:
    """What every number that an agent of a warehouse sees is called, in their order: 71 in `rware-tiny-2ag-v2`.

    arguments: as in `make_vec`. Raises UserError for worlds whose numbers have no names here.
    """
    if not is_rware_key(key):
        raise UserError(f"The numbers that agents see in {key} have no names here; its author knows them.")
    return warehouse_features(warehouse_config(key, **arguments))


def is_foreign(key: str) -> bool:
    """Whether an environment is somebody else's. They draw themselves only if made with render_mode="rgb_array"."""
    from lockstep.envs.foreign.factory import is_foreign_key

    ours = is_rware_key(key) or key in SPREAD_KEYS or key.startswith(PROBE_PREFIX)
    return not ours and is_foreign_key(key)


def has_official_engine(key: str) -> bool:
    """Whether `make_vec(key, ..., engine="official")` has a package to step; mpe2 need not be installed."""
    return is_rware_key(key) or (key in SPREAD_KEYS and find_spec("mpe2") is not None)


def list_envs(filter_: str | None = None) -> list[EnvRow]:
    """A row for every environment whose key contains `filter_`. Image warehouses appear when it asks for `img`."""
    wanted = filter_ or ""
    keys = [*registered_keys(), *(registered_keys(images=True) if "img" in wanted else ())]
    rows = [_warehouse_row(key) for key in keys if wanted in key]
    rows += [_spread_row(key) for key in SPREAD_KEYS[:1] if wanted in key]
    rows += [_probe_row(key) for key in PROBES if wanted in key]
    rows += [EnvRow(key, None, None, None, None, world) for key, world in FOREIGN_EXAMPLES.items() if wanted in key]
    if not rows:
        raise UserError(f"No environment's key contains {filter_!r}; `lockstep envs` without a filter lists all.")
    return rows


def _warehouse_row(key: str) -> EnvRow:
    config = warehouse_config(key)
    floor = config.floor
    world = f"{floor.height} x {floor.width}, {len(floor.shelf_cells)} shelves, {config.request_queue_size} requested"
    return EnvRow(key, config.n_agents, config.obs_dim, 5, config.time_limit, world)


def _probe_row(key: str) -> EnvRow:
    probe = PROBES[key]
    summary = (probe.__doc__ or "").strip().partition("\n")[0]
    return EnvRow(key, probe.num_agents, probe.obs_dim, probe.num_actions, probe.time_limit, summary)


def _spread_row(key: str) -> EnvRow:
    rules = SpreadConfig()
    return EnvRow(key, rules.N, rules.obs_dim, SPREAD_ACTIONS, rules.max_cycles, "particles, one for each landmark")


def _make_spread(
    key: str, num_envs: int, seed: int, time_limit: int | None, engine: Engine, arguments: Mapping[str, Any]
) -> VectorEnv:
    config = spread_config(time_limit, arguments)
    if engine == "official":
        from lockstep.envs.particles.official import OfficialSpread

        return OfficialSpread(key, config, int(num_envs), seed)
    from lockstep.envs.particles.simulator import SpreadSimulator

    return SpreadSimulator(key, config, int(num_envs), seed)


def _make_foreign(
    key: str,
    num_envs: int,
    seed: int,
    time_limit: int | None,
    engine: Engine,
    workers: "WorkerSettings | None",
    own_state: bool,
    arguments: Mapping[str, Any],
) -> VectorEnv:
    if engine == "official":
        raise UserError(f"{key} is played by its own package already; leave engine out.")
    if time_limit is not None:
        _check_time_limit(time_limit)
    from lockstep.envs.foreign.factory import ForeignEnvFactory
    from lockstep.envs.foreign.lanes import PythonLanes

    factory = ForeignEnvFactory(key, time_limit, arguments, own_state)
    if workers is None:
        return PythonLanes(factory, int(num_envs), seed)
    from lockstep.envs.foreign.workers import WorkerLanes

    return WorkerLanes(factory, int(num_envs), seed, workers)


def _check_time_limit(time_limit: Any) -> None:
    if isinstance(time_limit, bool) or not isinstance(time_limit, int | np.integer) or time_limit < 1:
        raise UserError(f"time_limit={time_limit!r} must be a whole number of at least 1.")


def _make_probe(
    key: str, num_envs: int, seed: int, time_limit: int | None, engine: Engine, arguments: Mapping[str, Any]
) -> VectorEnv:
    if key not in PROBES:
        raise UserError(f"Unknown probe {key!r}; there are: {', '.join(PROBES)}.")
    if time_limit is not None or arguments or engine != "lockstep":
        raise UserError(f"{key!r} is a fixed little world; leave time_limit, engine and further arguments out.")
    return PROBES[key](num_envs, seed)
