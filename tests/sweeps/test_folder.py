"""The folder is the truth: what is planned, what stands in it, and how a cell stands."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep import trust
from lockstep.config.load import load_config
from lockstep.errors import UserError
from lockstep.sweeps.folder import Cell, SweepFolder, cell_folder
from tests.sweeps.sweeps import begun, checkpointed, die, tiny_sweep
from tests.training.faults import NOT_PLAIN, put, small_disk


def test_a_plan_is_found_again_whole(tmp_path: Path) -> None:
    sweep = tiny_sweep(tmp_path / "s", ["seed=1..3", "algorithm=qmix,vdn"])
    again = SweepFolder.open(tmp_path / "s")
    assert [cell.row() for cell in again.cells] == [cell.row() for cell in sweep.cells]
    assert [cell.config for cell in again.cells] == [cell.config for cell in sweep.cells]
    assert [cell.number for cell in again.cells] == [1, 2, 3, 4, 5, 6]
    assert again.cells[3].config.algorithm.name == "vdn"
    assert again.cells[3].run.path.parent == tmp_path / "s" / "runs"
    assert {path.name for path in (tmp_path / "s").iterdir()} == {"sweep.toml", "plan.jsonl"}
    assert SweepFolder.is_sweep(tmp_path / "s")
    assert not SweepFolder.is_sweep(tmp_path)


def test_a_cell_is_named_by_its_configuration_and_by_nothing_else() -> None:
    name = cell_folder(load_config("smoke", ["seed=3"]))
    assert name.startswith("qmix-rware-tiny-2ag-v2-s3-")
    assert cell_folder(load_config("smoke", ["lr=2e-3", "seed=3"])) == name  # as it is anyway
    others = [["seed=4"], ["seed=3", "lr=1e-3"], ["seed=3", "algorithm=vdn"], ["seed=3", "env.key=rware-tiny-4ag-v2"]]
    assert len({name, *(cell_folder(load_config("smoke", words)) for words in others)}) == 5
    strange = load_config("smoke", ["env.key=../my module:fn/ü", "env.arguments={}"])
    assert "/" not in cell_folder(strange)
    assert cell_folder(strange).isascii()


def test_sweeps_without_a_folder_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from lockstep.sweeps.request import read_request

    request = read_request("smoke")
    made = [SweepFolder.create(None, request, request.configurations()).path for _ in range(2)]
    assert made == [Path("sweeps/smoke-1"), Path("sweeps/smoke-2")]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    tiny_sweep(tmp_path / "s")
    with pytest.raises(UserError, match="goes on with the sweep in it"):
        tiny_sweep(tmp_path / "s")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").touch()
    with pytest.raises(UserError, match="is not empty. Choose another --out"):
        tiny_sweep(tmp_path / "thesis")


def test_a_full_disk_is_a_sentence_and_leaves_half_a_plan_that_says_so(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        with pytest.raises(UserError, match="cannot be written \\(the disk is full\\)"):
            tiny_sweep(disk / "s", ["seed=1..100"])
        with pytest.raises(UserError, match="no sweep"):
            SweepFolder.open(disk / "s")


def test_half_a_plan_another_plan_and_another_version_are_a_sentence_each(tmp_path: Path) -> None:
    sweep = tiny_sweep(tmp_path / "s")
    whole, asked = sweep.plan.read_bytes(), sweep.file.read_text()
    for changed in (whole[:-40], whole + whole, b""):
        sweep.plan.write_bytes(changed)
        with pytest.raises(UserError, match="was changed or cut off. Nothing was touched"):
            SweepFolder.open(sweep.path)
    sweep.plan.write_bytes(whole)
    sweep.file.write_text(asked.replace("schema_version = 1", "schema_version = 7"))
    with pytest.raises(UserError, match="sweep of version 7, and this Lockstep reads version 1"):
        SweepFolder.open(sweep.path)
    sweep.file.unlink()
    assert SweepFolder.is_sweep(sweep.path)
    with pytest.raises(UserError, match="is half a plan: .* nothing has been trained"):
        SweepFolder.open(sweep.path)
    sweep.file.write_text('base = "smoke"\n')
    with pytest.raises(UserError, match="nothing has been planned here"):
        SweepFolder.open(sweep.path)


@pytest.mark.parametrize(
    "row",
    [
        {"run": "../elsewhere"},
        {"run": "/etc"},
        {"run": ".hidden"},
        {"run": 3},
        {"cell": 2},
        {"config": {"seed": -1}},
        {"config": {"env": {"key": 3}}},
        {"config": []},
    ],
)
def test_a_strangers_plan_leads_nowhere(tmp_path: Path, row: dict[str, object]) -> None:
    sweep = tiny_sweep(tmp_path / "s", ["seed=1"])
    sweep.plan.write_text(json.dumps({**json.loads(sweep.plan.read_text()), **row}) + "\n")
    with pytest.raises(UserError):
        _ = SweepFolder(tmp_path / "s").cells


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_every_file_of_a_sweep_may_be_anything(kind: str, tmp_path: Path) -> None:
    sweep = tiny_sweep(tmp_path / "s", ["seed=1"])
    (sweep.attempts).mkdir()
    put(kind, sweep.attempts / "00001.jsonl", tmp_path)
    put(kind, sweep.attempts / "00001.lock", tmp_path)
    cell = sweep.cells[0]
    assert sweep.history(cell).standing in ("waiting", "running")
    if kind != "8 GB":
        with pytest.raises(UserError), sweep.attempt(cell, "test"):
            pass
    for name in ("plan.jsonl", "sweep.toml"):
        put(kind, sweep.path / name, tmp_path)
        with pytest.raises(UserError):
            SweepFolder.open(sweep.path)


def test_links_out_of_a_strangers_sweep_are_not_written_through(tmp_path: Path) -> None:
    sweep = tiny_sweep(tmp_path / "s", ["seed=1"])
    (tmp_path / "precious").mkdir()
    sweep.attempts.symlink_to(tmp_path / "precious")
    with pytest.raises(UserError, match="is a link, so nothing is written here"), sweep.attempt(sweep.cells[0], "test"):
        pass
    assert list((tmp_path / "precious").iterdir()) == []


def test_what_a_plan_names_is_asked_about(tmp_path: Path) -> None:
    sweep = tiny_sweep(tmp_path / "s", ["seed=1"])
    row = json.loads(sweep.plan.read_text())
    row["config"]["env"]["key"] = "their_module:world"
    sweep.plan.write_text(json.dumps(row) + "\n")
    assert SweepFolder(sweep.path).cells[0].config.env.key == "their_module:world"
    code = trust.Code("their_module:world", {}, "their_module")
    with pytest.raises(UserError, match="code that somebody else chose"):
        trust.check(code)
    trust.allow(sweep.path)
    trust.check(code)


def test_a_number_that_no_cell_has_is_a_sentence(tmp_path: Path) -> None:
    sweep = tiny_sweep(tmp_path / "s")
    for number in (0, 3, -1):
        with pytest.raises(UserError, match=f"has the cells 1 to 2, and no cell {number}"):
            sweep.cell(number)


# How cells stand.


def first(tmp_path: Path) -> tuple[SweepFolder, Cell]:
    sweep = tiny_sweep(tmp_path / "s", ["seed=1"])
    return sweep, sweep.cells[0]


def test_a_cell_stands_as_its_run_does(tmp_path: Path) -> None:
    sweep, cell = first(tmp_path)
    assert sweep.history(cell).standing == "waiting"
    run = begun(cell)
    assert sweep.history(cell).standing == "unfinished"
    with sweep.attempt(cell, "test"):
        pass
    assert sweep.history(cell).standing == "unfinished"
    run.set_status("solved")
    assert sweep.history(cell).standing == "finished"


def test_one_that_another_process_works_at_is_running(tmp_path: Path) -> None:
    sweep, cell = first(tmp_path)
    hold = (
        "import sys; from pathlib import Path; from lockstep.sweeps.folder import SweepFolder\n"
        "sweep = SweepFolder(Path(sys.argv[1]))\n"
        "with sweep.attempt(sweep.cells[0], 'test'): print('held', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", hold, str(sweep.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert sweep.history(cell).standing == "running"
        said = f"Process {other.pid} is already working at cell 1"
        with pytest.raises(UserError, match=said), sweep.attempt(cell, "test"):
            pass
        other.kill()
    assert (sweep.history(cell).standing, sweep.history(cell).deaths) == ("waiting", 1)
    assert "it was killed on" in sweep.history(cell).reason


@pytest.mark.parametrize("reason", ["it broke", None])
def test_three_deaths_without_a_newer_checkpoint_set_a_cell_aside(tmp_path: Path, reason: str | None) -> None:
    sweep, cell = first(tmp_path)
    begun(cell)
    for deaths in (1, 2, 3):
        die(sweep, cell, reason)
        history = sweep.history(cell)
        assert (history.deaths, history.standing) == (deaths, "set aside" if deaths == 3 else "unfinished")
    assert history.reason == ("it broke" if reason else "it was killed on vm, and left no word")
    sweep.revive(cell)
    assert (sweep.history(cell).deaths, sweep.history(cell).standing) == (0, "unfinished")


def test_whoever_makes_progress_is_tried_for_ever(tmp_path: Path) -> None:
    sweep, cell = first(tmp_path)
    begun(cell)
    for attempt in range(5):
        sweep.attempts.mkdir(exist_ok=True)
        sweep.note(cell, began="now", host="vm", env_steps=cell.checkpoint)
        checkpointed(cell, 100 * (attempt + 1))
        assert (sweep.history(cell).deaths, sweep.history(cell).standing) == (1, "unfinished")
    assert sweep.history(cell).attempts == 5


def test_to_be_interrupted_is_no_death(tmp_path: Path) -> None:
    sweep, cell = first(tmp_path)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt), sweep.attempt(cell, "test"):
            raise KeyboardInterrupt
    assert (sweep.history(cell).deaths, sweep.history(cell).standing) == (0, "waiting")


def test_a_cell_is_set_aside_by_hand_and_taken_back(tmp_path: Path) -> None:
    sweep, cell = first(tmp_path)
    sweep.set_aside(cell)
    assert (sweep.history(cell).standing, sweep.history(cell).reason) == ("set aside", "by hand")
    sweep.revive(cell)
    assert sweep.history(cell).standing == "waiting"


def test_torn_and_odd_lines_of_attempts_are_passed_over(tmp_path: Path) -> None:
    sweep, cell = first(tmp_path)
    sweep.attempts.mkdir()
    (sweep.attempts / "00001.jsonl").write_text(
        '{"began": 1, "env_steps": "many"}\n{"ended": 3}\n[]\n{"began"\n{"began": "x", "env_steps": null}\n{"beg'
    )
    assert sweep.history(cell).standing == "waiting"
