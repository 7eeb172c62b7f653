"""Real trainings of tiny configurations: interrupted, killed, resumed, never done twice, and none left behind."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.config.load import load_config
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.training.many import Training, command, refreshed, train_all
from tests.compute.test_child_process import lives
from tests.training.faults import training as started
from tests.training.faults import wait_for

WORDS = ["t_max=8000", "test_interval=2000", "test_nepisode=20", "save_model_interval=2000"]
WORDS += ["logging.every_env_steps=1000"]


def tiny(out: Path, *words: str) -> Training:
    config = load_config("smoke", ["warmup_env_steps=0", "batch_size=8", *WORDS, *words])
    return Training("tiny", config, RunDirectory(out / "runs" / "tiny-s1"), 1, 100)


def test_what_is_wanted_is_trained_and_judged_once(tmp_path: Path) -> None:
    training, shares = tiny(tmp_path), []
    assert train_all([training], tmp_path, threads=1, show=lambda all_: shares.append(all_[0].share)) is None
    assert (training.failed, training.share) == ("", 1.0)
    assert shares == sorted(shares)
    rows = read_rows(training.run.judgements)
    assert [(row["engine"], row["episodes"]) for row in rows] == [("official", 100)]
    train_all([tiny(tmp_path)], tmp_path)
    assert read_rows(training.run.judgements) == rows
    assert not (tmp_path / ".lock").exists()


def test_what_is_on_disk_decides_how_to_go_on(tmp_path: Path) -> None:
    training, config = tiny(tmp_path), tmp_path / "tiny.toml"
    run = training.run
    assert command(training, config, 2) == [
        *("train", str(config), "seed=1", "training.num_threads=2", "--quiet", "--out", str(run.path))
    ]
    RunDirectory.create(run.path, "tiny", 1, "")
    assert command(training, config, None) == ["train", str(config), "seed=1", "--quiet", "--out", str(run.path)]
    checkpoint = run.checkpoints / "000000002000"
    checkpoint.mkdir(parents=True)
    (checkpoint / "manifest.json").touch()
    assert command(training, config, 2) == ["resume", str(run.path), "--quiet"]
    run.set_status("finished")
    assert command(training, config, 2)[0] == "evaluate"
    assert not training.done
    training.episodes = 0
    assert training.done


def test_one_that_fails_says_why_and_does_not_stop_the_others(tmp_path: Path) -> None:
    good = tiny(tmp_path)
    env = good.config.env.model_copy(update={"key": "rware-tiny-2ag-v9"})
    config, run = good.config.model_copy(update={"env": env}), RunDirectory(tmp_path / "runs" / "bad-s1")
    bad = replace(good, name="bad", config=config, run=run)
    assert train_all([bad, good], tmp_path) is None
    assert bad.failed.startswith("'rware-tiny-2ag-v9' is no warehouse key")
    assert good.done


def test_a_folder_in_which_another_process_trains_is_left_alone(tmp_path: Path) -> None:
    training = tiny(tmp_path)
    run = RunDirectory.create(training.run.path, "tiny", 1, "")
    hold = (
        "import sys; from pathlib import Path; from lockstep.runs.directory import RunDirectory\n"
        "with RunDirectory(Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    for folder in (run.path, tmp_path):
        with subprocess.Popen([sys.executable, "-c", hold, str(folder)], stdin=pipe, stdout=pipe) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            said = rf"Process {other.pid} is already .* in {folder}\. Wait for it"
            if folder == run.path:
                train_all([training], tmp_path)
                assert training.failed.startswith(f"Process {other.pid} is already training in {folder}")
                with pytest.raises(UserError, match=said):
                    run.remove()
            else:
                with pytest.raises(UserError, match=said):
                    train_all([training], tmp_path)
            other.communicate()
    assert run.config.is_file()
    run.remove()
    assert not run.path.exists()


SCRIPT = (
    "import sys; from pathlib import Path; from tests.training.test_many import tiny; "
    "from lockstep.training.many import train_all; out = Path(sys.argv[1]); "
    "sys.exit(train_all([tiny(out, *sys.argv[2:])], out) or 0)"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_what_was_interrupted_goes_on_where_it_stopped_and_nothing_is_left_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    training = tiny(tmp_path, "t_max=40000")
    with subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path), "t_max=40000"]) as parent:
        wait_for(lambda: parent.poll() is not None or any(training.run.checkpoints.glob("[0-9]*/manifest.json")))
        children = family(parent.pid)
        assert children
        parent.send_signal(number)
        assert parent.wait(200) == (-number if number == signal.SIGKILL else number)
    wait_for(lambda: not any(lives(pid) for pid in children), seconds=20)
    (again,) = refreshed([tiny(tmp_path, "t_max=40000")])
    assert again.record.standing in ("died" if number == signal.SIGKILL else "interrupted", "finished", "solved")
    assert train_all([again], tmp_path) is None
    assert again.failed == ""
    assert again.done
    steps = [row["env_steps"] for row in read_rows(again.run.evaluations)]
    assert steps == sorted(set(steps))
    assert steps[-1] >= 40_000


def test_a_killed_training_takes_its_helpers_and_worlds_along(tmp_path: Path) -> None:
    words = ["env.key=tests.envs.foreign.games:Unequal", "env.arguments={}", "env.workers=2", "env.remember_onset=[]"]
    words += ["env.time_limit=None", "batch_size=32", "num_threads=2", "segment_steps=0", "t_max=1000000"]
    run, memory = RunDirectory(tmp_path / "run"), os.statvfs("/dev/shm").f_bfree
    with started([*WORDS, "warmup_env_steps=0", *words], run.path) as parent:
        wait_for(lambda: parent.poll() is not None or any("loss" in row for row in read_rows(run.metrics)))
        children = family(parent.pid)
        assert len(children) >= 3  # two play, one helps
        parent.kill()
        parent.wait()
    wait_for(lambda: not any(lives(pid) for pid in children), seconds=20)
    assert os.statvfs("/dev/shm").f_bfree >= memory


def family(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(grandchild for child in children for grandchild in family(child))]
