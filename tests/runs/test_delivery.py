"""A full disk, or one that fills up in the middle, leaves what was there and nothing half-written."""

import errno
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lockstep.cli import main
from lockstep.errors import UserError
from lockstep.runs.delivery import deliver
from lockstep.show.video import write_pngs, write_video
from tests.runs.folders import evaluation, make_run
from tests.training.faults import fill, small_disk

OLD = b"what was there before"


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as with a quota."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)


def frames(count: int = 3) -> list[Image.Image]:
    noise = np.random.default_rng(1).integers(0, 255, (count, 96, 96, 3), dtype=np.uint8)
    return [Image.fromarray(pixels) for pixels in noise]


def test_all_or_none(tmp_path: Path) -> None:
    first, second = tmp_path / "new" / "a.txt", tmp_path / "b.txt"
    second.write_bytes(OLD)
    with files_of_at_most(100), pytest.raises(UserError, match=r"b\.txt cannot be written \(files may not become so"):
        deliver({first: "short", second: "x" * 200})
    assert [path.name for path in tmp_path.rglob("*")] == ["b.txt"]
    assert second.read_bytes() == OLD
    assert deliver({first: "short", second: b"new"}) == [first, second]
    assert (first.read_text(), second.read_bytes()) == ("short", b"new")
    with pytest.raises(UserError, match=r"new cannot be written \(it is a folder\). Choose another --out"):
        deliver({second: "newer", tmp_path / "new": "x"})
    assert second.read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "b.txt", "new"]


@pytest.mark.parametrize("name", ["team.gif", "team.mp4"])
def test_a_film_that_does_not_fit_leaves_the_old_one(name: str, tmp_path: Path) -> None:
    film = tmp_path / name
    if film.suffix == ".mp4":
        pytest.importorskip("av")
    film.write_bytes(OLD)
    with files_of_at_most(2_000), pytest.raises(UserError, match="cannot be written"):
        write_video(frames(), film, 8)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert film.read_bytes() == OLD
    write_video(frames(), film, 8)
    assert film.read_bytes() != OLD


def test_pictures_that_do_not_fit_leave_no_folder(tmp_path: Path) -> None:
    with files_of_at_most(2_000), pytest.raises(UserError, match="cannot be written"):
        write_pngs(frames(), tmp_path / "pictures")
    assert not list(tmp_path.iterdir())
    assert write_pngs(frames(), tmp_path / "pictures") == 3


VERBS = [
    (["plot"], "curve.svg"),
    (["plot"], "curve.png"),
    (["plot"], "curve.pdf"),
    (["export"], "evaluations.csv"),
    (["export", "--format", "sacred"], "1/metrics.json"),
    (["report"], "report.html"),
]


@pytest.mark.parametrize(("verb", "name"), VERBS, ids=[name for _, name in VERBS])
def test_a_disk_that_is_full_keeps_what_was_written_before(
    verb: list[str], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**evaluation(1_000 * step, 0.1 * step), "loss": step / 3} for step in range(1, 200)]
    run = make_run(tmp_path / "run", rows, rows)
    with small_disk(tmp_path / "disk", "4m") as disk:
        out = disk / "out"
        target = out if verb[0] == "export" else out / name
        command = [verb[0], str(run.path), *verb[1:], "--out", str(target)]
        assert main(command) == 0
        before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        assert out / name in before
        stone = fill(disk, leave=3_000)
        capsys.readouterr()
        assert main(command) == 2
        assert "cannot be written (the disk is full)" in capsys.readouterr().err
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
        stone.unlink()
        assert main(command) == 0


def test_a_folder_where_a_plot_should_be_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "run", evaluations=[evaluation(10, 1.0), evaluation(20, 2.0)])
    for ending in ("svg", "png", "pdf"):
        (tmp_path / f"plot.{ending}" / "inside").mkdir(parents=True)
        assert main(["plot", str(run.path), "--out", str(tmp_path / f"plot.{ending}")]) == 2
        assert "it is a folder" in capsys.readouterr().err


def test_a_remedied_configuration_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def half(path: Path, content: object) -> None:
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lockstep.runs.delivery._write", half)
    assert main(["doctor", "smoke", "--fix", str(tmp_path / "better.toml"), "--json"]) == 2
    assert "Choose another name for --fix" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
