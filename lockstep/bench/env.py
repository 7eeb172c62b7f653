"""How fast the simulator is, against the official package in the same minute: `lockstep bench env`."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.bench.timing import machine, rate
from lockstep.envs.family import Engine
from lockstep.envs.protocol import PlaysUnobserved, VectorEnv
from lockstep.envs.registry import has_official_engine, make_vec
from lockstep.errors import UserError

DEFAULT_KEYS = tuple(f"rware-{size}-{n}ag-v2" for size in ("tiny", "small", "medium", "large") for n in (2, 4, 8, 19))
NUM_ENVS = 2048
LANES_FOR_ALL_THREADS = 4
"""Times as many lanes, so that every thread has its fill."""
Progress = Callable[[str, int, int], None]
"""Called with a key, the keys done, and all keys."""


@dataclass(frozen=True)
class BenchRow:
    """Medians over the rounds; speeds in steps of one environment per second, observations written."""

    key: str
    agents: int
    cells: int
    obs_bytes_per_step: int
    official: float
    one_thread: float
    all_threads: float
    blind_one_thread: float
    """Without observations: `Simulator.play`."""
    one_thread_ratio: float
    """Median of the rounds' ratios to the official package, which are steadier than the speeds."""
    all_threads_ratio: float


def bench_env(
    keys: Sequence[str] | None = None,
    rounds: int = 5,
    seconds: float = 0.3,
    num_envs: int = NUM_ENVS,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Time both engines on every key with uniformly random actions, each round one after the other.

    keys: None for 16 warehouses of all sizes. seconds: of every single timing. num_envs: lanes of ours, four times as
    many on all threads; the official package steps one. The result is ready for JSON: the machine, what its memory can
    take, a row for every key.
    """
    if rounds < 1 or seconds <= 0 or num_envs < 1:
        raise UserError(f"rounds={rounds}, seconds={seconds}, num_envs={num_envs}: all must be positive.")
    chosen = list(keys or DEFAULT_KEYS)
    for key in chosen:
        if not has_official_engine(key):  # before the first minute is spent
            raise UserError(
                f"{key} has no official package to be timed beside; `lockstep envs rware` lists those that do."
            )
    rows = []
    for done, key in enumerate(chosen):
        if progress is not None:
            progress(key, done, len(chosen))
        rows.append(_bench_key(key, rounds, seconds, num_envs))
    return {
        "machine": machine(),
        "num_envs": num_envs,
        "rounds": rounds,
        "memory_write_bytes_per_second": write_bandwidth(),
        "rows": [asdict(row) for row in rows],
    }


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "| key | official, steps/s | one thread | × | all threads | × | blind, one thread | bytes/step |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| `{row['key']}` | {row['official']:,.0f} | {row['one_thread']:,.0f} | {row['one_thread_ratio']:,.0f} | "
        f"{row['all_threads']:,.0f} | {row['all_threads_ratio']:,.0f} | {row['blind_one_thread']:,.0f} | "
        f"{row['obs_bytes_per_step']:,} |"
        for row in result["rows"]
    ]
    return "\n".join(lines)


def write_bandwidth(seconds: float = 0.3) -> float:
    """Bytes per second that one thread can write to memory, in arrays far larger than the caches."""
    target = np.zeros(64 * 2**20, dtype=np.float32)
    target.fill(1.0)
    return target.nbytes * rate(lambda: target.fill(1.0), seconds)


def _bench_key(key: str, rounds: int, seconds: float, num_envs: int) -> BenchRow:
    official = _Stepper(key, 1, "official", None)
    one = _Stepper(key, num_envs, "lockstep", 1)
    every = _Stepper(key, num_envs * LANES_FOR_ALL_THREADS, "lockstep", None)
    blind = _Blind(key, num_envs)
    for stepper in (official, one, every, blind):
        stepper()  # compiled, and in the caches
    timings = [
        (
            rate(official, seconds),
            rate(one, seconds) * num_envs,
            rate(every, seconds) * num_envs * LANES_FOR_ALL_THREADS,
            rate(blind, seconds) * blind.steps,
        )
        for _ in range(rounds)
    ]
    for stepper in (official, one, every):
        stepper.env.close()
    spec = blind.env.spec
    return BenchRow(
        key=key,
        agents=spec.num_agents,
        cells=blind.env.config.cells,
        obs_bytes_per_step=4 * spec.num_agents * spec.obs_dim,
        official=median(row[0] for row in timings),
        one_thread=median(row[1] for row in timings),
        all_threads=median(row[2] for row in timings),
        blind_one_thread=median(row[3] for row in timings),
        one_thread_ratio=median(row[1] / row[0] for row in timings),
        all_threads_ratio=median(row[2] / row[0] for row in timings),
    )


class _Stepper:
    """Steps all lanes once per call; each begins anew where its episode ends."""

    def __init__(self, key: str, num_envs: int, engine: Engine, num_threads: int | None) -> None:
        self.env: VectorEnv = make_vec(key, num_envs, engine=engine, num_threads=num_threads)
        rng = np.random.default_rng(0)
        self.actions: NDArray[np.int64] = rng.integers(
            self.env.spec.num_actions, size=(64, num_envs, self.env.spec.num_agents)
        )
        self.t = 0

    def __call__(self) -> None:
        if self.t == 0:
            self.env.reset()
        step = self.env.step(self.actions[self.t % len(self.actions)])
        ended = step.terminated | step.truncated
        if ended.any():
            self.env.reset(mask=ended)
        self.t += 1


class _Blind:
    """Plays all lanes for a hundred steps per call, or for an episode where that is shorter."""

    def __init__(self, key: str, num_envs: int) -> None:
        env = make_vec(key, num_envs, num_threads=1)
        if not isinstance(env, PlaysUnobserved):
            raise UserError(f"{key} cannot be played blind, which is timed here too; warehouses and fields can.")
        self.env: Any = env
        shape = (min(100, env.spec.time_limit), num_envs, env.spec.num_agents)
        self.actions = np.random.default_rng(0).integers(env.spec.num_actions, size=shape, dtype=np.int8)
        self.env.reset()
        self.env.play(self.actions)
        self.steps = int(self.env.episode_steps().sum())

    def __call__(self) -> None:
        self.env.reset()
        self.env.play(self.actions)
