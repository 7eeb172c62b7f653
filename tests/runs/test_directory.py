"""The run directory: found by any name a person would type, safe against a second process, readable when torn."""

import json
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier

import pytest

from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, list_runs, read_rows, write_atomically


def made(root: Path, name: str, age: int = 0) -> RunDirectory:
    run = RunDirectory.create(root / name, "test", 1, "seed = 1\n")
    os.utime(run.config, ns=(10**18 - age, 10**18 - age))
    return run


def test_trainings_that_start_in_one_second_never_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start = Barrier(8)

    def begin(number: int) -> Path:
        start.wait()
        return RunDirectory.create(None, "test", 1, f"seed = {number}\n").path

    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(begin, range(8)))
    assert len(set(paths)) == 8
    assert [(path / "config.toml").read_text() for path in paths] == [f"seed = {number}\n" for number in range(8)]


def test_one_folder_given_to_several_goes_to_one_of_them(tmp_path: Path) -> None:
    start = Barrier(8)

    def begin(number: int) -> bool:
        start.wait()
        with suppress(UserError):
            RunDirectory.create(tmp_path / "run", "test", 1, f"seed = {number}\n")
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, range(8))) == 1


def test_a_new_run_says_where_it_comes_from(tmp_path: Path) -> None:
    info = made(tmp_path, "a").read_info()
    assert info["schema_version"] == 1
    assert info["status"] == "running"
    assert set(info["versions"]) >= {"python", "torch", "numpy", "lockstep-marl"}


def test_runs_are_found_by_path_prefix_and_latest(tmp_path: Path) -> None:
    older, newer = made(tmp_path, "solve-s1", age=10), made(tmp_path, "smoke-s1")
    assert RunDirectory.find(str(older.path), tmp_path).path == older.path
    assert RunDirectory.find("solve", tmp_path).path == older.path
    assert RunDirectory.find("latest", tmp_path).path == newer.path
    assert [run.path.name for run in list_runs(tmp_path)] == ["solve-s1", "smoke-s1"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("s", "beginning of 2 runs: s"), ("x", "neither a folder nor the beginning"), (".", "has no config.toml")],
)
def test_a_name_that_fits_no_or_many_runs_is_explained(text: str, sentence: str, tmp_path: Path) -> None:
    made(tmp_path, "solve-s1")
    made(tmp_path, "smoke-s1")
    with pytest.raises(UserError, match=sentence):
        RunDirectory.find(text, tmp_path)


def test_latest_of_nothing_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lockstep train smoke"):
        RunDirectory.find("latest", tmp_path)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="is not empty. Choose another --out"):
        RunDirectory.create(tmp_path, "test", 1, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.tex"]


def test_a_file_in_the_way_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is not empty|cannot be written"):
        RunDirectory.create(tmp_path / "file", "test", 1, "")
    with pytest.raises(UserError, match="cannot be written"):
        RunDirectory.create(tmp_path / "file" / "below", "test", 1, "")


def test_rows_survive_a_torn_last_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"env_steps": 1}\n{"env_steps": 2}\n{"env_st')
    assert read_rows(path) == [{"env_steps": 1}, {"env_steps": 2}]
    assert read_rows(tmp_path / "missing") == []


def test_a_resumed_run_forgets_what_it_will_write_again(tmp_path: Path) -> None:
    run = made(tmp_path, "a")
    run.metrics.write_text("".join(json.dumps({"env_steps": n}) + "\n" for n in (10, 20, 30)) + '{"env')
    run.truncate_rows_after(20)
    assert run.metrics.read_text() == '{"env_steps": 10}\n{"env_steps": 20}\n'


def test_a_second_process_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    run = made(tmp_path, "a")
    script = (
        "import sys; from pathlib import Path; from lockstep.runs.directory import RunDirectory\n"
        "with RunDirectory(Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=f"Process {other.pid} is already training"), run.locked():
            pass
        other.kill()
    with run.locked():  # the dead process's lock is no obstacle
        pass
    assert not run.lock.exists()


def test_a_dead_process_whose_number_lives_on_holds_nothing(tmp_path: Path) -> None:
    run = made(tmp_path, "a")
    run.lock.write_text(json.dumps({"pid": os.getppid(), "host": platform.node()}))
    with run.locked():
        assert json.loads(run.lock.read_text())["pid"] == os.getpid()


def test_of_many_that_begin_at_once_one_holds_the_run(tmp_path: Path) -> None:
    run = made(tmp_path, "a")
    run.lock.write_text(json.dumps({"pid": 2**22 + 1, "host": platform.node()}))  # left behind by a dead process
    script = (
        "import sys; from pathlib import Path; from lockstep.runs.directory import RunDirectory\n"
        "sys.stdin.readline()\n"
        "with RunDirectory(Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", script, str(run.path)]
    pipe = subprocess.PIPE
    others = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(4)]
    for other in others:
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
    refused = [other for other in others if _ended_or_holds(other) == ""]
    assert len(refused) == 3
    for other in others:
        _, err = other.communicate("\n")
        assert ("is already training in" in err) == (other in refused)


def _ended_or_holds(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("name", [".lock", "metrics.jsonl", "checkpoints/replay", ".run.json.writing"])
@pytest.mark.parametrize("there", [True, False])
def test_a_link_out_of_a_strangers_run_is_not_written_through(name: str, there: bool, tmp_path: Path) -> None:
    run, precious = made(tmp_path, "a"), tmp_path / "precious"
    if there:
        precious.write_text("precious")
    (run.path / name).parent.mkdir(exist_ok=True)
    (run.path / name).symlink_to(precious)
    with pytest.raises(UserError, match="leads out of the run directory"), run.locked():
        pass
    assert precious.exists() == there
    assert not there or precious.read_text() == "precious"


def test_links_inside_a_run_and_to_it_are_its_owners_business(tmp_path: Path) -> None:
    run = made(tmp_path, "a")
    (run.path / "copy.toml").symlink_to("config.toml")
    (tmp_path / "elsewhere").symlink_to(run.path)
    with RunDirectory(tmp_path / "elsewhere").locked():
        pass


def test_a_judgement_is_not_written_through_a_link(tmp_path: Path) -> None:
    run, precious = made(tmp_path, "a"), tmp_path / "precious"
    run.judgements.symlink_to(precious)
    with pytest.raises(OSError, match="it is a link"):
        run.add_judgement({})
    assert not precious.exists()


def test_an_atomic_write_leaves_no_trace_of_itself(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", "old")
    write_atomically(tmp_path / "a", "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]


def test_only_who_holds_the_lock_that_is_there_writes_and_removes_it(tmp_path: Path) -> None:
    first = made(tmp_path, "a")
    with first.locked():
        shutil.rmtree(first.path)
        second = made(tmp_path, "a")
        with second.locked():
            with second.writing("a row"):
                pass
            with pytest.raises(UserError, match="deleted and made anew"), first.writing("a row"):
                raise AssertionError("it was let through")
            holder = second.lock.read_bytes()
            with pytest.raises(UserError, match="already training"), RunDirectory(second.path).locked():
                pass
        second.lock.write_bytes(holder)
    assert second.lock.exists()  # the first left, and it was not its own
