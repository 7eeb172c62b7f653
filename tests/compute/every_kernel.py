"""Plays, learns, saves and replays in tiny worlds, so that every compiled function is called at least once.

    NUMBA_BOUNDSCHECK=1 python -m tests.compute.every_kernel

Without the checks an index beside an array reads or writes what lies there; with them it is an IndexError.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from lockstep.acting.policy import random_actions
from lockstep.arrays import Floats
from lockstep.compute.compiled import code_home, compiled
from lockstep.config.load import dump_toml, validated
from lockstep.config.schema import RunConfig
from lockstep.envs.particles.games import GAMES
from lockstep.envs.registry import make_env, make_vec
from lockstep.experience.evaluate import evaluate
from lockstep.runs.directory import RunDirectory
from lockstep.show.live.film import play_again
from lockstep.teams.play import heuristic_policy
from lockstep.training.checkpoints.checkpoint import load_latest, load_policy, save_best, save_checkpoint
from lockstep.training.session import Session

FLOOR = ".....\n.x.x.\n..g.."
WAREHOUSE: dict[str, Any] = {
    "key": "rware-tiny-2ag-v2",
    "time_limit": 12,
    "arguments": {"layout": FLOOR, "request_queue_size": 1},
}
ON_A_GPU = ("lockstep.networks._gru_kernel",)
SMALL = {"hidden_dim": 6, "mixing_embed_dim": 3, "hypernet_embed_dim": 5}


def configurations() -> Iterator[RunConfig]:
    """Feed-forward and recurrent agents, with everything that changes what the kernels are given."""
    yield _config(
        env={**WAREHOUSE, "remember_onset": [2, 9]},
        collection={"num_envs": 4, "warmup_env_steps": 480},
        exploration={"epsilon_finish": 0.9, "repeat_max_steps": 4, "repeat_actions": [1, 4], "epsilon_ladder": 2.0},
        network={"recurrent": False, **SMALL},
        replay={"batch_size": 5, "segment_steps": 5, "rewarding_fraction": 0.4, "buffer_size": 7},
        training={"updates_per_collection": 3, "learn_while_playing": True},
    )
    yield _config(
        env={**WAREHOUSE, "arguments": {**WAREHOUSE["arguments"], "n_agents": 3, "sensor_range": 2}},
        collection={"num_envs": 3},
        network={"recurrent": True, **SMALL, "agent_id": False},
        algorithm={"td_lambda": 0.6, "double_q": False},
        replay={"batch_size": 3, "buffer_size": 5},
    )
    yield _config(
        env={"key": "mpe:simple_spread_v3", "arguments": {"max_cycles": 5}},
        collection={"num_envs": 3},
        network={"recurrent": True, **SMALL, "last_action": True},
        replay={"batch_size": 3},
    )
    yield _config(
        env={"key": "Foraging-5x5-2p-2f-v3", "arguments": {"max_episode_steps": 6}},
        collection={"num_envs": 3, "warmup_env_steps": 36},
        network={"recurrent": False, **SMALL},
        replay={"batch_size": 3},
    )


def learn_save_and_replay(config: RunConfig, folder: Path) -> None:
    """A run's whole life: rounds, an evaluation, a checkpoint, its return, the recorded episode played again."""
    run = RunDirectory.create(folder, "every-kernel", config.seed, dump_toml(config))
    session = Session(config)
    while session.learner.updates < 2:
        session.advance()
    session.evaluation_row(3)
    save_checkpoint(session, run)
    save_best(session, run)
    play_again(config, session.recording)
    again = Session(config)
    assert load_latest(again, run) == []
    again.advance()
    policy, spec, _ = load_policy(run)
    env = make_env(config.env, 2, seed=3)
    evaluate(policy, env, 3, seed=3)
    rng = np.random.default_rng(4)
    some = rng.random((2, spec.num_agents, spec.num_actions)) < 0.5
    policy.act(env.reset(5), some, np.full((2, spec.num_agents), -1), None)


def play_by_rule(env: Any) -> None:
    """An episode of the programmed team, and one at random, with masks and copies."""
    evaluate(heuristic_policy(env), env, env.num_envs, seed=1)
    step_at_random(env)


def step_at_random(env: Any, steps: int = 12) -> None:
    """Steps of some lanes and of all, and a return to an earlier state."""
    spec, rng = env.spec, np.random.default_rng(1)
    env.reset(1)
    before = env.get_state()
    for number in range(steps):
        actions = random_actions((env.num_envs, spec.num_agents), spec.num_actions, env.available_actions(), rng)
        if getattr(getattr(env, "config", None), "msg_bits", 0):
            actions = np.stack([actions, actions % 2], axis=-1)
        env.step(actions, None if number else np.arange(env.num_envs) > 0)
    env.set_state(before)


def main() -> None:
    """Everything, and then the name of the folder that the machine code came from."""
    with suppress(IndexError):
        beyond(np.zeros(3, np.float32))
        raise SystemExit("Indices are not checked: set NUMBA_BOUNDSCHECK=1.")
    with tempfile.TemporaryDirectory() as folder:
        for number, config in enumerate(configurations()):
            learn_save_and_replay(config, Path(folder) / str(number))
    play_by_rule(make_vec("rware-tiny-4ag-v2", 2, seed=1, time_limit=30, layout=FLOOR, request_queue_size=1))
    for name in GAMES:
        play_by_rule(make_vec(f"mpe:{name}", 2, seed=1, max_cycles=13))
    nearest: dict[str, Any] = {"num_agent_neighbors": 5, "num_landmark_neighbors": 1, "max_cycles": 13}
    step_at_random(make_vec("mpe:simple_tag_v3", 2, seed=1, **nearest))
    play_by_rule(make_vec("Foraging-5x5-3p-2f-coop-v3", 2, seed=1, time_limit=30))
    step_at_random(make_vec("Foraging-grid-2s-5x5-3p-2f-v3", 2, seed=1, time_limit=30))
    crowd: dict[str, Any] = {"n_agents": 9, "layout": FLOOR, "request_queue_size": 1, "num_threads": 1}
    looks: list[dict[str, Any]] = [{"msg_bits": 1}, {"observation_type": "image_dict", "reward_type": "two_stage"}]
    for seen in looks:
        step_at_random(make_vec("rware-tiny-2ag-v2", 3, seed=2, **{**crowd, **seen}), steps=60)
    assert not uncalled(), uncalled()
    print(code_home().name)


def uncalled() -> list[str]:
    """Compiled functions without machine code in the cache; those that are pieces of others have none of their own."""
    code = {path.name.rpartition("-")[0] for path in code_home().rglob("*.nbi")}
    modules = [module for name, module in sys.modules.items() if name.startswith("lockstep.") and name not in ON_A_GPU]
    functions = {one for module in modules for one in vars(module).values() if isinstance(one, Dispatcher)}
    names = {f"{one.__module__.rpartition('.')[2]}.{one.py_func.__name__}" for one in functions if not _is_piece(one)}
    return sorted(name for name in names if not any(there.startswith(name) for there in code))


def _is_piece(function: Dispatcher) -> bool:
    return function.targetoptions.get("inline") == "always"


@compiled
def beyond(numbers: Floats) -> float:
    """What lies behind an array's end: what the checks are there for."""
    return float(numbers[len(numbers)])


def _config(**sections: Any) -> RunConfig:
    alone = {"num_threads": 1, "max_env_steps": 2000, **sections.pop("training", {})}
    return validated({**sections, "training": alone, "evaluation": {"episodes": 3}})


if __name__ == "__main__":
    main()
