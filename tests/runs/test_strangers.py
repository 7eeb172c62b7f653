"""Whatever a stranger writes into the files of a run is shown as what it is: no command, formula, script or trap."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest

from lockstep.analysis.report.build import build_report, write_report
from lockstep.analysis.report.document import EmbeddedPage
from lockstep.analysis.report.html import POLICY, to_html
from lockstep.analysis.report.markdown import to_markdown
from lockstep.cli import main
from lockstep.compute import child_process
from lockstep.config.load import dump_toml, load_config
from lockstep.errors import UserError
from lockstep.reproduce.baselines import baselines
from lockstep.reproduce.plan import PLAN_FILE, Reproduction, new_plan, resumed_plan
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.reader import RunReader
from tests.runs.folders import evaluation, make_run
from tests.runs.written import written_run

ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e"
NAMES = [
    "=cmd|' /C calc'!A0",
    "[/red]",
    r"$\frac{$",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "```\n# x",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name_in_every_output(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record = written_run(tmp_path / "runs" / "run", [1.0, 2.0], name=name, reason=name, status=name)
    assert main(["runs"]) == 0
    assert main(["doctor", "latest"]) == 0
    assert main(["plot", "latest"]) == 0
    assert main(["export", "latest", "--out", "export"]) == 0
    with (tmp_path / "export" / "evaluations.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    document = build_report([record])
    assert "<script>alert" not in to_html(document)
    assert "javascript:" not in to_html(document).replace("[x](javascript:alert(1))", "")
    assert to_markdown(document, "files").splitlines()[0].startswith("# ")
    assert "# <script>" not in to_markdown(document, "files")
    assert "\n# x" not in to_markdown(document, "files").removeprefix("\n")


def test_no_text_of_a_run_commands_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    written_run(tmp_path / "runs" / "run", [1.0], name=ESCAPE, reason=ESCAPE, status=ESCAPE)
    for words in (["runs"], ["doctor", "latest"], ["watch", "latest", "--terminal"], ["evaluate", f"no{ESCAPE}"]):
        main(words)
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\u202e" not in said.out + said.err
    with pytest.raises(UserError, match="one line of printable characters"):
        load_config("smoke", [f"env.key=probe-{ESCAPE}"])


def test_a_column_of_a_strangers_is_no_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "run", [{"env_steps": 1, "=1+1": 2, "-x": 3}], [evaluation(1, 1.0)])
    assert main(["export", "run", "--out", "export"]) == 0
    header = (tmp_path / "export" / "metrics.csv").read_text().splitlines()[0]
    assert header == "run,name,seed,env_steps,'=1+1,'-x"


def test_a_strangers_command_is_not_offered_for_copying(tmp_path: Path) -> None:
    for number, command in enumerate((["rm", "-rf", "~"], "rm -rf ~", [["lockstep"]], [1])):
        record = written_run(tmp_path / str(number), [1.0], command=command)
        text = to_markdown(build_report([record]), "files")
        assert "rm -rf" not in text
        assert "lockstep train smoke --out" in text


def test_text_in_a_configuration_cannot_leave_its_block(tmp_path: Path) -> None:
    record = written_run(tmp_path / "run", [1.0], words=['env.arguments={"layout": "```\\n# out\\n```"}'])
    text = to_markdown(build_report([record]), "files")
    assert text.count("````toml\n") == 1


def test_a_strangers_page_is_caged_wherever_it_is_written(tmp_path: Path) -> None:
    record = written_run(tmp_path / "run", [1.0])
    record.directory.media.mkdir()
    (record.directory.media / "..){x.html").write_text("<script>fetch('http://example.org')</script>")
    document = build_report([record])
    (page,) = (block for block in document.files() if isinstance(block, EmbeddedPage))
    assert page.name == "game-1"
    write_report(document, tmp_path / "report.html")
    for path in (tmp_path / "report.html", tmp_path / "report_files" / "game-1.html"):
        text = path.read_text()
        assert "<script>fetch" not in text
        assert 'sandbox="allow-scripts"' in text
        assert f'content="{POLICY}"'.replace("'", "&#39;") in text.replace("'", "&#39;")


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_in_the_media_folder_brings_nothing_of_the_users_into_a_report(what: str, tmp_path: Path) -> None:
    record = written_run(tmp_path / "run", [1.0])
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "diary.html").write_text("dear diary")
    if what == "folder":
        record.directory.media.symlink_to(tmp_path / "private")
    else:
        record.directory.media.mkdir()
        (record.directory.media / "a.html").symlink_to(tmp_path / "private" / "diary.html")
        os.mkfifo(record.directory.media / "b.gif")
    assert "dear diary" not in to_html(build_report([record]))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["run.json", "metrics.jsonl", "eval.jsonl", "recordings.jsonl", ".lock"])
def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(name: str, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [{"env_steps": 1}], [evaluation(1, 1.0)])
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    record = RunReader.open(run.path)
    assert record.standing in ("finished", "unknown", "running")
    assert read_rows(run.path / name) == []
    run.is_abandoned()
    with pytest.raises(UserError, match="is a pipe or a device"):
        run.refuse_links()


@pytest.mark.timeout(60)
def test_a_judgement_is_not_written_into_a_pipe(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    os.mkfifo(run.judgements)
    with pytest.raises(OSError, match="no plain file"):
        run.add_judgement({})


@pytest.mark.parametrize("pid", [10**30, -(10**30), 2**31])
def test_a_lock_of_a_process_that_cannot_be_is_no_lock(pid: int, tmp_path: Path) -> None:
    import platform

    run = make_run(tmp_path / "run")
    run.lock.write_text(json.dumps({"pid": pid, "host": platform.node()}))
    assert run.is_abandoned()


@pytest.mark.parametrize(
    "plan",
    ["[", "[1]", "{}", '{"experiment": "week2", "scale": "vast"}', '{"experiment": "week2", "seeds": -1}', "[" * 99999],
)
def test_a_plan_of_nonsense_is_a_sentence(plan: str, tmp_path: Path) -> None:
    (tmp_path / PLAN_FILE).write_text(plan)
    with pytest.raises(UserError, match="cannot be read"):
        resumed_plan(tmp_path, {"experiment": "week2"})


def test_a_plan_whose_runs_lead_elsewhere_is_refused(tmp_path: Path) -> None:
    """Runs that stopped too early are removed there and begun again."""
    (tmp_path / "elsewhere").mkdir()
    new_plan(Reproduction("week1"), tmp_path / "out")
    (tmp_path / "out" / "runs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="leads out of the run directory"):
        resumed_plan(tmp_path / "out", {"experiment": "week1"})


@pytest.mark.parametrize("kept", ["{}", "[[]]", '[{"name": 3}]', "["])
def test_kept_baselines_of_nonsense_are_a_sentence(kept: str, tmp_path: Path) -> None:
    (tmp_path / "baselines.json").write_text(kept)
    with pytest.raises(UserError, match="holds no baselines"):
        baselines(RunDirectory(tmp_path), tmp_path / "baselines.json")


def test_a_module_in_the_working_folder_does_not_run_in_a_process_of_ours(tmp_path: Path) -> None:
    for name in ("json", "numpy", "lockstep"):
        (tmp_path / f"{name}.py").write_text("from pathlib import Path\nPath('ran').write_text('')\n")
    words = child_process.command("lockstep", "config", "smoke")
    done = subprocess.run(
        words, cwd=tmp_path, env=child_process.environment(), capture_output=True, text=True, check=False
    )
    assert done.stdout == dump_toml(load_config("smoke"))
    assert not (tmp_path / "ran").exists()
