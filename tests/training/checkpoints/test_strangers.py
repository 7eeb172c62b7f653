"""Files that somebody else made: nothing in them is executed, believed, or allocated before it was looked at."""

import hashlib
import io
import json
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lockstep.cli import main
from lockstep.compute.machine import resident_mib
from lockstep.config.load import load_config
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory
from lockstep.runs.loggers import JsonlLogger
from lockstep.training.checkpoints import tensor_files
from lockstep.training.checkpoints.checkpoint import (
    load_latest,
    load_policy,
    numbered_checkpoints,
    save_best,
    save_checkpoint,
)
from lockstep.training.checkpoints.tensor_files import RefusedError, load_tensors, open_tensors, tensor_bytes
from lockstep.training.session import Session
from lockstep.training.trainer import train
from tests.training.checkpoints.test_checkpoint import run_of
from tests.training.test_session import advanced, config

GOOD = {"weights": torch.arange(6.0), "steps": 3, "name": "é", "nested": [{"mask": torch.zeros(2, dtype=torch.bool)}]}


def read(path: Path) -> Any:
    with open_tensors(path, path.lstat().st_size) as file:
        return load_tensors(file)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def rewritten(
    content: bytes, change: Callable[[dict[str, bytes]], None], compression: int = zipfile.ZIP_STORED
) -> bytes:
    """An archive with other entries."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


class Call:
    """Calls anything when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> Any:
        return (self.function, self.arguments)


def test_what_lockstep_writes_is_read(tmp_path: Path) -> None:
    found = read(written(tmp_path / "good.pt", tensor_bytes(GOOD)))
    assert found.keys() == GOOD.keys()
    assert torch.equal(found["weights"], torch.arange(6.0))
    assert found["nested"][0]["mask"].tolist() == [False, False]


def test_a_pickle_bomb_is_not_even_begun(tmp_path: Path) -> None:
    mark = tmp_path / "exploded"
    for content in (pickle.dumps(Bomb(mark)), tensor_bytes({"a": Bomb(mark)})):
        with pytest.raises(RefusedError):
            read(written(tmp_path / "bomb.pt", content))
    assert not mark.exists()


@pytest.mark.parametrize(
    "bomb",
    [
        Call(bytearray, 10**12),
        Call(torch.zeros, 10**12),
        Call(OrderedDict.fromkeys, range(10**9)),
        Call(eval, "1"),
        Call(torch._utils._rebuild_parameter, torch.zeros(1), False, OrderedDict()),
    ],
    ids=["bytearray", "zeros", "fromkeys", "eval", "parameter"],
)
def test_no_function_is_called_but_those_that_make_tensors(bomb: Call, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="it asks for"):
        read(written(tmp_path / "call.pt", tensor_bytes({"a": bomb})))


def test_a_tensor_that_claims_more_than_its_record_holds(tmp_path: Path) -> None:
    """torch would read what lies behind it in memory, or allocate it all."""
    for claimed in (7, 255):

        def change(entries: dict[str, bytes], claimed: int = claimed) -> None:
            structure = entries["archive/data.pkl"]
            assert structure.count(b"cpuq\x06K\x06") == 1  # on the CPU, six of them
            entries["archive/data.pkl"] = structure.replace(b"cpuq\x06K\x06", b"cpuq\x06K" + bytes([claimed]))

        content = rewritten(tensor_bytes({"weights": torch.arange(6.0)}), change)
        with pytest.raises(RefusedError, match="a tensor claims more numbers than were written"):
            read(written(tmp_path / "claim.pt", content))


@pytest.mark.parametrize("shape", [(10**12,), (10**6, 10**6), (2**62,)])
def test_an_absurd_tensor_that_repeats_one_number(shape: tuple[int, ...], tmp_path: Path) -> None:
    absurd = torch.zeros(1).expand(shape)
    content = tensor_bytes({"weights": absurd})
    assert len(content) < 5_000
    with pytest.raises(RefusedError, match="claim more numbers than were written"):
        read(written(tmp_path / "absurd.pt", content))


def test_a_zip_bomb_is_not_inflated(tmp_path: Path) -> None:
    def change(entries: dict[str, bytes]) -> None:
        entries["archive/data/0"] = bytes(200 * 2**20)

    content = rewritten(tensor_bytes({"weights": torch.arange(6.0)}), change, zipfile.ZIP_DEFLATED)
    assert len(content) < 2**20
    before = resident_mib()
    with pytest.raises(RefusedError, match="it is compressed"):
        read(written(tmp_path / "bomb.pt", content))
    assert resident_mib() - before < 50


def test_entries_that_share_their_bytes(tmp_path: Path) -> None:
    """The other kind of zip bomb: many entries of the directory point at one piece of the file."""
    with zipfile.ZipFile(tmp_path / "overlap.pt", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
        archive.writestr("archive/data/0", bytes(100_000))
        for number in range(1, 50):
            twin = zipfile.ZipInfo(f"archive/data/{number}")
            first = archive.getinfo("archive/data/0")
            twin.header_offset, twin.file_size, twin.compress_size, twin.CRC = (
                first.header_offset,
                first.file_size,
                first.compress_size,
                first.CRC,
            )
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
    with pytest.raises(RefusedError, match="it claims more bytes than it has"):
        read(tmp_path / "overlap.pt")


@pytest.mark.parametrize(
    "name", ["../../escape", "archive/data/../../x", "archive/constants.pkl", "/etc/x", "other/data/1"]
)
def test_entries_that_torch_does_not_write(name: str, tmp_path: Path) -> None:
    def change(entries: dict[str, bytes]) -> None:
        entries[name] = b"x"

    with pytest.raises(RefusedError, match="no archive of tensors|which torch does not write"):
        read(written(tmp_path / "entry.pt", rewritten(tensor_bytes(GOOD), change)))


def test_a_structure_beyond_all_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_files, "MAX_STRUCTURE_BYTES", 100)
    with pytest.raises(RefusedError, match="its structure is larger"):
        read(written(tmp_path / "large.pt", tensor_bytes(GOOD)))


def test_a_file_larger_than_memory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sparse.pt"
    with path.open("wb") as file:
        file.truncate(2**43)
    with pytest.raises(RefusedError, match="it is no archive of tensors"):
        read(path)
    monkeypatch.setattr(tensor_files, "available_bytes", lambda: 100.0)
    with pytest.raises(RefusedError, match=r"it needs 0\.0 GiB of memory and 0\.0 GiB are free"):
        read(written(tmp_path / "good.pt", tensor_bytes(GOOD)))


def test_circles_links_and_pipes(tmp_path: Path) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(RefusedError, match="RecursionError"):
        read(written(tmp_path / "circle.pt", tensor_bytes(circle)))
    (tmp_path / "link.pt").symlink_to(written(tmp_path / "good.pt", tensor_bytes(GOOD)))
    os.mkfifo(tmp_path / "pipe.pt")
    for name in ("link.pt", "pipe.pt"):
        with pytest.raises(RefusedError, match="it is no plain file|it is a link"):
            read(tmp_path / name)


def signed(folder: Path, name: str, content: bytes) -> None:
    """Put a file into a checkpoint, with its checksum."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"][name] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    made = run_of(tmp_path / "run")
    train(load_config(str(made.path)), made, [JsonlLogger()])
    return made


def resumed(run: RunDirectory) -> tuple[Session, list[str]]:
    session = Session(load_config(str(run.path)))
    return session, load_latest(session, run)


@pytest.mark.parametrize("where", ["../../../secret.pt", "/secret.pt", "sub/../../x.pt"])
def test_a_manifest_cannot_lead_out_of_the_run(where: str, run: RunDirectory, tmp_path: Path) -> None:
    """A chunk's name is a name; what else the manifest lists is never opened."""
    secret = written(tmp_path / "secret.pt", tensor_bytes(GOOD))
    newest = numbered_checkpoints(run)[-1]
    manifest = json.loads((newest / "manifest.json").read_text())
    manifest["sha256"][where] = hashlib.sha256(secret.read_bytes()).hexdigest()
    (newest / "manifest.json").write_text(json.dumps(manifest))
    assert resumed(run)[1] == []
    manifest["replay"]["all"]["chunks"][0]["file"] = where
    (newest / "manifest.json").write_text(json.dumps(manifest))
    assert "has no readable manifest" in resumed(run)[1][0]


def test_a_checkpoint_of_other_networks_is_passed_over(run: RunDirectory, tmp_path: Path) -> None:
    other = run_of(tmp_path / "other", network={"hidden_dim": 12})
    train(load_config(str(other.path)), other, [JsonlLogger()])
    newest = numbered_checkpoints(run)[-1]
    signed(newest, "state.pt", (numbered_checkpoints(other)[-1] / "state.pt").read_bytes())
    session, said = resumed(run)
    assert "does not fit config.toml: state.pt, RuntimeError" in said[0]
    assert session.env_steps == 640


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hidden_dim", 10**9),
        ("hidden_dim", -1),
        ("hidden_dim", "wide"),
        ("recurrent", None),
    ],
)
def test_a_policy_of_absurd_size_is_not_built(field: str, value: Any, run: RunDirectory) -> None:
    folder = run.checkpoints / "best"
    state = read(folder / "policy.pt")
    state["network"][field] = value
    signed(folder, "policy.pt", tensor_bytes(state))
    before = resident_mib()
    with pytest.raises(UserError, match="does not fit config.toml: policy.pt"):
        load_policy(run)
    assert resident_mib() - before < 50


@pytest.mark.parametrize("tree", [torch.zeros(3), [1, 2], "agent", None])
def test_a_policy_that_is_no_table_of_parts_is_refused(tree: Any, run: RunDirectory) -> None:
    signed(run.checkpoints / "best", "policy.pt", tensor_bytes(tree))
    with pytest.raises(UserError, match="it holds no table of named parts"):
        load_policy(run)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda part: part["length"].fill_(9), "could not have been played in probe-two-step"),
        (lambda part: part["length"].fill_(-1), "could not have been played in probe-two-step"),
        (lambda part: part["actions"].fill_(200), "could not have been played in probe-two-step"),
        (lambda part: part.update(obs=part["obs"].float()), "have another obs than probe-two-step has"),
        (lambda part: part.update(extra=torch.zeros(len(part["obs"]))), "have other fields"),
        (lambda part: part.pop("reward"), "have other fields"),
    ],
)
def test_episodes_that_could_not_have_been_played_never_reach_the_kernels(
    change: Callable[[dict[str, torch.Tensor]], Any], sentence: str, run: RunDirectory
) -> None:
    newest = numbered_checkpoints(run)[-1]
    manifest = json.loads((newest / "manifest.json").read_text())
    chunk = manifest["replay"]["all"]["chunks"][-1]
    path = run.checkpoints / "replay" / chunk["file"]
    part = read(path)
    change(part)
    content = tensor_bytes(part)
    path.write_bytes(content)
    chunk["sha256"] = hashlib.sha256(content).hexdigest()
    (newest / "manifest.json").write_text(json.dumps(manifest))
    assert sentence in resumed(run)[1][0]


def test_when_every_replay_is_damaged_the_rest_goes_on(run: RunDirectory) -> None:
    for path in (run.checkpoints / "replay").iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    session, said = resumed(run)
    assert session.env_steps == 800
    assert all(store.size == 0 for store in session.feed.stores().values())
    assert said[-1] == "000000000800 is used without its replay: the run goes on from there, but not bit for bit."


def test_a_damaged_newest_checkpoint_is_set_aside(run: RunDirectory) -> None:
    (run.checkpoints / "000000000800" / "state.pt").write_bytes(b"")
    assert len(resumed(run)[1]) == 1
    assert resumed(run)[1] == []
    assert (run.checkpoints / ".000000000800.damaged" / "policy.pt").is_file()


def test_a_run_whose_checkpoints_are_all_damaged_does_not_begin_again(run: RunDirectory) -> None:
    for folder in numbered_checkpoints(run):
        (folder / "manifest.json").unlink()
    rows = run.metrics.read_bytes()
    with pytest.raises(UserError, match="holds no checkpoint to resume from"):
        resumed(run)
    assert main(["resume", str(run.path)]) == 2
    assert run.metrics.read_bytes() == rows


def test_the_best_policy_survives_a_kill_while_it_is_replaced(tmp_path: Path) -> None:
    session, run = advanced(config(), 12), run_of(tmp_path / "run")
    save_checkpoint(session, run)
    save_best(session, run)
    (run.checkpoints / "best").rename(run.checkpoints / ".best.replaced")  # as between the two renames
    session.advance()
    assert load_policy(run)[2] == session.env_steps - 16
    save_best(session, run)
    assert load_policy(run)[2] == session.env_steps
    assert not (run.checkpoints / ".best.replaced").exists()
