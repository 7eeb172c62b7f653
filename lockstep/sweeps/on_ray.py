"""The engine of a Ray cluster: every cell is a task, whose body starts the unit as a process and waits for it.

Ray decides where and when, and moves no data: the folder is on a disk that all nodes share. Tasks, not actors or Tune:
what Ray would remember of a run is in the run, so a task that dies with its worker, its node or the whole cluster is
simply begun again, and goes on from the run's newest checkpoint. Ray itself never tries one again (`max_retries=0`):
that is decided here, by whether there was progress.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockstep.compute.child_process import ChildProcess
from lockstep.errors import UserError
from lockstep.files import open_to_append
from lockstep.runs.cleaning import one_line
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import PATIENCE_SECONDS, CellWorker, Job, unit_words

if TYPE_CHECKING:
    from ray import ObjectRef

LOST = 70
"""The exit code of a task that Ray lost, with its worker or its node."""
_POLL_SECONDS = 0.5


class RayEngine:
    """A cluster that this process is connected to. `connected` makes one."""

    def __init__(self, at_once: int, threads: int, trust: bool, gpus: float = 0.0) -> None:
        """gpus: of each cell, which sees no others; a share of one lets several have the same."""
        self.at_once = at_once
        self._threads, self._trust, self._gpus = threads, trust, gpus

    def has_room(self, job: Job, running: Sequence[Job]) -> bool:
        """Ray knows what its nodes have; a task that finds no place waits."""
        return True

    def start(self, sweep: SweepFolder, job: Job) -> CellWorker:
        """Hand its unit to the cluster."""
        import ray

        words = unit_words(sweep, job.cell, self._threads, trust=self._trust)
        task = ray.remote(num_cpus=self._threads, num_gpus=self._gpus, memory=job.bytes, max_retries=0)(do_unit)
        return RayTask(task.remote(words, str(sweep.log(job.cell))))


class RayTask:
    """A unit somewhere in the cluster."""

    def __init__(self, reference: "ObjectRef[Any]") -> None:
        self._reference = reference

    def poll(self) -> int | None:
        """Its exit code, LOST where Ray lost it, or None while it works."""
        return self._waited(0.0)

    def interrupt(self) -> None:
        """Ask it to save and stop."""
        import ray

        ray.cancel(self._reference, force=False)

    def end(self, patience: float = 0.0) -> int:
        """Stop it for good, unless it ends by itself within so many seconds. Returns its exit code."""
        import ray

        code = self._waited(patience)
        if code is None:
            ray.cancel(self._reference, force=True)
        return LOST if code is None else code

    def _waited(self, seconds: float) -> int | None:
        import ray

        ready, _ = ray.wait([self._reference], timeout=seconds)
        if not ready:
            return None
        try:
            return int(ray.get(self._reference))
        except ray.exceptions.RayError:
            return LOST


@contextmanager
def connected(
    address: str | None, at_once: int | None, threads: int, *, trust: bool, gpus: float = 0.0
) -> Iterator[RayEngine]:
    """A connection to the cluster at `address` ("auto": this node's), or to one that is begun here for as long.

    at_once: None: as many as the cluster has cores for. gpus: of each cell. Raises UserError where there is no Ray, or
    no cluster.
    """
    try:
        import ray
    except ImportError:
        raise UserError("--on ray needs Ray: `pip install 'lockstep-marl[ray]'`.") from None
    try:
        ray.init(address=address, include_dashboard=None if address else False, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        said = one_line(str(error).strip().partition("\n")[0])
        raise UserError(f"No Ray cluster could be reached at {address!r}: {said}") from error
    try:
        resources: dict[str, float] = ray.cluster_resources()
        cpus = int(resources.get("CPU", 1))
        yield RayEngine(at_once or max(1, cpus // threads), threads, trust, gpus)
    finally:
        ray.shutdown()


def do_unit(words: Sequence[str], log: str) -> int:
    """The body of a task: the unit in a process of its own, which ends with the task. Returns its exit code."""
    with open_to_append(Path(log)) as file:
        child = ChildProcess("lockstep", words, stdout=file, stderr=file)
    try:
        while (code := child.poll()) is None:
            time.sleep(_POLL_SECONDS)
        return code
    except KeyboardInterrupt:  # how Ray cancels a task
        child.interrupt()
        return child.end(PATIENCE_SECONDS)
    finally:
        child.end()
