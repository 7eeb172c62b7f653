"""The engine of a Ray cluster: every cell is a task, whose body starts the unit as a process and waits for it.

Ray decides where and when, and moves no data: the folder is on a disk that all nodes share. Tasks, not actors or Tune:
what Ray would remember of a run is in the run, so a task that dies with its worker, its node or the whole cluster is
simply begun again, and goes on from the run's newest checkpoint. Ray itself never tries one again (`max_retries=0`):
that is decided here, by whether there was progress.

Where nodes share no disk, runs are sent back: a task works in a folder of its node's own, and after every checkpoint
and at its end hands on what is new. The coordinator alone writes in the sweep's folder then, also who worked at a cell.
"""

import asyncio
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING, Any

from lockstep.compute.child_process import ChildProcess
from lockstep.errors import UserError
from lockstep.files import ROWS_BYTES, open_to_append, read_regular
from lockstep.runs.cleaning import one_line
from lockstep.runs.directory import RunDirectory, why
from lockstep.sweeps.folder import Cell, SweepFolder, newest_checkpoint
from lockstep.sweeps.local import PATIENCE_SECONDS, REFUSED, CellWorker, Job, last_words, unit_words
from lockstep.sweeps.parcel import Parcel, Stamps, pack, unpack
from lockstep.sweeps.unit import attempted

if TYPE_CHECKING:
    from ray import ObjectRef

LOST = 70
"""The exit code of a task that Ray lost, with its worker or its node."""
_POLL_SECONDS = 0.5


class RayEngine:
    """A cluster that this process is connected to. `connected` makes one."""

    def __init__(self, at_once: int, threads: int, trust: bool, gpus: float = 0.0, *, send_back: bool = False) -> None:
        """gpus: of each cell, which sees no others; a share of one lets several have the same. send_back: nodes do not
        see the sweep's folder.
        """
        self.at_once = at_once
        self._threads, self._trust, self._gpus = threads, trust, gpus
        self._bell = _bell_beside_us() if send_back else None
        self._numbers = count()

    def has_room(self, job: Job, running: Sequence[Job]) -> bool:
        """Ray knows what its nodes have; a task that finds no place waits."""
        return True

    def start(self, sweep: SweepFolder, job: Job) -> CellWorker:
        """Hand its unit to the cluster."""
        import ray

        options: dict[str, Any] = {
            "num_cpus": self._threads, "num_gpus": self._gpus, "memory": job.bytes, "max_retries": 0
        }  # fmt: skip
        if self._bell is None:
            there = SweepFolder(sweep.path.resolve())  # a task has a working folder of its own
            words = unit_words(there, job.cell.number, self._threads, trust=self._trust)
            return RayTask(ray.remote(**options)(do_unit).remote(words, str(there.log(job.cell))))
        task = ray.remote(num_returns="streaming", _generator_backpressure_num_objects=2, **options)(do_unit_elsewhere)
        return CellElsewhere(sweep, job.cell, task, self._threads, self._trust, self._bell, next(self._numbers))


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


class CellElsewhere:
    """A unit on a node that does not see the sweep's folder. A thread puts there what the node sends."""

    def __init__(
        self, sweep: SweepFolder, cell: Cell, task: Any, threads: int, trust: bool, bell: Any, number: int
    ) -> None:
        """task: `do_unit_elsewhere` for Ray. number: of the task, at whose call of the bell it stops."""
        self._sweep, self._cell, self._task, self._bell, self._number = sweep, cell, task, bell, number
        self._threads, self._trust = threads, trust
        self._parcels: Any = None
        self._has_begun = False
        self._code = LOST
        self._thread = threading.Thread(target=self._work, name=f"cell {cell.number}", daemon=True)
        self._thread.start()

    def poll(self) -> int | None:
        """Its exit code, LOST where Ray lost it, or None while it works."""
        return None if self._thread.is_alive() else self._code

    def interrupt(self) -> None:
        """Ask it to save, to send that and to stop."""
        import ray

        self._bell.ring.remote(self._number)
        if not self._has_begun and self._parcels is not None:
            ray.cancel(self._parcels, force=False)  # it may wait for a node that never comes

    def end(self, patience: float = 0.0) -> int:
        """Stop it for good, unless it ends by itself within so many seconds. Returns its exit code."""
        import ray

        self._thread.join(patience)
        if self._thread.is_alive() and self._parcels is not None:
            ray.cancel(self._parcels, force=True)
        self._thread.join()
        return self._code

    def _work(self) -> None:
        try:
            stopped_by = attempted(self._sweep, self._cell, "ray", self._follow)
            self._code = 0 if stopped_by is None else 128 + stopped_by
        except (UserError, OSError) as error:
            said = str(error) if isinstance(error, UserError) else f"{self._cell.run.path}: {why(error)}"
            self._code = REFUSED
            with suppress(OSError):
                self._log(f"lockstep: {said}\n".encode())

    def _follow(self) -> int | None:
        """Send the run, let a node go on with it, and put what comes back in its place. Returns what stopped it."""
        import ray

        cell, code = self._cell, LOST
        if cell.run.path.exists() and not (cell.checkpoint or cell.run.has_ended):
            cell.run.remove()  # it was stopped before its first checkpoint: nothing to go on from
        run = pack(cell.run.path, {}) if cell.run.path.exists() else Parcel()
        plan = {path.name: read_regular(path, ROWS_BYTES) for path in (self._sweep.file, self._sweep.plan)}
        where = (cell.number, cell.run.path.name, self._threads, self._trust)
        self._parcels = self._task.remote(plan, run, *where, self._bell, self._number)
        try:
            for parcel, said, ended in map(ray.get, self._parcels):
                self._has_begun = True
                self._log(said)
                if parcel.names:
                    unpack(parcel, cell.run)
                code = code if ended is None else ended
        except ray.exceptions.TaskCancelledError:
            return SIGINT
        except ray.exceptions.RayTaskError as error:
            raise UserError(f"Its node could not work at it: {one_line(str(error.cause))}") from None
        except ray.exceptions.RayError:
            raise UserError("Ray lost it, with its worker or its node.") from None
        if code > 128:
            return code - 128
        if code == 0 and not cell.is_done:
            raise UserError("Its node takes it for finished, and this machine does not. Give both the same packages.")
        if code != 0:
            raise UserError(last_words(self._sweep.log(cell)) or f"exit code {code}")
        return None

    def _log(self, said: bytes) -> None:
        with open_to_append(self._sweep.log(self._cell)) as file:
            file.write(said)


class Bell:
    """What tasks listen to that are to save, send and stop: what Ray cancels can send nothing any more."""

    def __init__(self) -> None:
        self._rung: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)

    async def ring(self, number: int) -> None:
        """For the task of this number."""
        self._rung[number].set()

    async def heard(self, number: int) -> None:
        """Returns once it was rung for this number."""
        await self._rung[number].wait()


def _bell_beside_us() -> Any:
    """On this process's node, whatever becomes of the others."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(num_cpus=0, max_concurrency=10_000, scheduling_strategy=here)(Bell).remote()


@contextmanager
def connected(
    address: str | None,
    at_once: int | None,
    threads: int,
    *,
    trust: bool,
    gpus: float = 0.0,
    send_back: bool = False,
) -> Iterator[RayEngine]:
    """A connection to the cluster at `address` ("auto": this node's), or to one that is begun here for as long.

    at_once: None: as many as the cluster has cores for. gpus: of each cell. send_back: nodes do not see the sweep's
    folder. Raises UserError where there is no Ray, or no cluster.
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
        yield RayEngine(at_once or max(1, cpus // threads), threads, trust, gpus, send_back=send_back)
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


def do_unit_elsewhere(
    plan: dict[str, bytes],
    parcel: Parcel,
    cell: int,
    folder: str,
    threads: int,
    trust: bool,
    bell: Any,
    number: int,
) -> Generator[tuple[Parcel, bytes, int | None], None, None]:
    """The body of a task that does not see the sweep: the unit in a folder that is gone with the task.

    plan: the sweep's files. parcel: the run as far as it has come. folder: its name. Yields, once at the beginning and
    then whenever there is a newer checkpoint, what is new of the run, what the unit printed, and in the end its exit
    code.
    """
    import ray

    with tempfile.TemporaryDirectory(prefix="lockstep-") as here:
        sweep = SweepFolder(Path(here) / "sweep")
        sweep.path.mkdir()
        for name, content in plan.items():
            (sweep.path / name).write_bytes(content)
        run, log, sent = RunDirectory(sweep.runs / folder), Path(here) / "log", Stamps()
        if parcel.names:
            unpack(parcel, run)
            pack(run.path, sent)  # it is known there
        yield Parcel(), b"", None
        with open_to_append(log) as file:
            child = ChildProcess("lockstep", unit_words(sweep, cell, threads, trust=trust), stdout=file, stderr=file)
        rung = bell.heard.remote(number)

        def listen() -> None:
            with suppress(ray.exceptions.RayError):
                ray.get(rung)
                child.interrupt()

        threading.Thread(target=listen, daemon=True).start()
        newest, read, code = newest_checkpoint(run), 0, None
        try:
            while code is None:
                time.sleep(_POLL_SECONDS)
                code, before, newest = child.poll(), newest, newest_checkpoint(run)
                if newest != before or code is not None:
                    said = read_regular(log, ROWS_BYTES)[read:]
                    yield pack(run.path, sent) if run.path.exists() else Parcel(), said, code
                    read += len(said)
        finally:
            child.end()
