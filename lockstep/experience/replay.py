"""What is remembered: episodes, stored once and small, and drawn again by one of several strategies."""

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lockstep.acting.policy import check_actions
from lockstep.compute.cuda_graph import CudaGraph
from lockstep.config.schema import ReplayConfig
from lockstep.errors import UserError
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.replay_kernel import Columns, gather_endings, gather_obs, gather_rows, pack_obs
from lockstep.spec import BYTE_BITS, FLAG_BITS, FLOAT_BITS, EnvSpec, episode_fields, packed_dim, stored_fields


class ObsPacking:
    """Observations as bytes: 0/1 features as single bits, small integers as a byte, the rest as float32. Exact.

    RWARE's 71 float32 (284 bytes) become 11 bytes.
    """

    def __init__(self, bits: tuple[int, ...], device: torch.device) -> None:
        widths = torch.tensor(bits)
        columns = [torch.nonzero(widths == width)[:, 0] for width in (BYTE_BITS, FLOAT_BITS, FLAG_BITS)]
        self.bits = bits
        self.columns: Columns = (columns[0].numpy(), columns[1].numpy(), columns[2].numpy())  # bytes, floats, flags
        num_bytes, num_floats, num_flags = (len(column) for column in columns)
        self.floats = columns[1].to(device)
        self.float_bytes = slice(num_bytes, num_bytes + 4 * num_floats)
        self.packed_dim = packed_dim(bits)
        # Where every feature's bits are; a float's are read separately.
        flag = torch.arange(num_flags)
        source, shift, mask = (torch.zeros(len(bits), dtype=torch.int64) for _ in range(3))
        source[columns[0]], mask[columns[0]] = torch.arange(num_bytes), 255
        source[columns[2]], shift[columns[2]], mask[columns[2]] = self.float_bytes.stop + flag // 8, flag % 8, 1
        self.source, self.shift, self.mask = source.to(device), shift.byte().to(device), mask.byte().to(device)

    def pack(self, obs: Tensor) -> Tensor:
        """(..., O) float32 on the CPU -> (..., packed_dim) uint8. Raises UserError for what would come back as another
        number."""
        packed = torch.empty((*obs.shape[:-1], self.packed_dim), dtype=torch.uint8)
        rows = obs.reshape(-1, obs.shape[-1])
        wrong = pack_obs(rows.numpy(), self.columns, packed.view(-1, self.packed_dim).numpy())
        if wrong >= 0:
            row, feature = divmod(wrong, obs.shape[-1])
            declared = "0 or 1" if self.bits[feature] == FLAG_BITS else "a whole number from 0 to 255"
            raise UserError(
                f"Observation feature {feature} is {rows[row, feature].item():g}, and the environment declares it as "
                f"{declared}: it cannot be remembered. Declare it as float32; `lockstep doctor env` checks it all."
            )
        return packed

    def unpack(self, packed: Tensor) -> Tensor:
        """(..., packed_dim) uint8 -> (..., O) float32"""
        obs = ((packed.index_select(-1, self.source) >> self.shift) & self.mask).to(torch.float32)
        if len(self.floats):
            numbers = packed[..., self.float_bytes].contiguous().view(torch.float32)
            obs.index_copy_(-1, self.floats, numbers)
        return obs


class Pieces(NamedTuple):
    """Parts of remembered episodes."""

    rows: NDArray[np.int64]
    """(b,): which episodes, 0 <= row < size."""
    starts: NDArray[np.int64]
    """(b,): the first step of each."""
    steps: int
    """So many of each."""


class EpisodeStore:
    """A ring of at most `capacity` episodes. Nothing derivable is kept: states, masks and one-hots come on sampling."""

    def __init__(self, spec: EnvSpec, capacity: int, device: torch.device) -> None:
        self.spec, self.capacity, self.device = spec, capacity, device
        self.table, self.packing = episode_fields(spec), ObsPacking(spec.obs_bits, device)
        self.size = 0
        self.next = 0
        self.added = 0
        """Episodes that ever came: number n of them lies, or lay, in row n % capacity."""
        self.data: dict[str, Tensor] = {}
        self.lengths = np.zeros(capacity, dtype=np.int64)
        """Steps of every episode, where the host can read them: drawing pieces must not wait for a GPU."""
        self.rooms: dict[tuple[int, int], EpisodeBatch] = {}
        self.fillings: dict[int, _Filling] = {}

    def add(self, batch: EpisodeBatch) -> None:
        """Append the batch's episodes; where there is no room, the oldest give way.

        A run may go on in a world that has no masks any more, where there were some: then everything is allowed.
        """
        rows = {name: value[-self.capacity :] for name, value in self._encode(batch).items()}
        count = len(rows["actions"])
        if "available" in self.data and "available" not in rows:
            rows["available"] = torch.ones(count, *self.data["available"].shape[1:], dtype=torch.bool)
        self.lengths[(self.next + np.arange(count)) % self.capacity] = rows["length"][:, 0].numpy()
        self._make_room(rows)
        first = min(count, self.capacity - self.next)
        for name, value in rows.items():
            there = self.moved(value)
            self.data[name][self.next : self.next + first] = there[:first]
            self.data[name][: count - first] = there[first:]
        self.next = (self.next + count) % self.capacity
        self.added += count
        self.size = min(self.size + count, self.capacity)

    def put(self, rows: Tensor, episodes: Mapping[str, Tensor]) -> None:
        """Write episodes as they lie in `data` into `rows` (b,), both on the CPU. Counters stay as they are."""
        self._make_room(episodes)
        self.lengths[rows.numpy()] = episodes["length"][:, 0].numpy()
        for name, value in episodes.items():
            self.data[name][rows.to(self.device)] = value.to(self.device)

    def forget(self) -> None:
        """Hold no episode any more. The next one starts at row 0, so some numbers are passed over."""
        self.added = -(-self.added // self.capacity) * self.capacity
        self.size = self.next = 0

    def clear(self) -> None:
        """Hold nothing, as when it was made."""
        self.size = self.next = self.added = 0
        self.data, self.fillings = {}, {}

    def _make_room(self, episodes: Mapping[str, Tensor]) -> None:
        if not self.data:
            # Untouched memory of `empty` costs nothing until an episode is written to it.
            self.data = {
                name: torch.empty((self.capacity, *value.shape[1:]), dtype=value.dtype, device=self.device)
                for name, value in episodes.items()
            }

    def draw(self, count: int, steps: int, rng: np.random.Generator) -> Pieces:
        """`count` episodes drawn uniformly with replacement, whole (steps = 0) or a random piece of `steps` of each."""
        rows = rng.integers(self.size, size=count)
        if steps == 0 or steps >= self.spec.time_limit:
            return Pieces(rows, np.zeros_like(rows), self.spec.time_limit)
        latest = (self.lengths[rows] - steps).clip(min=0)
        return Pieces(rows, rng.integers(latest + 1), steps)

    def get(self, pieces: Pieces) -> EpisodeBatch:
        """A piece that is cut before its episode's end is neither terminated nor truncated there: it is just cut."""
        batch = self.room(len(pieces.rows), pieces.steps)
        self.fill(batch, pieces)
        return batch

    def room(self, count: int, steps: int) -> EpisodeBatch:
        """A batch of `count` pieces of `steps` steps, for `fill`.

        On a GPU it is the same memory every time, which is what a recorded update reads (algorithms/gpu): there, the
        work on one batch is queued before the next one is drawn, and done in that order.
        """
        if self.device.type == "cpu":
            return self._new_room(count, steps)
        if (count, steps) not in self.rooms:
            self.rooms[count, steps] = self._new_room(count, steps)
        return self.rooms[count, steps]

    def _new_room(self, count: int, steps: int) -> EpisodeBatch:
        absent = [name for name, field in self.table.items() if field.optional and name not in self.data]
        return EpisodeBatch.empty(self.spec, count, steps, absent, self.device)

    def fill(self, batch: EpisodeBatch, pieces: Pieces) -> None:
        """Write the pieces into `batch`, which has room for exactly them."""
        if self.device.type == "cpu":
            self._fill_compiled(batch, pieces)
            return
        if batch.obs.data_ptr() not in self.fillings:
            self.fillings[batch.obs.data_ptr()] = _Filling(self, batch)
        self.fillings[batch.obs.data_ptr()].fill(pieces)

    def _fill_compiled(self, batch: EpisodeBatch, pieces: Pieces) -> None:
        data = {name: value.numpy() for name, value in self.data.items()}
        rows, starts, _ = pieces
        for name, out in batch.fields().items():
            match self.table[name].stored:
                case "packed":
                    gather_obs(data[name], rows, starts, self.packing.columns, out.numpy())
                case "at the end" | "not":
                    pass
                case _:
                    row_numbers = prod(self.table[name].shape)
                    gather_rows(_flat(data[name]), rows, starts * row_numbers, _flat(out.numpy()))
        gather_endings(
            data["length"], data["terminated"], rows, starts, batch.terminated.numpy(), batch.truncated.numpy(),
            batch.filled.numpy(),
        )  # fmt: skip

    def fill_uncompiled(self, batch: EpisodeBatch, rows: Tensor, first: Tensor) -> None:
        """The same in torch's operations, for any device. rows, first: as `Pieces`, (b,) there."""
        data = self.data
        steps = torch.arange(batch.actions.shape[1], device=self.device)
        length = data["length"].index_select(0, rows)  # (b, 1)
        left = (length - first.unsqueeze(1) - steps).unsqueeze(-1)  # (b, steps, 1), this step among them
        ends = (left == 1) & data["terminated"].index_select(0, rows).unsqueeze(-1)
        batch.terminated.copy_(ends)
        batch.truncated.copy_((left == 1) & ~ends)
        batch.filled.copy_(left > 0)
        for name, out in batch.fields().items():
            if self.table[name].stored in ("at the end", "not"):
                continue
            stored = data[name]  # (episodes, rows, ...)
            numbers = (rows * stored.shape[1] + first).unsqueeze(1) + torch.arange(out.shape[1], device=self.device)
            found = stored.flatten(0, 1).index_select(0, numbers.flatten())
            found = self.packing.unpack(found) if self.table[name].stored == "packed" else found
            out.copy_(found.view(out.shape))

    def moved(self, value: Tensor) -> Tensor:
        """To where the store is; the host does not wait for it."""
        return value if self.device.type == "cpu" else value.pin_memory().to(self.device, non_blocking=True)

    def num_rewarding(self) -> int:
        """Episodes held that earned something."""
        if not self.size:
            return 0
        happened = (
            self.data["length"][: self.size, None] > torch.arange(self.spec.time_limit, device=self.device)[:, None]
        )
        return int(((self.data["reward"][: self.size] * happened).sum((1, 2)) > 0).sum())

    def num_bytes(self) -> int:
        """Memory of the episodes held now."""
        return sum(value[: self.size].nbytes for value in self.data.values())

    def state_dict(self) -> dict[str, Any]:
        return {
            "size": self.size,
            "next": self.next,
            "data": {name: value[: self.size].clone() for name, value in self.data.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.clear()
        self.size, self.next = state["size"], state["next"]
        self.added = self.size if self.size < self.capacity else self.capacity + self.next
        if state["data"]:
            self.put(torch.arange(self.size), state["data"])

    def _encode(self, batch: EpisodeBatch) -> dict[str, Tensor]:
        """The episodes as they are remembered; see `lockstep.spec.stored_fields`."""
        check_actions(batch.actions.numpy(), self.spec.num_actions)
        kept = stored_fields(self.spec)
        rows = {"length": batch.lengths().unsqueeze(1)}
        for name, value in batch.fields().items():
            match self.table[name].stored:
                case "packed":
                    rows[name] = self.packing.pack(value)
                case "at the end":
                    rows[name] = value.any(1)
                case "not":
                    pass
                case _:
                    rows[name] = value
        return {name: value.to(getattr(torch, kept[name].dtype)) for name, value in rows.items()}


def _flat(rows: NDArray[Any]) -> NDArray[Any]:
    """(episodes, rows, ...) -> (episodes, numbers)"""
    return rows.reshape(len(rows), -1)


class _Filling:
    """`EpisodeStore.fill` of one room on a GPU, recorded; the host only says which pieces."""

    def __init__(self, store: EpisodeStore, batch: EpisodeBatch) -> None:
        self.store = store
        self.index = torch.zeros(2, batch.num_episodes, dtype=torch.int64, device=store.device)
        self.recorded = CudaGraph(lambda: store.fill_uncompiled(batch, *self.index))

    def fill(self, pieces: Pieces) -> None:
        self.index.copy_(self.store.moved(torch.from_numpy(np.stack(pieces[:2]))))
        self.recorded.play()


class Replay(Protocol):
    """What the trainer needs of a memory."""

    def add(self, batch: EpisodeBatch) -> None:
        """Remember these episodes."""

    def ready(self) -> bool:
        """Whether there is enough to study."""

    def sample(self, rng: np.random.Generator) -> EpisodeBatch:
        """`batch_size` episodes, or pieces of them."""

    def counts(self) -> dict[str, int]:
        """Episodes held, by the names of `lockstep.runs.metrics`."""

    def stores(self) -> dict[str, EpisodeStore]:
        """The rings that it is made of, by name."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class UniformReplay:
    """Every remembered episode alike (Mnih et al. 2015)."""

    def __init__(self, spec: EnvSpec, config: ReplayConfig, device: torch.device) -> None:
        self.batch_size, self.segment_steps = config.batch_size, config.segment_steps
        self.store = EpisodeStore(spec, config.buffer_size, device)

    def add(self, batch: EpisodeBatch) -> None:
        self.store.add(batch)

    def ready(self) -> bool:
        return self.store.size >= self.batch_size

    def sample(self, rng: np.random.Generator) -> EpisodeBatch:
        return self.store.get(self.store.draw(self.batch_size, self.segment_steps, rng))

    def counts(self) -> dict[str, int]:
        return {"replay_episodes": self.store.size, "replay_rewarding_episodes": self.store.num_rewarding()}

    def stores(self) -> dict[str, EpisodeStore]:
        return {"store": self.store}

    def state_dict(self) -> dict[str, Any]:
        return {"store": self.store.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.store.load_state_dict(state["store"])


class RewardingReplay:
    """A second memory for episodes that earned something, and a fixed share of every batch drawn from it.

    Where one random episode in 300 is rewarded, a uniform batch holds none of them, and what was found is soon pushed
    out by what was not. (PyMARL2 gives episodes a priority by return; the split here keeps both shares exact.)
    """

    def __init__(self, spec: EnvSpec, config: ReplayConfig, device: torch.device) -> None:
        self.batch_size, self.segment_steps = config.batch_size, config.segment_steps
        self.num_rewarding = round(config.batch_size * config.rewarding_fraction)
        self.all = EpisodeStore(spec, config.buffer_size, device)
        self.rewarding = EpisodeStore(spec, config.rewarding_buffer_size, device)

    def add(self, batch: EpisodeBatch) -> None:
        self.all.add(batch)
        rows = torch.nonzero(batch.returns() > 0)[:, 0]
        if len(rows):
            self.rewarding.add(batch.select(rows))

    def ready(self) -> bool:
        return self.all.size >= self.batch_size

    def sample(self, rng: np.random.Generator) -> EpisodeBatch:
        num_rewarding = self.num_rewarding if self.rewarding.size else 0
        ordinary = self.batch_size - num_rewarding
        shares = ((self.all, 0, ordinary), (self.rewarding, ordinary, num_rewarding))
        drawn = [(store, first, store.draw(count, self.segment_steps, rng)) for store, first, count in shares if count]
        batch = self.all.room(self.batch_size, drawn[0][2].steps)
        for store, first, pieces in drawn:
            store.fill(batch.select(slice(first, first + len(pieces.rows))), pieces)
        return batch

    def counts(self) -> dict[str, int]:
        return {"replay_episodes": self.all.size, "replay_rewarding_episodes": self.rewarding.size}

    def stores(self) -> dict[str, EpisodeStore]:
        return {"all": self.all, "rewarding": self.rewarding}

    def state_dict(self) -> dict[str, Any]:
        return {"all": self.all.state_dict(), "rewarding": self.rewarding.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.all.load_state_dict(state["all"])
        self.rewarding.load_state_dict(state["rewarding"])


def build_replay(spec: EnvSpec, config: ReplayConfig, device: torch.device) -> Replay:
    """The configured strategy."""
    strategy = RewardingReplay if config.rewarding_fraction > 0 else UniformReplay
    return strategy(spec, config, device)
