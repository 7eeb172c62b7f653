"""What happened since the last row of metrics."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class MetricsWindow:
    """Sums over the collections and updates of one row; reading the row empties it."""

    def __init__(self) -> None:
        self.returns: list[Tensor] = []
        self.lengths: list[Tensor] = []
        self.sums: dict[str, Tensor] = {}
        self.updates = 0

    def add_episodes(self, returns: Tensor, lengths: Tensor) -> None:
        """returns, lengths: (episodes,)"""
        self.returns.append(returns)
        self.lengths.append(lengths)

    def add_update(self, metrics: Mapping[str, Tensor]) -> None:
        """Stays on the learner's device: nothing waits for a number until the row is read."""
        for name, value in metrics.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value
        self.updates += 1

    def row(self) -> dict[str, float]:
        """Means over the window; a metric of which nothing was seen is left out. The window is empty afterwards."""
        row = {name: (total / self.updates).item() for name, total in self.sums.items()}
        if self.returns:
            returns = torch.cat(self.returns).double()
            row["return_mean"] = returns.mean().item()
            row["return_std"] = returns.std(correction=0).item()
            row["rewarding_episodes"] = int((returns > 0).sum())
            row["ep_length_mean"] = torch.cat(self.lengths).double().mean().item()
        self.__init__()  # type: ignore[misc]
        return row

    def state_dict(self) -> dict[str, Any]:
        return {"returns": self.returns, "lengths": self.lengths, "sums": self.sums, "updates": self.updates}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.returns, self.lengths = list(state["returns"]), list(state["lengths"])
        self.sums, self.updates = dict(state["sums"]), int(state["updates"])
        if not all(isinstance(value, Tensor) and value.ndim == 1 for value in (*self.returns, *self.lengths)):
            raise TypeError("returns and lengths must be vectors")
        if not all(isinstance(value, Tensor) and value.numel() == 1 for value in self.sums.values()):
            raise TypeError("sums of metrics must be numbers")
