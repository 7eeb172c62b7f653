"""The replay on disk: what is new is written, what is full stays as it is, and what is read is what was remembered."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockstep.config.load import load_config
from lockstep.experience.replay import EpisodeStore
from lockstep.runs.directory import RunDirectory
from lockstep.runs.loggers import JsonlLogger
from lockstep.runs.reader import RunReader
from lockstep.spec import FLAG_BITS, EnvSpec
from lockstep.training.checkpoints import replay_files
from lockstep.training.checkpoints.checkpoint import (
    load_latest,
    load_policy,
    load_replay,
    numbered_checkpoints,
    save_checkpoint,
)
from lockstep.training.checkpoints.replay_files import read_replay, remove_unused, write_replay
from lockstep.training.kill_test import first_difference
from lockstep.training.session import Session
from lockstep.training.trainer import resume, train
from tests.episodes import random_episodes
from tests.training.checkpoints.test_checkpoint import run_of
from tests.training.test_session import advanced, config

SPEC = EnvSpec("test", 2, 3, 4, 5, (FLAG_BITS,) * 3)
OLD = Path(__file__).parents[1] / "folders"


class OneStore:
    """A replay of one ring."""

    def __init__(self, capacity: int) -> None:
        self.store = EpisodeStore(SPEC, capacity, torch.device("cpu"))

    def stores(self) -> dict[str, EpisodeStore]:
        return {"all": self.store}


def as_any(value: Any) -> Any:
    return value


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_files, "MIN_EPISODES", 4)


@pytest.mark.parametrize("counts", [[3], [4, 4], [10], [10, 1], [3] * 9, [7, 7, 7, 7], [1] * 23, [25, 2]])
def test_what_is_read_is_what_was_remembered(counts: list[int], tmp_path: Path) -> None:
    memory, before = OneStore(10), as_any({})
    for seed, count in enumerate(counts):
        memory.store.add(random_episodes(SPEC, count, seed=seed))
        before = write_replay(as_any(memory), tmp_path / "replay", before)
        remove_unused(tmp_path / "replay", [before])
        again = OneStore(10)
        read_replay(as_any(again), tmp_path / "replay", before)
        assert first_difference(memory.store.state_dict(), again.store.state_dict())[0] is None
        assert again.store.added == memory.store.added
    for store in (memory.store, again.store):  # and both go on alike
        store.add(random_episodes(SPEC, 3, seed=99))
    assert first_difference(memory.store.state_dict(), again.store.state_dict())[0] is None
    one, other = (store.draw(50, 2, np.random.default_rng(1)) for store in (memory.store, again.store))
    assert one.starts.tolist() == other.starts.tolist()
    assert max(one.starts) > 0


def test_only_what_is_new_is_written(tmp_path: Path) -> None:
    memory, folder = OneStore(40), tmp_path / "replay"
    memory.store.add(random_episodes(SPEC, 30))
    first = write_replay(as_any(memory), folder, {})
    there = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    memory.store.add(random_episodes(SPEC, 5, seed=1))
    second = write_replay(as_any(memory), folder, first)
    kept = {chunk.file for chunk in first["all"].chunks} & {chunk.file for chunk in second["all"].chunks}
    assert len(kept) == 7  # full chunks of 4, of the 30
    assert all((folder / name).stat().st_mtime_ns == there[name] for name in kept)
    assert sum(chunk.count for chunk in second["all"].chunks if chunk.file not in kept) == 7
    assert write_replay(as_any(memory), folder, second) == second


def test_a_chunk_that_has_gone_is_written_again(tmp_path: Path) -> None:
    memory, folder = OneStore(40), tmp_path / "replay"
    memory.store.add(random_episodes(SPEC, 12))
    first = write_replay(as_any(memory), folder, {})
    (folder / first["all"].chunks[1].file).unlink()
    write_replay(as_any(memory), folder, first)
    again = OneStore(40)
    read_replay(as_any(again), folder, first)
    assert first_difference(memory.store.state_dict(), again.store.state_dict())[0] is None


@pytest.mark.parametrize("capacity", [6, 25])
def test_a_replay_of_another_size_keeps_the_newest(capacity: int, tmp_path: Path) -> None:
    memory, other = OneStore(10), OneStore(capacity)
    for seed in range(13):
        memory.store.add(random_episodes(SPEC, 1, seed=seed))
    read_replay(as_any(other), tmp_path, write_replay(as_any(memory), tmp_path, {}))
    kept = min(capacity, 10)
    assert (other.store.size, other.store.next) == (kept, kept % capacity)
    for age in range(kept):
        newest, same = (13 - 1 - age) % 10, kept - 1 - age
        assert torch.equal(other.store.data["actions"][same], memory.store.data["actions"][newest])


def test_files_that_no_checkpoint_needs_are_removed(tmp_path: Path) -> None:
    session, run = advanced(config(checkpoint={"keep": 2}), 4), run_of(tmp_path / "run")
    for _ in range(12):
        session.advance()
        save_checkpoint(session, run)
    used = set()
    for folder in numbered_checkpoints(run):
        manifest = json.loads((folder / "manifest.json").read_text())
        sizes = 0
        for store in manifest["replay"].values():
            used |= {chunk["file"] for chunk in store["chunks"]}
            sizes += sum(chunk["bytes"] for chunk in store["chunks"])
        assert manifest["bytes"]["replay"] == sizes
    assert {path.name for path in (run.checkpoints / "replay").iterdir()} == used
    assert len(numbered_checkpoints(run)) == 2


def test_checkpoints_in_a_row_can_each_be_gone_back_to(tmp_path: Path) -> None:
    session, run = advanced(config(checkpoint={"keep": 5}), 6), run_of(tmp_path / "run")
    states = []
    for _ in range(5):
        session.advance()
        save_checkpoint(session, run)
        states.append(session.feed.state_dict())
    for folder, state in zip(numbered_checkpoints(run), states, strict=True):
        again = Session(session.config)
        load_replay(again.feed, folder)
        assert first_difference(state, again.feed.state_dict())[0] is None


def test_a_resumed_run_writes_no_episode_twice(tmp_path: Path) -> None:
    session, run = advanced(config(replay={"buffer_size": 400, "batch_size": 16}), 20), run_of(tmp_path / "run")
    save_checkpoint(session, run)
    again = Session(session.config)
    load_latest(again, run)
    again.advance()
    before = {path.name for path in (run.checkpoints / "replay").iterdir()}
    save_checkpoint(again, run)
    assert len({path.name for path in (run.checkpoints / "replay").iterdir()} - before) <= 3


def test_the_manifest_says_what_wrote_it_and_how_large_it_is(tmp_path: Path) -> None:
    session, run = advanced(config(), 12), run_of(tmp_path / "run")
    folder = save_checkpoint(session, run)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["schema_version"] == 2
    assert {"lockstep", "torch", "numpy", "updates", "seconds"} <= manifest.keys()
    assert manifest["bytes"] == {
        "state.pt": (folder / "state.pt").stat().st_size,
        "policy.pt": (folder / "policy.pt").stat().st_size,
        "replay": sum(path.stat().st_size for path in (run.checkpoints / "replay").iterdir()),
    }


@pytest.mark.parametrize("version", [1, 2])
def test_every_schema_version_is_resumed_and_read(version: int, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(OLD / f"schema-{version}", run.path)
    (newest,) = numbered_checkpoints(run)
    assert json.loads((newest / "manifest.json").read_text())["schema_version"] == version
    session = Session(load_config(str(run.config)))
    assert load_latest(session, run) == []
    assert (session.env_steps, session.learner.updates) == {1: (1760, 8), 2: (1600, 6)}[version]
    assert session.episodes == session.env_steps // 40
    assert {name: store.size for name, store in session.feed.stores().items()} == {
        "all": {1: 30, 2: 26}[version],
        "rewarding": 2,
    }
    assert resume(run, [JsonlLogger()]).env_steps == 3200
    assert json.loads((numbered_checkpoints(run)[-1] / "manifest.json").read_text())["schema_version"] == 2
    assert load_policy(run)[0].spec.num_agents == 2
    assert RunReader.open(run.path).standing == "interrupted"
    assert sum(path.stat().st_size for path in (OLD / f"schema-{version}").rglob("*") if path.is_file()) < 200_000


def test_a_version_of_the_future_is_explained(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    train(load_config(str(run.path)), run, [])
    newest = numbered_checkpoints(run)[-1]
    manifest = json.loads((newest / "manifest.json").read_text())
    (newest / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 3}))
    session = Session(load_config(str(run.path)))
    assert load_latest(session, run) == [
        "The checkpoint 000000000800 has schema version 3; this Lockstep reads 1 and 2. A newer one may read it."
    ]
