"""Real trainings of tiny configurations: interrupted, killed, resumed, never done twice, and none left behind."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.sweeps import local
from lockstep.sweeps.command import local_engine
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import CellWorker, Job, LocalEngine, jobs_of, run_sweep
from lockstep.sweeps.request import read_request
from tests.compute.test_child_process import lives
from tests.sweeps.sweeps import SHORT, begun, die, tiny_sweep
from tests.training.faults import training as started
from tests.training.faults import wait_for

WORDS = ["test_interval=2000", "test_nepisode=20", "save_model_interval=2000"]
WORDS += ["logging.every_env_steps=1000", "warmup_env_steps=0", "batch_size=8"]


def official_sweep(path: Path, env_steps: int = 8_000) -> SweepFolder:
    """One cell in the smoke warehouse, which is confirmed on the official package."""
    request = read_request("smoke", [*WORDS, f"t_max={env_steps}"])
    return SweepFolder.create(path, request, request.configurations())


def done(sweep: SweepFolder) -> list[Job]:
    jobs = jobs_of(sweep)
    assert run_sweep(sweep, jobs, LocalEngine()) is None
    return jobs


def test_what_is_wanted_is_trained_and_judged_once(tmp_path: Path) -> None:
    sweep, shares = official_sweep(tmp_path / "s"), []
    jobs = jobs_of(sweep)
    assert run_sweep(sweep, jobs, LocalEngine(), show=lambda all_: shares.append(all_[0].share)) is None
    assert (jobs[0].failed, jobs[0].share) == ("", 1.0)
    assert shares == sorted(shares)
    rows = read_rows(jobs[0].cell.run.judgements)
    assert [(row["engine"], row["episodes"]) for row in rows] == [("official", 100)]
    assert jobs[0].record.config.training.num_threads == 1
    attempts = (sweep.attempts / "00001.jsonl").read_text()
    assert [json.loads(line).get("how") for line in attempts.splitlines()] == [None, "finished"]
    done(SweepFolder.open(sweep.path))
    assert read_rows(jobs[0].cell.run.judgements) == rows
    assert (sweep.attempts / "00001.jsonl").read_text() == attempts
    assert not (sweep.path / ".lock").exists()
    jobs[0].cell.run.judgements.unlink()  # as if it had been stopped before its confirmation
    again = done(SweepFolder.open(sweep.path))
    assert again[0].done
    assert len(read_rows(jobs[0].cell.run.judgements)) == 1


def test_several_cells_are_done_side_by_side_the_most_expensive_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep, order = tiny_sweep(tmp_path / "s", ["seed=1..3"]), []
    jobs = jobs_of(sweep)
    for job, seconds in zip(jobs, (1.0, 3.0, 2.0), strict=True):
        job.seconds = seconds
    start = LocalEngine.start

    def noted(engine: LocalEngine, sweep: SweepFolder, job: Job) -> CellWorker:
        order.append(job.cell.number)
        return start(engine, sweep, job)

    monkeypatch.setattr(LocalEngine, "start", noted)
    assert run_sweep(sweep, jobs, LocalEngine(at_once=2)) is None
    assert order == [2, 3, 1]
    assert all(job.done for job in jobs)


def test_cells_that_have_no_memory_beside_each_other_wait(tmp_path: Path) -> None:
    one, other = jobs_of(tiny_sweep(tmp_path / "s"))
    one.bytes = other.bytes = 70.0
    assert LocalEngine(free=10.0).has_room(one, [])  # alone it may try, and says itself what it lacks
    assert not LocalEngine(free=100.0).has_room(one, [other])
    assert LocalEngine(free=150.0).has_room(one, [other])
    assert LocalEngine(free=None).has_room(one, [other])


class PretendedProcess:
    """A unit that works until it is told to end, and the card that it sees."""

    def __init__(self, *_: object, variables: dict[str, str], **__: object) -> None:
        self.card, self.code = variables[local.VISIBLE_CARDS], None

    def poll(self) -> int | None:
        return self.code


def test_cells_are_spread_over_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(local.VISIBLE_CARDS, "3,5,7")
    monkeypatch.setattr(local, "ChildProcess", PretendedProcess)
    sweep = tiny_sweep(tmp_path / "s", ["seed=1..6"])
    sweep.logs.mkdir()
    engine = local_engine(None, 1, gpus=2, per_gpu=1)
    assert engine.cards == ("3", "5")
    assert engine.at_once <= 2
    workers: list[Any] = [engine.start(sweep, job) for job in jobs_of(sweep)[:4]]
    assert [worker.card for worker in workers] == ["3", "5", "3", "5"]
    workers[1].code = workers[3].code = 0
    assert [engine.start(sweep, job).card for job in jobs_of(sweep)[4:]] == ["5", "5"]  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="--gpus 4 asks for cards .* sees 3 of them"):
        local_engine(None, 1, gpus=4)


def test_one_that_fails_is_set_aside_with_its_reason_and_does_not_stop_the_others(tmp_path: Path) -> None:
    ((name, good_one),) = read_request("smoke", SHORT).configurations()
    env = good_one.env.model_copy(update={"key": "probe-nothing"})
    both = [(name, good_one.model_copy(update={"env": env})), (name, good_one)]
    sweep = SweepFolder.create(tmp_path / "s", read_request("smoke"), both)
    for _ in range(2):
        die(sweep, sweep.cells[0])
    bad, good = done(sweep)
    assert bad.failed.startswith("Unknown probe 'probe-nothing'")
    assert (bad.history.standing, bad.history.attempts, bad.history.deaths) == ("set aside", 3, 3)
    assert good.done


class Dies:
    """A unit that is killed, or refuses, before it comes to an attempt."""

    def __init__(self, code: int) -> None:
        self._code = code

    def poll(self) -> int:
        return self._code

    def interrupt(self) -> None: ...

    def end(self, patience: float = 0.0) -> int:
        return self._code


@pytest.mark.parametrize(("code", "starts"), [(-signal.SIGKILL, 3), (local.REFUSED, 1)])
def test_one_that_never_comes_to_its_work_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, starts: int
) -> None:
    sweep, started_cells = tiny_sweep(tmp_path / "s", ["seed=1"]), []
    monkeypatch.setattr(local, "POLL_SECONDS", 0.0)

    def start(engine: LocalEngine, sweep: SweepFolder, job: Job) -> CellWorker:
        started_cells.append(job.cell.number)
        return Dies(code)

    monkeypatch.setattr(LocalEngine, "start", start)
    (job,) = done(sweep)
    assert len(started_cells) == starts
    assert job.failed == f"exit code {code}"
    assert job.history.standing == "waiting"


def test_a_full_disk_stops_the_sweep_and_sets_nothing_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = tiny_sweep(tmp_path / "s", ["seed=1"])
    monkeypatch.setattr("lockstep.sweeps.folder.LEAST_ROOM", 2**70)
    with pytest.raises(UserError, match="nothing is begun below .* Make room, and `lockstep sweep"):
        run_sweep(sweep, jobs_of(sweep), LocalEngine())
    assert sweep.history(sweep.cells[0]).standing == "waiting"


def test_a_folder_in_which_another_process_works_is_left_alone(tmp_path: Path) -> None:
    sweep = tiny_sweep(tmp_path / "s", ["seed=1"])
    run = begun(sweep.cells[0])
    hold = (
        "import sys; from pathlib import Path; from lockstep.runs.directory import RunDirectory\n"
        "with RunDirectory(Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    for folder in (run.path, sweep.path):
        with subprocess.Popen([sys.executable, "-c", hold, str(folder)], stdin=pipe, stdout=pipe) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            said = rf"Process {other.pid} is already .* in {folder}\. Wait for it"
            if folder == run.path:
                (job,) = done(sweep)
                assert job.failed.startswith(f"Process {other.pid} is already training in {folder}")
                with pytest.raises(UserError, match=said):
                    run.remove()
            else:
                with pytest.raises(UserError, match=said):
                    run_sweep(sweep, jobs_of(sweep), LocalEngine())
            other.communicate()
        sweep.revive(sweep.cells[0])
    assert run.config.is_file()
    run.remove()
    assert not run.path.exists()


SCRIPT = (
    "import sys; from pathlib import Path; from lockstep.sweeps.folder import SweepFolder; "
    "from lockstep.sweeps.local import LocalEngine, jobs_of, run_sweep; sweep = SweepFolder.open(Path(sys.argv[1])); "
    "sys.exit(run_sweep(sweep, jobs_of(sweep), LocalEngine()) or 0)"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_what_was_interrupted_goes_on_where_it_stopped_and_nothing_is_left_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    sweep = official_sweep(tmp_path / "s", 40_000)
    run = sweep.cells[0].run
    with subprocess.Popen([sys.executable, "-c", SCRIPT, str(sweep.path)]) as parent:
        wait_for(lambda: parent.poll() is not None or any(run.checkpoints.glob("[0-9]*/manifest.json")))
        children = family(parent.pid)
        assert children
        parent.send_signal(number)
        assert parent.wait(200) == (-number if number == signal.SIGKILL else number)
    wait_for(lambda: not any(lives(pid) for pid in children), seconds=20)
    (again,) = jobs_of(sweep)
    assert again.record.standing in ("died" if number == signal.SIGKILL else "interrupted", "finished", "solved")
    assert again.history.deaths == (number == signal.SIGKILL and not again.done)
    assert run_sweep(sweep, [again], LocalEngine()) is None
    assert again.failed == ""
    assert again.done
    steps = [row["env_steps"] for row in read_rows(again.cell.run.evaluations)]
    assert steps == sorted(set(steps))
    assert steps[-1] >= 40_000


def test_a_killed_training_takes_its_helpers_and_worlds_along(tmp_path: Path) -> None:
    words = ["env.key=tests.envs.foreign.games:Unequal", "env.arguments={}", "env.workers=2", "env.remember_onset=[]"]
    words += ["env.time_limit=None", "batch_size=32", "num_threads=2", "segment_steps=0", "t_max=1000000"]
    run, names = RunDirectory(tmp_path / "run"), set(Path("/dev/shm").iterdir())
    with started([*WORDS, "warmup_env_steps=0", *words], run.path) as parent:
        wait_for(lambda: parent.poll() is not None or any("loss" in row for row in read_rows(run.metrics)))
        children = family(parent.pid)
        assert len(children) >= 3  # two play, one helps
        parent.kill()
        parent.wait()
    wait_for(lambda: not any(lives(pid) for pid in children), seconds=20)
    wait_for(lambda: set(Path("/dev/shm").iterdir()) <= names)  # what has no name ends with those who hold it


def family(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(grandchild for child in children for grandchild in family(child))]
