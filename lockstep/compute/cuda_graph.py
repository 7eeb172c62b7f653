"""Work on a GPU that is recorded once and played again: a CUDA graph."""

from collections.abc import Callable
from typing import Generic, TypeVar

import torch

Result = TypeVar("Result")
WARM_UPS = 3
"""Times that work is done before it is recorded: libraries choose their kernels and take their memory meanwhile."""


class CudaGraph(Generic[Result]):
    """A fixed sequence of operations on fixed memory. To play it costs the host one call, however many they are.

    `work` is done `WARM_UPS` times at once; it must not ask the GPU for a number. What it returns stays where it is and
    is written again by every `play`.
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                work()
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.result = work()

    def play(self) -> Result:
        """Queue the operations; returns before they are done."""
        self.graph.replay()
        return self.result
