"""The scripts for a cluster, and a queue that only says that it is one."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.errors import UserError
from lockstep.sweeps import slurm
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.slurm import Resources, queued_cells, script_text, submit
from tests.cli.test_cli import refused
from tests.sweeps.sweeps import begun, die, tiny_sweep

SBATCH = """#!/bin/sh
number=$(($(wc -l < "$QUEUE/sent") + 100))
echo "$number $2" >> "$QUEUE/sent"
test "$1" = --parsable && echo "$number"
"""
SQUEUE = """#!/bin/sh
echo "$@" >> "$QUEUE/asked"
cat "$QUEUE/queue"
"""


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with sbatch and squeue, which remember what they are told."""
    folder = tmp_path / "queue"
    (folder / "bin").mkdir(parents=True)
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE)):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    for name in ("sent", "queue"):
        (folder / name).touch()
    monkeypatch.setenv("QUEUE", str(folder))
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_a_script_says_what_it_asks_for_and_is_sound(tmp_path: Path) -> None:
    sweep = tiny_sweep(tmp_path / "my sweep", ["seed=1..3"])
    text = script_text(sweep, [1, 3], Resources(2, 4.5, "8G", 40, 1, "short", "robots"))
    for line in (
        "#SBATCH --job-name=lockstep-my-sweep",
        "#SBATCH --array=0-1%40",
        "#SBATCH --cpus-per-task=2",
        "#SBATCH --mem=8G",
        "#SBATCH --time=4:30:00",
        "#SBATCH --gpus=1",
        "#SBATCH --partition=short",
        "#SBATCH --account=robots",
        "#SBATCH --signal=B:TERM@60",
        "cells=(1 3)",
    ):
        assert f"{line}\n" in text
    assert f"sweep '{sweep.path}' --threads 2 --only" in text
    script = tmp_path / "script.sh"
    script.write_text(text)
    subprocess.run(["bash", "-n", str(script)], check=True)
    if shutil.which("shellcheck"):
        checked = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True, check=False)
        assert checked.stdout == ""


def test_a_task_does_its_cell_and_what_is_left_is_sent_again(queue: Path, tmp_path: Path) -> None:
    sweep = tiny_sweep(tmp_path / "s", ["seed=1..4"])
    begun(sweep.cells[0]).set_status("solved")
    (sent,) = submit(sweep, Resources())
    assert (sent.cells, sent.job) == ((2, 3, 4), "100")
    environment = {**os.environ, "SLURM_ARRAY_JOB_ID": "100", "SLURM_ARRAY_TASK_ID": "0"}
    subprocess.run(["bash", str(sent.script)], check=True, env=environment)
    history = (sweep.attempts / "00002.jsonl").read_text()
    assert json.loads(history.splitlines()[0])["by"] == "slurm 100_0"
    assert sweep.history(sweep.cells[1]).standing == "finished"
    (queue / "queue").write_text("100_2\n")  # the third task waits; the second was killed with its node
    assert queued_cells(sweep) == {4}
    (again,) = submit(sweep, Resources())
    assert (again.cells, again.job) == ((3,), "101")
    assert (queue / "asked").read_text().splitlines()[-1] == "--noheader --array --format=%i --jobs=100"
    (queue / "queue").write_text("100_2\n101_0\n77_1\n")
    assert submit(sweep, Resources()) == []
    assert len((queue / "sent").read_text().splitlines()) == 2


def test_more_cells_than_an_array_counts_to_are_several_arrays(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "MOST_TASKS", 2)
    sweep = tiny_sweep(tmp_path / "s", ["seed=1..5"])
    assert [one.cells for one in submit(sweep, Resources())] == [(1, 2), (3, 4), (5,)]
    assert [path.name for path in sorted((sweep.path / "slurm").glob("*.sh"))] == [
        *("array-001.sh", "array-002.sh", "array-003.sh")
    ]
    (queue / "queue").write_text("101_1\n")
    assert queued_cells(sweep) == {4}


def test_what_is_set_aside_is_not_sent(queue: Path, tmp_path: Path) -> None:
    sweep = tiny_sweep(tmp_path / "s")
    for _ in range(3):
        die(sweep, sweep.cells[0])
    assert [one.cells for one in submit(sweep, Resources())] == [(2,)]


def test_a_sweep_is_planned_and_sent_by_one_command(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "smoke", "seed=1..3", "--on", "slurm", "--hours", "2", "--out", "s"]) == 0
    said = capsys.readouterr().out
    assert "s/slurm/array-001.sh: 3 cells, job 100" in said
    assert "lockstep sweep s --on slurm     sends what is left" in said
    (queue / "queue").write_text("".join(f"100_{task}\n" for task in range(3)))
    assert main(["sweep", "s", "--on", "slurm"]) == 0
    assert "Nothing is left that is not in the queue already." in capsys.readouterr().out
    assert main(["sweep", "s", "--on", "slurm", "--write-only"]) == 0
    assert "array-002.sh: 3 cells, not sent" in capsys.readouterr().out
    assert [cell.run.path.exists() for cell in SweepFolder.open(Path("s")).cells] == [False] * 3


def test_where_there_is_no_slurm_and_where_it_refuses_is_a_sentence(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tiny_sweep(tmp_path / "s")
    (queue / "bin" / "sbatch").write_text("#!/bin/sh\necho 'Invalid partition name' >&2\nexit 1\n")
    with pytest.raises(UserError, match="sbatch refused: Invalid partition name"):
        submit(sweep, Resources())
    (queue / "bin" / "sbatch").write_text("#!/bin/sh\necho hello\n")
    with pytest.raises(UserError, match="sbatch answered 'hello'"):
        submit(sweep, Resources())
    (sweep.path / "slurm" / "jobs.jsonl").write_text('{"job": "7", "cells": [1]}\n{"job": "$(reboot)", "cells": []}\n')
    (queue / "bin" / "squeue").write_text(
        "#!/bin/sh\necho 'slurm_load_jobs error: Invalid job id specified' >&2\nexit 1\n"
    )
    assert queued_cells(sweep) == set()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "There is no squeue here" in refused(["sweep", str(sweep.path), "--on", "slurm"], capsys)
    for words, sentence in (
        (["--hours", "0"], "--hours 0 must be"),
        (["--memory", "much"], "no amount"),
        (["--cpus", "0"], "--cpus 0"),
    ):
        assert sentence in refused(["sweep", str(sweep.path), "--on", "slurm", *words], capsys)
