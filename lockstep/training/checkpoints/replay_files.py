"""The replay on disk: chunks of episodes that never change once they are full, so that a checkpoint writes what is new.

    checkpoints/replay/all-00000012-0f3c91d2a4b5c6d7.pt     chunk 12 of the store "all", by its content's checksum

Episodes are numbered as they come; number n lies in row n % capacity of its store. Chunk k holds the numbers from
k * length on. Only the chunk at the end of the ring is written again; the others are referred to by the manifests of
several checkpoints, and removed with the last one that does.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt
from torch import Tensor

from lockstep.experience.feed import Feed
from lockstep.experience.replay import EpisodeStore
from lockstep.runs.directory import write_atomically
from lockstep.spec import EnvSpec, stored_fields
from lockstep.training.checkpoints.tensor_files import (
    RefusedError,
    load_tensors,
    open_tensors,
    tensor_bytes,
)

FOLDER = "replay"
CHUNKS = 64
MIN_EPISODES = 1024
MAX_BYTES = 64 * 2**20

Checksum = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Episodes = Mapping[str, Tensor]


class Chunk(BaseModel):
    """One file, and the episodes in it."""

    model_config = ConfigDict(frozen=True, strict=True)

    file: Annotated[str, Field(pattern=r"^[a-z]+-[0-9]{8,}-[0-9a-f]{16}\.pt$")]
    first: NonNegativeInt
    count: PositiveInt
    bytes: PositiveInt
    sha256: Checksum


class StoreOnDisk(BaseModel):
    """One store: how many episodes it was ever given, how many it holds, and where they are."""

    model_config = ConfigDict(frozen=True, strict=True)

    added: Annotated[int, Field(ge=0, le=2**62)]
    size: NonNegativeInt
    chunks: list[Chunk]


ReplayOnDisk = dict[str, StoreOnDisk]


def write_replay(feed: Feed, folder: Path, before: Mapping[str, StoreOnDisk]) -> ReplayOnDisk:
    """Bring what `feed` holds to disk. before: what this function last returned, and thus need not be written."""
    folder.mkdir(exist_ok=True)
    return {
        name: StoreOnDisk(
            added=store.added,
            size=store.size,
            chunks=_write_store(name, store, folder, before[name].chunks if name in before else ()),
        )
        for name, store in feed.stores().items()
    }


def read_replay(feed: Feed, folder: Path, described: Mapping[str, StoreOnDisk]) -> None:
    """Fill `feed` from disk. Raises RefusedError, with the feed half filled, where a chunk is damaged."""
    stores = feed.stores()
    if stores.keys() != described.keys():
        raise RefusedError("it remembers episodes in another way than config.toml says")
    for name, store in stores.items():
        there = described[name]
        firsts = [*(chunk.first for chunk in there.chunks), there.added]
        ends = [chunk.first + chunk.count for chunk in there.chunks]
        if firsts[1:] != ends or firsts[0] > there.added - there.size:
            raise RefusedError(f"chunks of the replay {name!r} are missing")
        restore(store, there.added, there.size, firsts[0], (_read_chunk(folder, chunk) for chunk in there.chunks))


def remove_unused(folder: Path, used: Iterable[ReplayOnDisk]) -> None:
    """Drop chunks that no checkpoint refers to any more, and those that were never finished."""
    names = {chunk.file for replay in used for store in replay.values() for chunk in store.chunks}
    for path in (*folder.glob("*-*.pt"), *folder.glob(".*.writing")):
        if path.name not in names:
            path.unlink(missing_ok=True)


def restore(store: EpisodeStore, added: int, size: int, first: int, parts: Iterable[Episodes]) -> None:
    """Let `store` hold the last `size` of `added` episodes. parts: all from number `first` on, in order.

    A store of another capacity than the one that was saved keeps the newest. Raises RefusedError for what cannot be
    episodes of this environment.
    """
    kept = min(size, store.capacity)
    shift = 0 if size == min(added, store.capacity) else added - kept
    store.clear()
    for part in parts:
        count = check_episodes(part, store.spec)
        if store.data and store.data.keys() != part.keys():
            raise RefusedError("its episodes are not all of one kind")
        skip = min(max(added - kept - first, 0), count)
        rows = torch.arange(first + skip - shift, first + count - shift) % store.capacity
        store.put(rows, {name: value[skip:] for name, value in part.items()})
        first += count
    store.size, store.added, store.next = kept, added - shift, (added - shift) % store.capacity


def check_episodes(part: Episodes, spec: EnvSpec) -> int:
    """How many episodes these are. Raises RefusedError where they are none that `spec` allows."""
    steps, fields = spec.time_limit, stored_fields(spec)
    if not {name for name, field in fields.items() if not field.optional} <= part.keys() <= fields.keys():
        raise RefusedError("its episodes have other fields than these")
    for name, value in part.items():
        wanted = (getattr(torch, fields[name].dtype), fields[name].size(steps))
        if not isinstance(value, Tensor) or (value.dtype, tuple(value.shape[1:])) != wanted:
            raise RefusedError(f"its episodes have another {name} than {spec.key} has")
    counts = {len(value) for value in part.values()}
    if len(counts) > 1:
        raise RefusedError("its episodes are not whole")
    lengths = part["length"]
    actions = part["actions"]
    if ((lengths < 1) | (lengths > steps)).any() or ((actions < 0) | (actions > spec.num_actions - 1)).any():
        raise RefusedError(f"its episodes could not have been played in {spec.key}")
    return counts.pop()


def chunk_length(store: EpisodeStore) -> int:
    """Episodes in a full chunk: always the same for one store."""
    row = sum(value[0].nbytes for value in store.data.values())
    return max(1, min(max(-(-store.capacity // CHUNKS), MIN_EPISODES), MAX_BYTES // max(row, 1)))


def _write_store(name: str, store: EpisodeStore, folder: Path, before: Sequence[Chunk]) -> list[Chunk]:
    if not store.size:
        return []
    oldest, length = store.added - store.size, chunk_length(store)
    known = {chunk.first // length: chunk for chunk in before}
    chunks = []
    for number in range(oldest // length, -(-store.added // length)):
        first, last = max(number * length, oldest), min((number + 1) * length, store.added)
        chunk = known.get(number)
        if chunk is None or not _still_holds(chunk, folder, first, last):
            rows = (torch.arange(first, last) % store.capacity).to(store.device)
            episodes = {field: value[rows].cpu() for field, value in store.data.items()}
            chunk = _write_chunk(f"{name}-{number:08d}", folder, first, episodes)
        chunks.append(chunk)
    return chunks


def _still_holds(chunk: Chunk, folder: Path, first: int, last: int) -> bool:
    try:
        there = (folder / chunk.file).stat().st_size == chunk.bytes
    except OSError:
        return False
    return there and chunk.first <= first and chunk.first + chunk.count == last


def _write_chunk(name: str, folder: Path, first: int, episodes: Episodes) -> Chunk:
    data = tensor_bytes(dict(episodes))
    checksum = hashlib.sha256(data).hexdigest()
    path = folder / f"{name}-{checksum[:16]}.pt"
    write_atomically(path, data)
    return Chunk(file=path.name, first=first, count=len(episodes["actions"]), bytes=len(data), sha256=checksum)


def _read_chunk(folder: Path, chunk: Chunk) -> Episodes:
    with open_tensors(folder / chunk.file, chunk.bytes) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != chunk.sha256:
            raise RefusedError(f"{chunk.file} is not what was written")
        episodes = load_tensors(file)
    if not isinstance(episodes, dict) or len(episodes.get("actions", ())) != chunk.count:
        raise RefusedError(f"{chunk.file} holds no episodes")
    return episodes
