"""`lockstep sweep` as a person uses it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lockstep
from lockstep.cli import main
from lockstep.sweeps.folder import SweepFolder
from tests.cli.test_cli import refused
from tests.sweeps.sweeps import SHORT, die, tiny_sweep
from tests.training.faults import TINY, wait_for


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_unit_trains_says_that_it_has_and_does_nothing_twice(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "smoke", *SHORT, "seed=1..2", "--estimate"]) == 0
    said = capsys.readouterr().out
    assert "smoke, qmix, probe-coin" in said
    assert "in all, one after the other" in said
    only = ["sweep", "sweeps/smoke-1", "--only", "2"]
    assert main([*only, "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    rows = sorted((here / "sweeps/smoke-1/attempts").iterdir())[0].read_text()
    assert main(only) == 0
    assert "is finished already: 160 env steps" in capsys.readouterr().out
    assert sorted((here / "sweeps/smoke-1/attempts").iterdir())[0].read_text() == rows
    assert main(["sweep", "sweeps/smoke-1", "--status", "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert [(cell["cell"], cell["standing"], cell["attempts"]) for cell in cells] == [
        *((1, "waiting", 0), (2, "finished", 1))
    ]
    assert main(["sweep", "sweeps/smoke-1", "--status"]) == 0
    assert "1 of 2 finished · 1 waiting" in capsys.readouterr().out
    assert main(["sweep", "smoke", *SHORT, "seed=1..2", "--out", "sweeps/smoke-1", "--estimate"]) == 0
    assert [path.name for path in (here / "sweeps").iterdir()] == ["smoke-1"]  # the same sweep, not another one


def test_what_is_left_is_done_and_the_exit_code_says_what_came_of_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tiny_sweep(here / "s")
    assert main(["sweep", "s", "--set-aside", "2"]) == 0
    assert main(["sweep", "s"]) == 1
    said = capsys.readouterr().out
    assert "1 of 2 cells are finished" in said
    assert "cell 2 is set aside: by hand\n    lockstep sweep s --revive 2" in said
    assert refused(["sweep", "s", "--only", "2"], capsys).startswith("lockstep: Cell 2 of s was set aside: by hand. `")
    assert main(["sweep", "s", "--revive", "2"]) == 0
    capsys.readouterr()
    assert main(["sweep", "s", "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert [cell["standing"] for cell in cells] == ["finished", "finished"]
    assert sweep.history(sweep.cells[1]).attempts == 1


def test_a_cell_that_died_three_times_is_named_with_its_reason(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = tiny_sweep(here / "s", ["seed=1"])
    for _ in range(3):
        die(sweep, sweep.cells[0], "the loss is no number")
    assert main(["sweep", "s"]) == 1
    assert "cell 1 is set aside: the loss is no number" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["smoke", "sed=1..5"], "There is no setting 'sed'. Did you mean 'seed'"),
        (["smok", "seed=1..5"], "Did you mean 'smoke'"),
        (["smoke", "env.key=rware-tini-2ag-v2"], "rware-tiny-2ag-v2"),
        (["smoke", "seed=1..10000000"], "10,000,000 cells"),
        (["smoke", "seed=5..1"], "is empty"),
        (["smoke", "--on", "moon"], "--on moon is unknown; it must be local, slurm or ray"),
        (["smoke", "--gpus", "-1"], "--gpus -1 must be at least 0"),
        (["smoke", "--per-gpu", "0"], "--per-gpu 0 must be at least 1"),
        (["smoke", "--at-once", "0"], "--at-once 0 must be at least 1"),
        (["smoke", "--threads", "0"], "--threads 0 must be from 1"),
        (["smoke", "--status"], "want the folder of a sweep, and 'smoke' is none"),
        (["s", "--only", "3"], "has the cells 1 to 2, and no cell 3"),
        (["s", "--only", "0"], "no cell 0"),
        (["s", "--set-aside", "9"], "no cell 9"),
        (["s", "seed=1"], "is a sweep that is planned already"),
        (["smoke", "seed=1", "--out", "s"], "goes on with the sweep in it"),
        (["half", "--status"], "is half a plan"),
    ],
)
def test_bad_input_is_a_sentence_and_leaves_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    tiny_sweep(here / "s")
    (here / "half").mkdir()
    (here / "half" / "plan.jsonl").write_text("{}")
    before = sorted(str(path) for path in here.rglob("*"))
    assert sentence in refused(["sweep", *words], capsys)
    assert sorted(str(path) for path in here.rglob("*")) == before


@pytest.mark.timeout(200)
def test_a_signal_saves_every_cell_and_says_how_to_go_on(here: Path) -> None:
    """A coordinator twice in one folder is refused on the way."""
    words = [*(word for word in TINY if "test_interval" not in word), "test_interval=1_000_000"]
    words += ["t_max=100_000_000", "seed=1..2"]
    command = [sys.executable, "-m", "lockstep", "sweep"]
    environment = {**os.environ, "COLUMNS": "100"}
    first = [*command, "smoke", *words, "--out", "s", "--at-once", "2"]
    with subprocess.Popen(first, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            wait_for(lambda: process.poll() is not None or len(list(here.glob("s/runs/*/metrics.jsonl"))) == 2)
            second = subprocess.run([*command, "s"], capture_output=True, text=True, check=False, timeout=100)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=100)
        finally:
            process.kill()
    assert process.returncode == 130
    assert second.returncode == 2
    assert f"Process {process.pid} is already" in second.stderr
    assert "Interrupted and saved, with 0 of 2 cells finished." in out
    assert "lockstep sweep s     continues exactly here" in out
    sweep = SweepFolder.open(Path("s"))
    assert all(cell.checkpoint > 0 for cell in sweep.cells)
    assert [sweep.history(cell).standing for cell in sweep.cells] == ["unfinished"] * 2
    assert [sweep.history(cell).deaths for cell in sweep.cells] == [0, 0]


def test_a_sweep_is_made_from_python(here: Path) -> None:
    made = lockstep.sweep("smoke", *SHORT, "seed=7", out="s")
    assert made.standings == {1: "finished"}
    assert [run.config.seed for run in made.runs] == [7]
    assert lockstep.sweep("smoke", *SHORT, "seed=7", out="s").path == lockstep.Sweep("s").path
