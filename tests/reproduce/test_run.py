"""Real trainings of tiny configurations: interrupted, killed, resumed, and never done twice."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.config.load import load_config
from lockstep.reproduce.plan import Job
from lockstep.reproduce.run import command, is_done, run_all, standing
from lockstep.run_directory import RunDirectory, read_rows
from lockstep.runs.record import RunRecord

WORDS = ["t_max=8000", "test_interval=2000", "test_nepisode=20", "save_model_interval=2000", "log_interval=1000"]


def jobs(out: Path, *words: str) -> list[Job]:
    config = load_config("smoke", ["warmup_env_steps=0", "batch_size=8", *WORDS, *words])
    return [Job("tiny", 1, config, RunDirectory(out / "runs" / "tiny-s1"))]


def test_a_job_is_trained_and_judged_once(tmp_path: Path) -> None:
    shares = []
    progress, interrupted_by = run_all(
        standing(jobs(tmp_path)), tmp_path, 1, 1, lambda progress: shares.append(progress.works[0].share)
    )
    (work,) = progress.works
    assert (interrupted_by, work.failed, work.share) == (None, "", 1.0)
    assert shares == sorted(shares)
    rows = read_rows(work.job.run.judgements)
    assert [(row["engine"], row["episodes"]) for row in rows] == [("official", 100)]
    run_all(standing(jobs(tmp_path)), tmp_path, 1, 1, lambda progress: None)
    assert read_rows(work.job.run.judgements) == rows


def test_what_is_on_disk_decides_how_to_go_on(tmp_path: Path) -> None:
    (job,) = jobs(tmp_path)
    config = tmp_path / "tiny.toml"
    assert command(job, config, 2)[3:] == [
        *("lockstep", "train", str(config), "seed=1", "training.num_threads=2", "--quiet", "--out", str(job.run.path))
    ]
    RunDirectory.create(job.run.path, "tiny", 1, "")
    assert command(job, config, 2)[4] == "train"
    checkpoint = job.run.checkpoints / "000000002000"
    checkpoint.mkdir(parents=True)
    (checkpoint / "manifest.json").touch()
    assert command(job, config, 2)[4:] == ["resume", str(job.run.path), "--quiet"]
    job.run.set_status("finished")
    assert command(job, config, 2)[4] == "evaluate"
    assert not is_done(job)


def test_a_failed_job_says_why_and_does_not_stop_the_others(tmp_path: Path) -> None:
    good = jobs(tmp_path)[0]
    env = good.config.env.model_copy(update={"key": "rware-tiny-2ag-v9"})
    bad = replace(
        good,
        name="bad",
        config=good.config.model_copy(update={"env": env}),
        run=RunDirectory(tmp_path / "runs" / "bad-s1"),
    )
    progress, interrupted_by = run_all(standing([bad, good]), tmp_path, 1, 1, lambda progress: None)
    assert interrupted_by is None
    assert "rware-tiny-2ag-v9" in progress.works[0].failed
    assert progress.works[1].done


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_reproduction_goes_on_where_it_stopped(tmp_path: Path, number: signal.Signals) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.reproduce.test_run import jobs; "
        "from lockstep.reproduce.run import run_all, standing; out = Path(sys.argv[1]); "
        "sys.exit(run_all(standing(jobs(out, 't_max=40000')), out, 1, 1, lambda progress: None)[1] or 0)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    (job,) = jobs(tmp_path, "t_max=40000")
    deadline = time.monotonic() + 200
    while not any(job.run.checkpoints.glob("[0-9]*/manifest.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(number)
    assert process.wait(200) == (-number if number == signal.SIGKILL else number)
    lock = job.run.lock
    if number == signal.SIGKILL:  # the training itself lives on; it is killed too, as a power cut would
        os.kill(json.loads(lock.read_text())["pid"], signal.SIGKILL)
    else:
        assert RunRecord.open(job.run.path).standing in ("interrupted", "finished")
    progress, _ = run_all(standing([job]), tmp_path, 1, 1, lambda progress: None)
    assert progress.works[0].failed == ""
    assert is_done(job)
    steps = [row["env_steps"] for row in read_rows(job.run.evaluations)]
    assert steps == sorted(set(steps))
    assert steps[-1] >= 40_000
