"""A run's rows as columns: what the checks read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lockstep.config.schema import RunConfig
from lockstep.doctor.finding import Plot

Floats = NDArray[np.float64]
PLOT_POINTS = 60


class Columns(Protocol):
    """The rows of a file by name: (rows,) float64, all nan where no row has it."""

    def __getitem__(self, name: str) -> Floats: ...


@dataclass(frozen=True)
class History:
    """What a run wrote so far, by the names of `lockstep.runs.metrics`."""

    config: RunConfig
    training: Columns
    """Of metrics.jsonl."""
    evaluations: Columns
    """Of eval.jsonl."""
    status: str = "unknown"
    reason: str = ""
    """Why it failed, if it did."""
    num_agents: int | None = None
    """Of the team; None where nothing tells."""

    @property
    def equal_share(self) -> float:
        """What each agent has where all have the same; nan, which nothing is below, where their number is unknown."""
        return np.nan if self.num_agents is None else 1.0 / self.num_agents

    def all(self, name: str) -> Floats:
        """A column of metrics.jsonl, warm-up included."""
        return self.training[name]

    def train(self, name: str) -> Floats:
        """A column of metrics.jsonl without the rows of the warm-up."""
        return self.all(name)[self.all("env_steps") > self.config.collection.warmup_env_steps]

    def test(self, name: str) -> Floats:
        """A column of eval.jsonl."""
        return self.evaluations[name]

    @property
    def env_steps(self) -> float:
        """The latest that was written."""
        return float(max((*self.all("env_steps")[-1:], *self.test("env_steps")[-1:]), default=0.0))

    @property
    def done(self) -> float:
        """Share of the steps after the warm-up that are over, 0 to 1."""
        warmup, most = self.config.collection.warmup_env_steps, self.config.training.max_env_steps
        return min(max((self.env_steps - warmup) / max(most - warmup, 1), 0.0), 1.0)

    @property
    def found(self) -> float:
        """Rewarding training episodes so far, warm-up included; nan where the run did not count them."""
        counts = self.all("rewarding_episodes")
        return float(np.nansum(counts)) if np.isfinite(counts).any() else np.nan

    @property
    def is_sparse(self) -> bool:
        """Whether returns are deliveries and the like: never below 0, and nearly 0 to begin with."""
        returns = self.all("return_mean")
        finite = returns[np.isfinite(returns)]
        return bool(len(finite) and finite.min() >= 0.0 and finite[0] < 0.5)

    def test_plot(self, *names: str, label: str) -> Plot:
        """Columns of eval.jsonl over env steps."""
        return _plot(self.test("env_steps"), {name: self.test(name) for name in names}, label)

    def train_plot(self, *names: str, label: str) -> Plot:
        """Columns of metrics.jsonl over env steps."""
        return _plot(self.train("env_steps"), {name: self.train(name) for name in names}, label)


def last(values: Floats, share: float = 0.3) -> float:
    """Mean of the last share of the numbers that are there; nan where there is none."""
    there = values[np.isfinite(values)]
    return float(there[-max(int(len(there) * share), 1) :].mean()) if len(there) else np.nan


def first(values: Floats, share: float = 0.3) -> float:
    """Mean of the first share of the numbers that are there; nan where there is none."""
    return last(values[::-1], share)


def smoothed(values: Floats, width: int = 3) -> Floats:
    """Moving means of `width` neighbors; shorter than before by `width` - 1. Empty where there are too few."""
    return np.convolve(values, np.full(width, 1.0 / width), "valid") if len(values) >= width else values[:0]


def _plot(x: Floats, lines: Mapping[str, Floats], label: str) -> Plot:
    chosen = np.unique(np.linspace(0, max(len(x) - 1, 0), min(len(x), PLOT_POINTS)).astype(int))
    return Plot(
        "env steps",
        label,
        tuple(float(value) for value in x[chosen]),
        {name: tuple(float(value) for value in values[chosen]) for name, values in lines.items()},
    )
