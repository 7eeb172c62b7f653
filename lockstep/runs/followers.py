"""Followers read the rows of a run and write them where another program expects them. No training knows of them.

    lockstep sync sweeps/master-1 --to tensorboard|mlflow|wandb

How far a follower has come is asked of what it wrote, so to follow again writes what is new, and a run that was resumed
is one run there: going on repeats rows number by number, and what has been told is not told again. Everything is
written into a folder of this machine, and nothing is sent anywhere.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from lockstep.config.knobs import flat
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, read_json, read_rows, write_atomically
from lockstep.runs.loggers import TensorBoardLogger, cut_events_after, last_event_step
from lockstep.runs.reader import RunReader

PROJECT = "lockstep"
"""What MLflow calls an experiment and Weights & Biases a project."""
_REACHED = f"{PROJECT}.env_steps"
Numbers = Mapping[str, float]


class RowFollower(Protocol):
    """Writes one run. `open` comes first, `close` last."""

    def open(self, run: RunDirectory, config: RunConfig, name: str) -> int:
        """Begin, or go on. name: the run's, the same for ever. Returns the env steps up to which all is told."""

    def tell(self, env_steps: int, numbers: Numbers) -> None:
        """What is known of the run at a moment."""

    def close(self, status: str) -> None:
        """That is all for now. status: as in run.json."""


def run_name(run: RunDirectory) -> str:
    """The name of a run's folder, and what tells it from others of that name."""
    created = str(run.read_info().get("created"))
    folder = run.path.resolve().name
    return f"{folder}-{hashlib.sha256(f'{folder} {created}'.encode()).hexdigest()[:8]}"


def moments(run: RunDirectory) -> Iterator[tuple[int, dict[str, float]]]:
    """Every number of a run's training and evaluations, by env steps, in order.

    The newest is kept back while the run goes on: more may come to be known of it.
    """
    found: dict[int, dict[str, float]] = {}
    for row in (*read_rows(run.metrics), *read_rows(run.evaluations)):
        steps = row.get("env_steps")
        if isinstance(steps, int):
            numbers = {name: float(value) for name, value in row.items() if type(value) in (int, float)}
            found.setdefault(steps, {}).update(numbers)
    if not run.has_ended and not run.is_abandoned():
        found.pop(max(found, default=-1), None)
    for steps, numbers in sorted(found.items()):
        del numbers["env_steps"]
        yield steps, numbers


def follow(record: RunReader, follower: RowFollower) -> int:
    """Tell what has come of a run since it was followed last. Returns the number of moments told."""
    run, config = record.directory, record.config_or_none()
    if config is None:
        raise UserError(f"{run.config} cannot be read, so {run.path} is not followed.")
    reached, told = follower.open(run, config, run_name(run)), 0
    try:
        for steps, numbers in moments(run):
            if steps > reached:
                follower.tell(steps, numbers)
                told += 1
    finally:
        follower.close(str(record.info.get("status")))
    return told


class TensorBoardFollower:
    """A folder of events for each run, for `tensorboard --logdir`."""

    def __init__(self, out: Path) -> None:
        self._out = out

    def open(self, run: RunDirectory, config: RunConfig, name: str) -> int:
        there = RunDirectory(self._out / name)
        there.path.mkdir(parents=True, exist_ok=True)
        self._logger = TensorBoardLogger()
        self._logger.begin(config, there)
        cut_events_after(there, 2**62)  # one that was cut off, when somebody was killed
        return last_event_step(there)

    def tell(self, env_steps: int, numbers: Numbers) -> None:
        self._logger.training({"env_steps": env_steps, **numbers})

    def close(self, status: str) -> None: ...


class MlflowFollower:
    """A run of MLflow's file store for each run, for `mlflow ui --backend-store-uri`."""

    def __init__(self, out: Path) -> None:
        try:
            from mlflow import entities, tracking
        except ImportError:
            raise UserError("--to mlflow needs MLflow: `pip install 'lockstep-marl[mlflow]'`.") from None
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # it is asked for here
        self._entities = entities
        self._client = tracking.MlflowClient(tracking_uri=out.resolve().as_uri())

    def open(self, run: RunDirectory, config: RunConfig, name: str) -> int:
        client = self._client
        experiment = client.get_experiment_by_name(PROJECT)
        place = client.create_experiment(PROJECT) if experiment is None else experiment.experiment_id
        there = client.search_runs([place], f"tags.`{PROJECT}.run` = '{name}'")
        made = there[0] if there else client.create_run(place, tags={f"{PROJECT}.run": name}, run_name=name)
        self._id = made.info.run_id
        if not there:
            params = [self._entities.Param(key, str(value)[:500]) for key, value in flat(config).items()]
            client.log_batch(self._id, params=params)
        data = client.get_run(self._id).data
        # Of the next moment something may have been told, when somebody was killed.
        self._newest = {key: client.get_metric_history(self._id, key)[-1].step for key in data.metrics}
        return int(data.tags.get(_REACHED, 0))

    def tell(self, env_steps: int, numbers: Numbers) -> None:
        metrics = [
            self._entities.Metric(key, value, int(1000 * numbers.get("wall_seconds", 0.0)), env_steps)
            for key, value in numbers.items()
            if self._newest.get(key, 0) < env_steps
        ]
        self._client.log_batch(self._id, metrics=metrics)
        self._client.set_tag(self._id, _REACHED, str(env_steps))

    def close(self, status: str) -> None:
        ended = {"finished": "FINISHED", "solved": "FINISHED", "failed": "FAILED"}
        self._client.set_terminated(self._id, ended.get(status, "RUNNING"))


class WandbFollower:
    """An offline run of Weights & Biases for each run, which `wandb sync` sends when somebody wants that.

    What was told in several calls are several folders with one id, which it puts together.
    """

    def __init__(self, out: Path) -> None:
        try:
            import wandb
        except ImportError:
            raise UserError("--to wandb needs wandb: `pip install 'lockstep-marl[wandb]'`.") from None
        self._wandb: Any = wandb
        self._out = out

    def open(self, run: RunDirectory, config: RunConfig, name: str) -> int:
        self._out.mkdir(parents=True, exist_ok=True)
        self._state = self._out / f"{name}.json"
        reached = read_json(self._state).get("env_steps")
        self._told = reached if isinstance(reached, int) else 0
        self._run: Any = None
        self._begin = partial(
            self._wandb.init,
            mode="offline",
            project=PROJECT,
            id=hashlib.sha256(name.encode()).hexdigest()[:16],
            name=name,
            dir=str(self._out),
            config=flat(config),
            resume="allow",
            settings=self._wandb.Settings(silent=True),
        )
        return self._told

    def tell(self, env_steps: int, numbers: Numbers) -> None:
        self._run = self._run or self._begin()  # where nothing is new there is no folder
        self._run.log(dict(numbers), step=env_steps)
        self._told = env_steps

    def close(self, status: str) -> None:
        if self._run is not None:
            self._run.finish()
            write_atomically(self._state, json.dumps({"env_steps": self._told}))


FOLLOWERS: Mapping[str, Callable[[Path], RowFollower]] = {
    "tensorboard": TensorBoardFollower,
    "mlflow": MlflowFollower,
    "wandb": WandbFollower,
}
"""Who can follow, by name."""


def follower_named(name: str, out: Path) -> RowFollower:
    """A follower that writes into a folder. Raises UserError for one that is none, or is not installed."""
    if name not in FOLLOWERS:
        known = list(FOLLOWERS)
        raise UserError(f"--to {name} is unknown; it must be {', '.join(known[:-1])} or {known[-1]}.")
    return FOLLOWERS[name](out)
