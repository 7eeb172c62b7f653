"""The gradient of a batch, worked out by several processes, each on its share of the episodes.

Torch's own threads split every single operation. An update has hundreds of small ones, so the threads wait for each
other more than they work, or spin and starve whatever else the machine runs; and Python threads queue for one lock.
Processes meet once per update. They share the weights (one vector each for online and target networks), a batch that
the learner fills, and a gradient that they fill; what they say to each other are a few bytes.
"""

import json
import mmap
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib import import_module
from itertools import pairwise
from math import ceil, prod
from multiprocessing.connection import Connection
from socket import socketpair
from typing import Any, Self

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from lockstep.algorithms.learner import Metrics
from lockstep.algorithms.registry import algorithm_of, architecture, batch_shape
from lockstep.compute.child_process import ChildProcess
from lockstep.compute.machine import cores
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.experience.episodes import EpisodeBatch
from lockstep.spec import EnvSpec, episode_fields

Gradient = Callable[[EpisodeBatch], tuple[Tensor, Metrics, Tensor]]

MIN_EPISODES = 16
"""A share of fewer is not worth a process."""
FIXED_MS, FLOP_A_MS, FLOP_A_WEIGHT = 0.9, 60e6, 7.3
"""Of an update: milliseconds before any arithmetic; what a core does in a millisecond; operations for every weight, in
every step. Measured."""
HELPER_MS = 2.0
"""Milliseconds that every helper after the first costs, on machines that are slow to wake them and to bring them
together: `solve` made 106 updates a second with four shares on 16 cores, and 130 to 150 with two on two."""
START_SECONDS = 300.0
"""How long a helper may take for its first share, for which it starts and compiles."""
SILENT_SECONDS = 30.0
"""How long it may take for any other; none takes a tenth of that. To be wrong costs time, and changes no number."""
LOOK_SECONDS = 1.0
"""A learner that was asleep itself has waited no longer than one look."""
MAX_SILENCES = 3
"""So many in a row are no accident."""


def num_shares(config: RunConfig, spec: EnvSpec) -> int:
    """Processes, or threads, that work on one batch: as many as `training.num_threads` says, or by itself as many as
    make an update quickest on the cores there are; never more than the batch keeps busy."""
    if config.training.on_gpu or sys.platform == "win32":  # where processes cannot hand over their memory
        return 1
    episodes = batch_shape(config, 1)[0]
    if algorithm_of(config).threads:
        return min(config.training.num_threads or cores(), episodes)
    busy = max(1, episodes // MIN_EPISODES)
    if config.training.num_threads:
        return min(config.training.num_threads, busy)
    most = min(cores(), busy)
    return min(range(min(most, 2), most + 1), key=lambda shares: update_ms(config, spec, shares))


def update_ms(config: RunConfig, spec: EnvSpec, shares: int) -> float:
    """Milliseconds that an update is expected to take: the largest share, and what it costs to have so many helpers.
    `docs/performance.md` has what it was fitted to."""
    episodes, steps = batch_shape(config, spec.time_limit)
    largest = max(
        last - first for first, last in pairwise(share_bounds(episodes, shares, config.training.learner_share))
    )
    weights = {name: prod(shape) for name, shape in architecture(spec, config).shapes}
    agent = sum(size for name, size in weights.items() if name.startswith("agent"))
    flop_a_step = FLOP_A_WEIGHT * (agent * spec.num_agents + sum(weights.values()) - agent)
    return FIXED_MS + largest * steps * flop_a_step / FLOP_A_MS + HELPER_MS * max(shares - 2, 0)


def share_bounds(episodes: int, shares: int, own: float) -> list[int]:
    """Where shares begin and end: the learner's has `own` times as many episodes as each helper's, at least one."""
    first = max(1, round(episodes * own / (own + shares - 1))) if shares > 1 else episodes
    return [0, *(first + (episodes - first) * part // max(shares - 1, 1) for part in range(shares))]


def one_thread() -> None:
    """Torch and BLAS (which numba takes from scipy) on one thread each: processes share the work, not threads."""
    torch.set_num_threads(1)
    import_module("scipy.linalg.cython_blas")  # limits reach only what is loaded
    threadpool_limits(1, user_api="blas")


class GradientWorkers:
    """Owns the memory of the weights, and the processes (none on a GPU, with one thread, or for tiny batches)."""

    def __init__(self, spec: EnvSpec, config: RunConfig, num_weights: int) -> None:
        self.count, self.own = num_shares(config, spec), config.training.learner_share
        self.helpers: list[GradientWorker] = []
        if self.count == 1:
            self.online, self.target = torch.zeros(2, num_weights, device=config.training.device)
            return
        weights = SharedMemory.create(2 * 4 * num_weights)
        self.online, self.target = weights.tensor(torch.float32, (2, num_weights))
        self._start = partial(GradientWorker, spec, config, num_weights, weights)
        self.helpers = [self._start() for _ in range(self.count - 1)]
        self.silences = 0
        """How often in a row a helper was silent for too long."""

    def gradient(
        self, gradient: Gradient, batch: EpisodeBatch, meanwhile: Callable[[], None] | None = None
    ) -> tuple[Tensor, Metrics, Tensor]:
        """`gradient(batch)`: a loss, its metrics and its gradient, all of them means over the steps that happened.

        The mean over a batch is the mean of its shares' means, each weighing as many steps as it holds. So the number
        of shares shows in the last digits only, and who is ready first does not show at all.
        `meanwhile` is called when the learner has done its own share. What a helping process does not answer in time,
        the learner works out itself, to the same bits, and starts it anew. Raises UserError when one has died, or is
        silent again and again.
        """
        bounds = share_bounds(batch.num_episodes, self.count, self.own)
        parts = [batch.select(slice(first, last)) for first, last in pairwise(bounds)]
        for helper, part in zip(self.helpers, parts[1:], strict=True):
            helper.begin(part)
        own = gradient(parts[0])
        if meanwhile is not None:
            meanwhile()
        if not self.helpers:
            return own
        results = [own]
        for helper, part in zip(tuple(self.helpers), parts[1:], strict=True):
            answer = helper.end()
            if answer is None:
                self._replace(helper)
                loss, metrics, vector = results[0]
                results[0] = loss, metrics, vector.clone()  # the next call may write where it lies
                loss, metrics, vector = gradient(part)
                answer = loss, metrics, vector.clone()
            else:
                self.silences = 0
            results.append(answer)
        return combined(results, parts)

    def _replace(self, silent: "GradientWorker") -> None:
        """Start a helper anew, and say so. Raises UserError where that was done too often for nothing."""
        self.silences += 1
        silent.process.end()
        if self.silences >= MAX_SILENCES:
            raise UserError(
                f"A process that helps the learner was silent for too long, {self.silences} times in a row, although "
                "it was started anew. `lockstep resume` continues from the last checkpoint; training.num_threads=1 "
                "needs no helpers."
            )
        print(
            f"A process that helps the learner did not answer for {SILENT_SECONDS:.0f} s: it is started anew, and its "
            "share is worked out here, so nothing is lost.",
            file=sys.stderr,
            flush=True,
        )
        self.helpers[self.helpers.index(silent)] = self._start()


class GradientWorker:
    """A process that works on one share of every batch; `lockstep.algorithms.fast.share_worker` is its other end."""

    def __init__(self, spec: EnvSpec, config: RunConfig, num_weights: int, weights: "SharedMemory") -> None:
        whole, steps = batch_shape(config, spec.time_limit)
        bounds = share_bounds(whole, num_shares(config, spec), config.training.learner_share)
        episodes = max(last - first for first, last in pairwise(bounds[1:]))
        self.exchange = Exchange.create(spec, num_weights, episodes, steps)
        ours, theirs = socketpair()
        with theirs:
            descriptors = [theirs.fileno(), weights.descriptor, self.exchange.memory.descriptor]
            self.process = ChildProcess("lockstep.algorithms.fast.share_worker", descriptors=descriptors)
        self.line = Connection(ours.detach())
        self.has_answered = False
        self._say(
            {
                "spec": asdict(spec),
                "config": config.model_dump(mode="json"),
                "num_weights": num_weights,
                "episodes": episodes,
                "steps": steps,
            }
        )

    def begin(self, share: EpisodeBatch) -> None:
        """Hand over a share."""
        self._say(self.exchange.write(share))

    def end(self) -> tuple[Tensor, Metrics, Tensor] | None:
        """Wait for what became of it; None where it is silent for too long."""
        seconds = SILENT_SECONDS if self.has_answered else START_SECONDS
        if not any(self.line.poll(LOOK_SECONDS) for _ in range(ceil(seconds / LOOK_SECONDS))):
            return None
        self.has_answered = True
        try:
            answer = json.loads(self.line.recv_bytes())
        except (EOFError, OSError) as error:
            raise self._died() from error
        metrics = {name: torch.tensor(value) for name, value in answer["metrics"].items()}
        return torch.tensor(answer["loss"]), metrics, self.exchange.gradient

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self.line.send_bytes(json.dumps(message).encode())
        except OSError as error:
            raise self._died() from error

    def _died(self) -> UserError:
        code = self.process.wait()
        return UserError(
            f"A process that helps the learner has died (exit code {code}; -9 is often a lack of memory). "
            "`lockstep resume` continues from the last checkpoint; training.num_threads=1 needs no helpers."
        )


class SharedMemory:
    """Bytes that several processes see, without a name that could outlive them."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor, self.size = descriptor, size
        self.bytes = torch.frombuffer(mmap.mmap(descriptor, size), dtype=torch.uint8)

    @classmethod
    def create(cls, size: int) -> Self:
        """`size` bytes of zeros."""
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("lockstep")
        else:
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
        os.ftruncate(descriptor, size)
        return cls(descriptor, size)

    def tensor(self, dtype: torch.dtype, shape: Sequence[int], start: int = 0) -> Tensor:
        """A view of the bytes from `start` on."""
        size = dtype.itemsize
        for length in shape:
            size *= length
        return self.bytes[start : start + size].view(dtype).view(*shape)


class Exchange:
    """What a helper is given and what it gives back, in shared memory: one share of a batch, and its gradient."""

    def __init__(self, memory: SharedMemory, spec: EnvSpec, num_weights: int, episodes: int, steps: int) -> None:
        self.memory = memory
        self.gradient = memory.tensor(torch.float32, (num_weights,))
        self.fields: dict[str, Tensor] = {}
        start = _aligned(4 * num_weights)
        for name, field in episode_fields(spec).items():
            self.fields[name] = memory.tensor(getattr(torch, field.dtype), (episodes, *field.size(steps)), start)
            start += _aligned(self.fields[name].nbytes)

    @classmethod
    def create(cls, spec: EnvSpec, num_weights: int, episodes: int, steps: int) -> Self:
        """With fresh memory."""
        size = _aligned(4 * num_weights)
        size += sum(_aligned(episodes * field.num_bytes(steps)) for field in episode_fields(spec).values())
        return cls(SharedMemory.create(size), spec, num_weights, episodes, steps)

    def write(self, share: EpisodeBatch) -> dict[str, Any]:
        """Copy a share in. Returns what `read` must be told."""
        present = share.fields()
        for name, value in present.items():
            self.fields[name][: len(value)] = value
        return {"episodes": share.num_episodes, "fields": list(present)}

    def read(self, message: Mapping[str, Any]) -> EpisodeBatch:
        """The share that was written, where it lies."""
        return EpisodeBatch.of({name: self.fields[name][: message["episodes"]] for name in message["fields"]})


def _aligned(size: int) -> int:
    return -(-size // 64) * 64


def combined(
    results: Sequence[tuple[Tensor, Metrics, Tensor]], parts: Sequence[EpisodeBatch]
) -> tuple[Tensor, Metrics, Tensor]:
    """The loss, metrics and gradient of a batch from those of its parts, which are means over their own steps."""
    steps = torch.stack([part.filled.sum() for part in parts])
    weights = list(steps / steps.sum())
    return (
        _mean([value for value, _, _ in results], weights),
        {name: _mean([metrics[name] for _, metrics, _ in results], weights) for name in results[0][1]},
        _mean([vector for _, _, vector in results], weights),
    )


def _mean(values: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    total = values[0] * weights[0]
    for value, weight in zip(values[1:], weights[1:], strict=True):
        total += value * weight
    return total
