"""Somebody else's environments in processes of their own: one that dies or hangs costs an episode, not the run.

Lane for lane the same game as `PythonLanes` in this process; only faster on several cores, and safe.
"""

import json
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from socket import SO_RCVTIMEO, SO_SNDTIMEO, SOL_SOCKET, socketpair
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.compute.child_process import ChildProcess
from lockstep.envs.foreign.factory import ForeignEnvFactory
from lockstep.envs.protocol import Remark, TimeStep, check_running, chosen_lanes
from lockstep.errors import UserError
from lockstep.spec import EnvSpec

MAX_FAILURES = 3
"""Failures of one worker without a finished episode in between, after which the environment itself must be broken."""
START_SECONDS = 300.0
"""For importing and making the environments, at least."""
CLOSE_SECONDS = 2.0
"""For closing them. Whatever is left then, and whatever an environment has started, is killed."""


@dataclass(frozen=True)
class WorkerSettings:
    """How many processes, and how long one may be silent."""

    count: int
    timeout_seconds: float


class WorkerLanes:
    """A VectorEnv whose lanes are played by other processes, equal blocks of them.

    `dropped` marks the lanes whose episode was lost since their last reset: they look truncated, and what came of them
    is no episode of the game.
    """

    def __init__(self, game: ForeignEnvFactory, num_envs: int, seed: int, settings: WorkerSettings) -> None:
        self.num_envs, self.timeout = num_envs, settings.timeout_seconds
        bounds = np.linspace(0, num_envs, min(settings.count, num_envs) + 1).round().astype(int)
        blocks = [slice(int(first), int(last)) for first, last in pairwise(bounds)]
        self.workers = [Worker(game, block, seed + block.start) for block in blocks]
        specs = [worker.wait_for_spec(max(START_SECONDS, self.timeout)) for worker in self.workers]
        self.spec = spec = specs[0]
        self.agent_names = self.workers[0].agent_names
        self.dropped = np.zeros(num_envs, dtype=bool)
        self._running = np.zeros(num_envs, dtype=bool)
        self._obs = np.zeros((num_envs, spec.num_agents, spec.obs_dim), dtype=np.float32)
        self._available = np.ones((num_envs, spec.num_agents, spec.num_actions), dtype=bool)
        self._reward = np.zeros((num_envs, spec.num_agents), dtype=np.float32)
        self._terminated, self._truncated = (np.zeros(num_envs, dtype=bool) for _ in range(2))
        self._state = np.zeros((num_envs, spec.own_state_dim), dtype=np.float32)

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        """See VectorEnv.reset. A lane whose worker fails even now is dropped at its first step."""
        chosen = self._mask(mask)
        self.dropped &= ~chosen
        self._running |= chosen
        self._ask(chosen, lambda worker: {"do": "reset", "seed": None if seed is None else seed + worker.lanes.start})
        return self._obs

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See VectorEnv.step. Raises UserError, too, when a worker has failed too often."""
        chosen = self._mask(mask)
        check_running(self._running, np.flatnonzero(chosen))
        lost = chosen & self.dropped
        self._ask(chosen & ~lost, lambda worker: {"do": "step", "actions": actions[worker.lanes].tolist()})
        lost = chosen & self.dropped
        self._reward[~chosen | lost] = 0.0
        self._terminated[~chosen | lost] = False
        self._truncated[~chosen] = False
        self._truncated[lost] = True
        self._running &= ~(self._terminated | self._truncated)
        return TimeStep(self._obs, self._reward, self._terminated, self._truncated)

    def available_actions(self) -> Mask | None:
        """(num_envs, agents, actions)"""
        return self._available

    def state(self) -> NDArray[np.float32] | None:
        """As PythonLanes.state."""
        return self._state if self.spec.own_state_dim else None

    def remarks(self) -> list[Remark]:
        """As PythonLanes.remarks."""
        return list({remark.about: remark for worker in self.workers for remark in worker.remarks}.values())

    def get_state(self) -> dict[str, Any]:
        """Refused, as by PythonLanes."""
        raise UserError(f"The state of {self.spec.key} cannot be copied; start its episodes from seeds instead.")

    def set_state(self, state: dict[str, Any]) -> None:
        """Refused, see get_state."""
        raise UserError(f"The state of {self.spec.key} cannot be restored; start its episodes from seeds instead.")

    def close(self) -> None:
        """End the processes, which close their environments first."""
        for worker in self.workers:
            worker.line.close()
        for worker in self.workers:
            worker.process.end(CLOSE_SECONDS)

    def _mask(self, mask: Mask | None) -> Mask:
        chosen = np.zeros(self.num_envs, dtype=bool)
        chosen[chosen_lanes(mask, self.num_envs)] = True
        return chosen

    def _ask(self, chosen: Mask, request: Callable[["Worker"], dict[str, Any]]) -> None:
        """Let all workers of the chosen lanes work at once, and put their answers where they belong."""
        asked = [worker for worker in self.workers if chosen[worker.lanes].any()]
        for worker in asked:
            worker.say({**request(worker), "mask": chosen[worker.lanes].tolist()})
        arrays = [self._obs, self._reward, self._terminated, self._truncated, self._available]
        if self.spec.own_state_dim:
            arrays.append(self._state)
        for worker in asked:
            block = chosen[worker.lanes]
            answer = worker.hear(self.timeout, [array[worker.lanes] for array in arrays])
            if answer is None:
                self.dropped[worker.lanes] |= self._running[worker.lanes]
                worker.start_again(self.spec.key, max(START_SECONDS, self.timeout))
                continue
            for array, found in zip(arrays, answer, strict=True):
                array[worker.lanes][block] = found[block]
            if (self._terminated | self._truncated)[worker.lanes][block].any():
                worker.failures = 0


class Worker:
    """One process and its lanes; `lockstep.envs.foreign.worker` is its other end."""

    def __init__(self, game: ForeignEnvFactory, lanes: slice, seed: int) -> None:
        self.game, self.lanes, self.seed = game, lanes, seed
        self.failures = 0
        self.agent_names: tuple[str, ...] = ()
        self.remarks: list[Remark] = []
        self.reason: str | None = None
        """Why it failed just now, in the environment's own words; None where it could not say."""
        self.ending = ""
        """How it failed last."""
        self._start()

    def say(self, message: dict[str, Any]) -> None:
        """Ask for something. A process that is gone shows when it does not answer."""
        with suppress(OSError):
            self.line.send_bytes(json.dumps(message).encode())

    def hear(self, seconds: float, like: list[NDArray[Any]]) -> list[NDArray[Any]] | None:
        """The arrays that it answers, of the kinds of `like`; None where it died or was silent for too long."""
        head = self._receive(seconds)
        if head is None:
            return None
        said = json.loads(head)
        if "error" in said:
            raise UserError(said["error"])
        if "failed" in said:
            self.reason = said["failed"]
            return None
        if "remarks" in said:
            self.remarks = [Remark(*remark) for remark in said["remarks"]]
        parts = [self._receive(seconds) for _ in like]
        if any(part is None for part in parts):
            return None
        return [
            np.frombuffer(part, dtype=array.dtype).reshape(array.shape)
            for part, array in zip(parts, like, strict=True)
            if part is not None
        ]

    def wait_for_spec(self, seconds: float) -> EnvSpec:
        """What it plays. Raises UserError where it cannot be had."""
        said = self._receive(seconds)
        if said is None:
            raise UserError(f"{self.game.key} could not be started in a process of its own ({self._ending(seconds)}).")
        answer = json.loads(said)
        if "error" in answer:
            raise UserError(answer["error"])
        self.agent_names = tuple(answer["names"])
        self.remarks = [Remark(*remark) for remark in answer["remarks"]]
        return EnvSpec(**{**answer["spec"], "obs_bits": tuple(answer["spec"]["obs_bits"])})

    def start_again(self, key: str, seconds: float) -> None:
        """With fresh environments. Raises UserError when that was done too often for nothing."""
        self.failures += 1
        self.ending = ending = self.reason or self._ending(0.0)
        self.reason = None
        self.line.close()
        self.process.end()
        if self.failures >= MAX_FAILURES:
            raise UserError(
                f"A process that plays {key} failed {self.failures} times without finishing an episode "
                f"({ending.rstrip('.')}). Look at what it printed; env.workers=0 plays it here, where a debugger "
                "reaches it."
            )
        self._start()
        self.wait_for_spec(seconds)

    def _start(self) -> None:
        ours, theirs = socketpair()
        with theirs:
            module, game_prints = "lockstep.envs.foreign.worker", 2  # what the game prints is for people
            self.process = ChildProcess(module, descriptors=[theirs.fileno()], stdout=game_prints)
        if sys.platform != "win32":  # one that is stopped in the middle of an answer is not waited for either
            limit = struct.pack("ll", int(START_SECONDS), 0)
            for option in (SO_RCVTIMEO, SO_SNDTIMEO):
                ours.setsockopt(SOL_SOCKET, option, limit)
        self.line = Connection(ours.detach())
        self.say(
            {
                "key": self.game.key,
                "time_limit": self.game.time_limit,
                "arguments": dict(self.game.arguments),
                "own_state": self.game.own_state,
                "num_envs": self.lanes.stop - self.lanes.start,
                "seed": self.seed,
            }
        )

    def _receive(self, seconds: float) -> bytes | None:
        try:
            return self.line.recv_bytes() if self.line.poll(seconds) else None
        except (EOFError, OSError):
            return None

    def _ending(self, seconds: float) -> str:
        code = self.process.wait(1.0 if seconds == 0 else 0.1)
        if code is None:
            return "it did not answer in time"
        return f"exit code {code}; -9 is often a lack of memory"
