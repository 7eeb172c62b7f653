"""A run that travels arrives whole, is never less than it was, and lies nowhere but in its own folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.errors import UserError
from lockstep.files import read_regular
from lockstep.runs.directory import RunDirectory, write_atomically
from lockstep.sweeps import parcel as parcels
from lockstep.sweeps.folder import newest_checkpoint
from lockstep.sweeps.parcel import Parcel, Stamps, pack, unpack


def made(path: Path, files: dict[str, str]) -> RunDirectory:
    """A run's folder with these files."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)
    return RunDirectory(path)


def files(run: RunDirectory) -> dict[str, str]:
    """All that is in a run's folder."""
    paths = (path for path in run.path.rglob("*") if not path.is_dir())
    return {path.relative_to(run.path).as_posix(): path.read_text() for path in paths}


FIRST = {
    "config.toml": "seed = 1",
    "run.json": '{"status": "running"}',
    "metrics.jsonl": '{"env_steps": 40}\n',
    "checkpoints/000000000040/manifest.json": "{}",
    "checkpoints/000000000040/state.pt": "state at 40",
    "checkpoints/best/policy.pt": "best",
    "checkpoints/replay/all-00000000-0123456789abcdef.pt": "episodes",
}


def test_what_is_sent_arrives_and_later_only_what_changed_travels(tmp_path: Path) -> None:
    there, here, sent = made(tmp_path / "there", FIRST), RunDirectory(tmp_path / "here"), Stamps()
    unpack(pack(there.path, sent), here)
    assert files(here) == FIRST
    later = {
        "run.json": '{"status": "finished"}',
        "metrics.jsonl": '{"env_steps": 40}\n{"env_steps": 80}\n',
        "checkpoints/000000000080/manifest.json": "{}",
        "checkpoints/000000000080/state.pt": "state at 80",
    }
    made(there.path, later)
    for name in ("manifest.json", "state.pt"):
        (there.checkpoints / "000000000040" / name).unlink()
    (there.checkpoints / "000000000040").rmdir()
    second = pack(there.path, sent)
    assert set(second.files) == set(later)
    unpack(second, here)
    assert files(here) == files(there)
    assert newest_checkpoint(here) == 80
    assert not (here.checkpoints / "000000000040").exists()
    assert not pack(there.path, sent).files


def test_what_belongs_to_whoever_works_there_stays_and_what_others_put_here_is_kept(tmp_path: Path) -> None:
    there = made(tmp_path / "there", {**FIRST, ".lock": "{}", "checkpoints/.000000000080.writing/state.pt": "half"})
    here = made(tmp_path / "here", {"media/film.gif": "a film"})
    unpack(pack(there.path, {}), here)
    assert files(here) == {**FIRST, "media/film.gif": "a film"}


def test_a_checkpoint_that_comes_while_the_run_is_read_makes_it_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, read = made(tmp_path / "there", FIRST), read_regular

    def read_and_go_on(path: Path, most: int) -> bytes:
        if path.name == "state.pt" and newest_checkpoint(there) == 40:
            made(there.path, {f"checkpoints/000000000080/{name}": "80" for name in ("manifest.json", "state.pt")})
            path.unlink()
            (path.parent / "manifest.json").unlink()
            path.parent.rmdir()
        return read(path, most)

    monkeypatch.setattr(parcels, "read_regular", read_and_go_on)
    parcel = pack(there.path, {})
    assert parcel.names == parcel.files.keys()
    assert "checkpoints/000000000080/state.pt" in parcel.names
    assert "checkpoints/000000000040/state.pt" not in parcel.names


@pytest.mark.parametrize("stops_at", range(1, 9))
def test_killed_at_any_moment_of_its_arrival_it_is_the_run_before_or_the_one_that_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops_at: int
) -> None:
    new = {name.replace("000040", "000080"): content.replace("40", "80") for name, content in FIRST.items()}
    here, there = made(tmp_path / "here", FIRST), made(tmp_path / "there", new)
    arriving = pack(there.path, {})
    writes, write = iter(range(1, 100)), write_atomically

    def killed(path: Path, content: bytes) -> None:
        if next(writes) == stops_at:
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(parcels, "write_atomically", killed)
    if stops_at <= len(new):
        with pytest.raises(KeyboardInterrupt):
            unpack(arriving, here)
    newest = here.checkpoints / f"{newest_checkpoint(here):012d}"
    assert (newest / "state.pt").read_text() == f"state at {newest_checkpoint(here)}"
    assert (here.checkpoints / "replay" / "all-00000000-0123456789abcdef.pt").read_text() == "episodes"
    monkeypatch.undo()
    unpack(arriving, here)
    assert files(here) == new


@pytest.mark.parametrize(
    "name",
    ["../other/config.toml", "/etc/motd", "checkpoints/../../x", ".lock", "", "a//b", "a\\..\\b", "a/b/c/d/e", "a\n"],
)
@pytest.mark.parametrize("parcel_of", [lambda name: Parcel(frozenset({name})), lambda name: Parcel(files={name: b"x"})])
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_written(
    tmp_path: Path, name: str, parcel_of: Callable[[str], Parcel]
) -> None:
    here = RunDirectory(tmp_path / "here")
    with pytest.raises(UserError, match="names no file of a run"):
        unpack(parcel_of(name), here)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    elsewhere = made(tmp_path / "elsewhere", {"kept": "as it was"})
    here = made(tmp_path / "here", {"config.toml": "seed = 1"})
    here.checkpoints.symlink_to(elsewhere.path)
    with pytest.raises(UserError, match="is a link that leads out"):
        unpack(pack(made(tmp_path / "there", FIRST).path, {}), here)
    assert files(elsewhere) == {"kept": "as it was"}


def test_a_link_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("private")
    there = made(tmp_path / "there", FIRST)
    (there.path / "notes.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="it is a link"):
        pack(there.path, {})
