"""`lockstep watch` and `lockstep train --watch`, as a person uses them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from lockstep.cli import main
from lockstep.cli.watch import watch_beside
from lockstep.errors import UserError
from tests.cli.test_cli import TINY_RUN, refused
from tests.show.live.recorded import recorded_run
from tests.training.faults import wait_for

COMMAND = [sys.executable, "-m", "lockstep"]


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    recorded_run(tmp_path / "runs" / "first")
    process = subprocess.Popen(
        [*COMMAND, "watch", "--port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_watch_serves_the_newest_run_until_interrupted(watching: subprocess.Popen[str]) -> None:
    url = address(watching)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
    assert httpx2.get(url + "api/start", timeout=60).json()["shown"] == ["first"]
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=60)
    assert (watching.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "neither a folder nor the beginning"),
        (["latest"], "no run in runs/ yet"),
        (["."], "neither a run nor a folder of runs"),
        (["latest", "--token", "short"], "can be guessed"),
    ],
)
def test_watching_nothing_is_refused_in_a_sentence(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentence in refused(["watch", *arguments], capsys)


def test_in_a_terminal_it_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--terminal", str(recorded_run(tmp_path / "first").path)]) == 0
    assert "test return 2.00" in capsys.readouterr().out


def test_a_page_beside_a_training_is_a_process_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = watch_beside(recorded_run(tmp_path / "run").path, quiet=False)
    try:
        url = capsys.readouterr().out.strip()
        assert httpx2.get(url + "api/start", timeout=60).json()["shown"] == ["run"]
        assert os.getsid(process.pid) != os.getsid(0)  # Ctrl-C of the training does not reach it
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_page_beside_a_training_never_waits_for_whoever_started_it(tmp_path: Path) -> None:
    process = watch_beside(recorded_run(tmp_path / "run").path, quiet=True)
    try:
        files = [Path(f"/proc/{process.pid}/fd/{descriptor}") for descriptor in (1, 2)]
        wait_for(lambda: all(file.readlink() == Path(os.devnull) for file in files))
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_page_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither a folder"):
        watch_beside(tmp_path / "nowhere", quiet=True)


def test_training_with_watch_opens_a_page_for_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = []
    monkeypatch.setattr("lockstep.cli.watch.watch_beside", lambda run, quiet: opened.append((run, quiet)))
    assert main(["train", "smoke", *TINY_RUN, "--watch", "-q", "--out", str(tmp_path / "run")]) == 0
    assert opened == [(tmp_path / "run", True)]
