"""What is remembered: episodes, stored once and small, and drawn again by one of several strategies."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lockstep._gather import Columns, gather_obs, gather_steps, pack_obs
from lockstep.batch import EpisodeBatch
from lockstep.config.schema import ReplayConfig
from lockstep.spec import BYTE_BITS, FLAG_BITS, FLOAT_BITS, EnvSpec


class ObsPacking:
    """Observations as bytes: 0/1 features as single bits, small integers as a byte, the rest as float32. Exact.

    RWARE's 71 float32 (284 bytes) become 11 bytes.
    """

    def __init__(self, bits: tuple[int, ...], device: torch.device) -> None:
        widths = torch.tensor(bits)
        columns = [torch.nonzero(widths == width)[:, 0] for width in (BYTE_BITS, FLOAT_BITS, FLAG_BITS)]
        self.bytes, self.floats, self.flags = (column.to(device) for column in columns)
        self.num_bytes, self.num_floats, self.num_flags = (len(column) for column in columns)
        self.packed_dim = self.num_bytes + 4 * self.num_floats + (self.num_flags + 7) // 8
        order = torch.cat(columns)
        self.columns: Columns = (columns[0].numpy(), columns[1].numpy(), columns[2].numpy())  # bytes, floats, flags
        in_order = bool((order == torch.arange(len(bits))).all())
        self.restore = None if in_order else torch.argsort(order).to(device)
        self.weights = (1 << torch.arange(8, device=device)).to(torch.uint8)
        every_byte = torch.arange(256, device=device).unsqueeze(1)
        self.byte_to_flags = ((every_byte >> torch.arange(8, device=device)) & 1).to(torch.float32)  # (256, 8)

    def pack(self, obs: Tensor) -> Tensor:
        """(..., O) float32 -> (..., packed_dim) uint8"""
        if obs.device.type != "cpu":
            return self._pack(obs)
        packed = torch.empty((*obs.shape[:-1], self.packed_dim), dtype=torch.uint8)
        rows = obs.reshape(-1, obs.shape[-1])
        pack_obs(rows.numpy(), self.columns, packed.view(-1, self.packed_dim).numpy())
        return packed

    def _pack(self, obs: Tensor) -> Tensor:
        parts = [obs.index_select(-1, self.bytes).to(torch.uint8)]
        if self.num_floats:
            parts.append(obs.index_select(-1, self.floats).contiguous().view(torch.uint8))
        flags = obs.index_select(-1, self.flags).to(torch.uint8)
        flags = torch.nn.functional.pad(flags, (0, -self.num_flags % 8))
        octets = flags.view(*flags.shape[:-1], -1, 8)
        parts.append((octets * self.weights).sum(-1, dtype=torch.uint8))
        return torch.cat(parts, dim=-1)

    def unpack(self, packed: Tensor) -> Tensor:
        """(..., packed_dim) uint8 -> (..., O) float32"""
        shape = packed.shape[:-1]
        rows = packed.reshape(-1, self.packed_dim)
        first_flag = self.num_bytes + 4 * self.num_floats
        parts = [rows[:, : self.num_bytes].to(torch.float32)]
        if self.num_floats:
            parts.append(rows[:, self.num_bytes : first_flag].contiguous().view(torch.float32))
        flags = self.byte_to_flags.index_select(0, rows[:, first_flag:].reshape(-1).int())
        parts.append(flags.view(len(rows), -1)[:, : self.num_flags])
        obs = torch.cat(parts, dim=-1)
        if self.restore is not None:
            obs = obs.index_select(-1, self.restore)
        return obs.view(*shape, -1)


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
        self.packing = ObsPacking(spec.obs_bits, device)
        self.size = 0
        self.next = 0
        self.added = 0
        """Episodes that ever came: number n of them lies, or lay, in row n % capacity."""
        self.data: dict[str, Tensor] = {}

    def add(self, batch: EpisodeBatch) -> None:
        """Append the batch's episodes; where there is no room, the oldest give way."""
        rows = {name: value[-self.capacity :] for name, value in self._encode(batch).items()}
        if not self.data:
            # Untouched memory of `empty` costs nothing until an episode is written to it.
            self.data = {
                name: torch.empty((self.capacity, *value.shape[1:]), dtype=value.dtype, device=self.device)
                for name, value in rows.items()
            }
        count = len(rows["actions"])
        first = min(count, self.capacity - self.next)
        for name, value in rows.items():
            self.data[name][self.next : self.next + first] = value[:first]
            self.data[name][: count - first] = value[first:]
        self.next = (self.next + count) % self.capacity
        self.added += count
        self.size = min(self.size + count, self.capacity)

    def draw(self, count: int, steps: int, rng: np.random.Generator) -> Pieces:
        """`count` episodes drawn uniformly with replacement, whole (steps = 0) or a random piece of `steps` of each."""
        rows = rng.integers(self.size, size=count)
        if steps == 0 or steps >= self.spec.time_limit:
            return Pieces(rows, np.zeros_like(rows), self.spec.time_limit)
        latest = (self.data["length"].cpu().numpy()[rows, 0] - steps).clip(min=0)
        return Pieces(rows, rng.integers(latest + 1), steps)

    def get(self, pieces: Pieces) -> EpisodeBatch:
        """A piece that is cut before its episode's end is neither terminated nor truncated there: it is just cut."""
        batch = self.room(len(pieces.rows), pieces.steps)
        self.fill(batch, pieces)
        return batch

    def room(self, count: int, steps: int) -> EpisodeBatch:
        """A batch of `count` pieces of `steps` steps, for `fill`."""
        spec = self.spec

        def empty(dtype: torch.dtype, *shape: int) -> Tensor:
            return torch.empty((count, *shape), dtype=dtype, device=self.device)

        return EpisodeBatch(
            obs=empty(torch.float32, steps + 1, spec.num_agents, spec.obs_dim),
            actions=empty(torch.int64, steps, spec.num_agents),
            reward=empty(torch.float32, steps, 1),
            terminated=empty(torch.bool, steps, 1),
            truncated=empty(torch.bool, steps, 1),
            filled=empty(torch.bool, steps, 1),
            available=empty(torch.bool, steps + 1, spec.num_agents, spec.num_actions)
            if "available" in self.data
            else None,
            own_state=empty(torch.float32, steps + 1, spec.own_state_dim) if "own_state" in self.data else None,
        )

    def fill(self, batch: EpisodeBatch, pieces: Pieces) -> None:
        """Write the pieces into `batch`, which has room for exactly them."""
        optional = {"available": batch.available, "own_state": batch.own_state}
        if self.device.type == "cpu":
            self._fill_compiled(batch, pieces)
        else:
            self._fill(batch, pieces)
        for name, out in optional.items():
            if out is not None:
                out.copy_(self._pick(name, pieces, pieces.steps + 1))

    def _fill_compiled(self, batch: EpisodeBatch, pieces: Pieces) -> None:
        data = {name: value.numpy() for name, value in self.data.items()}
        rows, starts, _ = pieces
        gather_obs(data["obs"], rows, starts, self.packing.columns, batch.obs.numpy())
        gather_steps(
            data["actions"], data["reward"], data["length"], data["terminated"], rows, starts, batch.actions.numpy(),
            batch.reward.numpy(), batch.terminated.numpy(), batch.truncated.numpy(), batch.filled.numpy(),
        )  # fmt: skip

    def _fill(self, batch: EpisodeBatch, pieces: Pieces) -> None:
        rows = torch.from_numpy(pieces.rows).to(self.device)
        first = torch.from_numpy(pieces.starts).to(self.device).view(-1, 1, 1)
        length = self.data["length"].index_select(0, rows).unsqueeze(-1)  # (b, 1, 1)
        steps_done = first + torch.arange(1, pieces.steps + 1, device=self.device).view(1, -1, 1)
        at_end = steps_done == length
        ends = at_end & self.data["terminated"].index_select(0, rows).unsqueeze(-1)
        batch.obs.copy_(self.packing.unpack(self._pick("obs", pieces, pieces.steps + 1)))
        batch.actions.copy_(self._pick("actions", pieces, pieces.steps))
        batch.reward.copy_(self._pick("reward", pieces, pieces.steps))
        batch.terminated.copy_(ends)
        batch.truncated.copy_(at_end & ~ends)
        batch.filled.copy_(steps_done <= length)

    def _pick(self, name: str, pieces: Pieces, count: int) -> Tensor:
        """`count` steps of a field from each piece's start on: (b, count, ...)."""
        data = self.data[name]
        rows, starts = (torch.from_numpy(value).to(self.device) for value in (pieces.rows, pieces.starts))
        index = (rows * data.shape[1] + starts).unsqueeze(1) + torch.arange(count, device=self.device)
        return data.flatten(0, 1).index_select(0, index.flatten()).view(*index.shape, *data.shape[2:])

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
        self.size, self.next = state["size"], state["next"]
        self.added = self.size if self.size < self.capacity else self.capacity + self.next
        self.data = {}
        for name, value in state["data"].items():
            self.data[name] = torch.empty((self.capacity, *value.shape[1:]), dtype=value.dtype, device=self.device)
            self.data[name][: self.size] = value

    def _encode(self, batch: EpisodeBatch) -> dict[str, Tensor]:
        rows = {
            "obs": self.packing.pack(batch.obs.to(self.device)),
            "actions": batch.actions.to(torch.uint8),
            "reward": batch.reward,
            "length": batch.lengths().to(torch.int32).unsqueeze(1),
            "terminated": batch.terminated.any(1),  # (B, 1): an episode ends but once, with its last step
        }
        if batch.available is not None:
            rows["available"] = batch.available
        if batch.own_state is not None:
            rows["own_state"] = batch.own_state
        return rows


class Replay(Protocol):
    """What the trainer needs of a memory."""

    def add(self, batch: EpisodeBatch) -> None:
        """Remember these episodes."""

    def ready(self) -> bool:
        """Whether there is enough to study."""

    def sample(self, rng: np.random.Generator) -> EpisodeBatch:
        """`batch_size` episodes, or pieces of them."""

    def counts(self) -> dict[str, int]:
        """Episodes held, by the names of `lockstep.metrics`."""

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
