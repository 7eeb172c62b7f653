"""A run with a recorded episode, played by hand."""

from pathlib import Path
from typing import Any

import numpy as np

from lockstep.config.presets import smoke
from lockstep.envs.registry import make_vec
from lockstep.runs.directory import RunDirectory
from tests.runs.folders import append, evaluation, make_run


def recording(env_steps: int, steps: int = 40, seed: int = 5) -> dict[str, Any]:
    """A row of recordings.jsonl: random play of the smoke warehouse, with what it really earned."""
    task = smoke().env
    env = make_vec(task.key, 1, seed=seed, time_limit=task.time_limit, layout=task.arguments["layout"])
    env.reset(seed)
    rng = np.random.default_rng(seed)
    actions = rng.integers(0, 5, (steps, 1, 2))
    earned = sum(float(env.step(action).reward.sum()) for action in actions)
    return {"env_steps": env_steps, "seed": seed, "return": earned, "actions": actions[:, 0].tolist()}


def recorded_run(path: Path, moments: tuple[int, ...] = (100, 200)) -> RunDirectory:
    """A finished run of the smoke warehouse with an evaluation and a recorded episode at each of these env steps."""
    run = make_run(
        path,
        metrics=[{"env_steps": 50 * n, "wall_seconds": n, "loss": 1 / n, "epsilon": 0.5} for n in range(1, 5)],
        evaluations=[evaluation(moment, moment / 100) for moment in moments],
    )
    append(run.recordings, *(recording(moment, seed=moment) for moment in moments))
    return run
