"""What every timing shares: rates, the machine, its arithmetic."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import numpy as np


def rate(work: Callable[[], object], seconds: float) -> float:
    """Calls per second, over about `seconds`."""
    calls, start = 0, time.perf_counter()
    while (now := time.perf_counter()) - start < seconds or calls == 0:
        work()
        calls += 1
    return calls / (max(now, time.perf_counter()) - start)


def interleaved(works: Mapping[str, Callable[[], object]], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Seconds per call of every work, `rounds` times one after the other; each has run once before."""
    for work in works.values():
        work()
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(1.0 / rate(work, seconds))
    return found


def median_ratio(slow: list[float], fast: list[float]) -> float:
    """Return the median ratio of rounds timed side by side: steadier than the ratio of medians on a shared machine."""
    return median(one / other for one, other in zip(slow, fast, strict=True))


def peak_flops(num_threads: int, seconds: float = 0.5) -> float:
    """Floating-point operations per second of a large float32 product, on so many threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    a, b, out = torch.randn(2048, 512), torch.randn(512, 512), torch.empty(2048, 512)
    found = 2 * 2048 * 512 * 512 * max(rate(lambda: torch.mm(a, b, out=out), seconds / 4) for _ in range(4))
    torch.set_num_threads(before)
    return found


def gpu_peak_flops(seconds: float = 0.5) -> float:
    """The same on the GPU."""
    import torch

    a, b = torch.randn(2, 8192, 8192, device="cuda")

    def multiply() -> None:
        torch.mm(a, b)
        torch.cuda.synchronize()

    multiply()
    return 2 * 8192**3 * max(rate(multiply, seconds / 4) for _ in range(4))


def machine() -> dict[str, Any]:
    """What the numbers were taken on."""
    import numba
    import torch

    from lockstep.compute.machine import cores

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processors": cores(),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "torch": torch.__version__,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_before": load,
    }
