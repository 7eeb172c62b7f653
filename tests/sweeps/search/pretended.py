"""Searches in which nobody trains: a run is written at once, and earns what a test says that its settings are worth."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lockstep.config.load import dump_toml
from lockstep.config.schema import RunConfig
from lockstep.runs.directory import RunDirectory
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import CellWorker, Job, jobs_of, run_sweep
from lockstep.sweeps.search.command import plan_search
from lockstep.sweeps.search.planner import SearchPlanner
from lockstep.sweeps.search.request import SearchRequest
from lockstep.sweeps.search.trials import SearchTrial, trials_of
from tests.runs.written import write_rows

Earns = Callable[[RunConfig], float]


class Ended:
    """A unit that has done its work already."""

    def poll(self) -> int:
        return 0

    def interrupt(self) -> None: ...

    def end(self, patience: float = 0.0) -> int:
        return 0


class KilledError(Exception):
    """Somebody killed the search."""


class PretendingEngine:
    """Writes a cell's run at once. kill_after: as many cells, then whoever searches is killed."""

    def __init__(self, earns: Earns, at_once: int = 1, kill_after: int | None = None) -> None:
        self.at_once = at_once
        self.began: list[int] = []
        self._earns, self._kill_after = earns, kill_after

    def has_room(self, job: Job, running: Sequence[Job]) -> bool:
        return True

    def start(self, sweep: SweepFolder, job: Job) -> CellWorker:
        if len(self.began) == self._kill_after:
            raise KilledError
        self.began.append(job.cell.number)
        config = job.cell.config
        with sweep.attempt(job.cell, "test"):
            run = RunDirectory.create(job.cell.run.path, job.cell.name, config.seed, dump_toml(config))
            earned = self._earns(config)
            target = config.training.stop_at_test_return
            solved = target is not None and earned > target
            write_rows(run, [earned], judged=None if target is not None else earned)
            run.set_status("solved" if solved else "finished")
        return Ended()


def asked(path: Path, *words: str, **how: object) -> SweepFolder:
    """A search in which nothing has been chosen yet, of a world without an official package."""
    request = SearchRequest("smoke", ("env.key=probe-coin", "env.arguments={}", "env.time_limit=None", *words), **how)  # type: ignore[arg-type]
    return plan_search(request, path, lambda sentence: None)


def searched(sweep: SweepFolder, engine: PretendingEngine) -> list[SearchTrial]:
    """What became of it."""
    request, jobs = SearchRequest.of(sweep), jobs_of(sweep)
    planner = SearchPlanner(sweep, request, jobs, 1.0)
    assert run_sweep(sweep, jobs, engine, steer=planner.steer) is None
    return trials_of(jobs, request.goal)
