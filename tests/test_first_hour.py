"""What Start and the lessons let people type works, in a folder that holds nothing; slowly, all of the first hour."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from lockstep.cli import main
from tests.first_hour import ROOT, lines, script

QUICK = {
    "train": ["t_max=4_000", "warmup_env_steps=1_000", "test_interval=2_000", "test_nepisode=4", "--no-doctor", "-q"],
    "evaluate": ["--episodes", "4"],
}
TYPED_ELSEWHERE = ("demo", "doctor")
"""What plays at a reader's pace, measures a task, or trains on the probes; tests of its own type it."""


@pytest.mark.parametrize("page", ["docs/start", "docs/learn/own-world", "docs/learn/doctor"])
def test_a_page_can_be_typed_from_above_to_below(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    typed = [shlex.split(line) for line in lines(page) if line.startswith("lockstep ")]
    assert typed
    for _, verb, *words in typed:
        if verb not in TYPED_ELSEWHERE:
            quick = [word for word in words if not word.startswith(("t_max=", "test_interval="))]
            assert main([verb, *(quick if verb == "train" else words), *QUICK.get(verb, [])]) == 0, (verb, *words)


def test_every_line_that_people_are_told_to_type_is_a_command_of_ours() -> None:
    for line in script().splitlines():
        if line.startswith("$ "):
            assert line.split()[1] in ("lockstep", "make"), line


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_whole_first_hour_in_a_fresh_copy() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PYTHONPATH"] = ""
    subprocess.run([sys.executable, "-m", "tests.first_hour"], cwd=ROOT, env=environment, check=True)
