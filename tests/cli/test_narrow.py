"""Narrow terminals: words stay whole, and whatever is meant to be copied can be."""

import re
import shlex
from pathlib import Path
from shutil import copytree

import pytest

from lockstep.cli import main
from lockstep.shell import command_line
from tests.cli.test_doctor import RECORDED

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("verb", [["presets"], ["envs", "Foraging-8x8"], ["envs", "mpe"], ["envs", "rware-tiny"]])
def test_no_word_of_a_table_is_broken(
    verb: list[str], columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert main(verb) == 0
    wide = capsys.readouterr().out.split()
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(verb) == 0
    assert set(capsys.readouterr().out.split()) == set(wide)


def test_commands_that_the_doctor_offers_can_be_copied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "60")
    run = Path("runs of mine") / "one that did not learn anything at all"
    copytree(RECORDED / "dead", run)
    assert main(["doctor", str(run)]) == 0
    out = capsys.readouterr().out
    assert f"  Put what you choose behind `{command_line('train', run / 'config.toml')}`." in out.splitlines()
    assert shlex.split(out.splitlines()[0])[:3] == ["lockstep", "doctor", run.name]


def test_a_folder_that_is_trusted_is_named_as_a_shell_wants_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "files of mine"
    folder.mkdir()
    assert main(["trust", str(folder)]) == 0
    assert f"`{command_line('trust', folder, '--forget')}`" in capsys.readouterr().out


def test_commands_with_names_in_them_are_made_by_command_line() -> None:
    """A name that may hold blanks is quoted there; what is written here are the names of families."""
    told = re.compile(r"`lockstep [^`\n]*\{(?!family\.name|quoted\()")
    assert [str(path) for path in (ROOT / "lockstep").rglob("*.py") if told.search(path.read_text())] == []
