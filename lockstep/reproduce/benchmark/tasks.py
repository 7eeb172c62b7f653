"""The tasks of Papoudakis et al. 2021, and what was published for them.

Numbers are as commonly quoted from the paper's table, not read in it: the highest mean return of 41 evaluations of 100
episodes, mean of five seeds. Its episodes of foraging came from an older lbforaging, and its particles count rewards
in another way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["warehouse", "foraging", "particles"]
KINDS: Mapping[Kind, str] = {
    "warehouse": "Warehouses",
    "foraging": "Level-Based Foraging",
    "particles": "Particles",
}
"""How the worlds of a kind are called in headings."""


@dataclass(frozen=True)
class Task:
    """One world of the table."""

    name: str
    key: str
    time_limit: int
    kind: Kind
    published: Mapping[str, float]
    """By algorithm, in the paper's own convention; empty where nobody has published any."""
    sight: float | None = None
    """What a planner earns that has the robots' eyes and a perfect memory (docs/baselines.md); None: not known."""
    counted: tuple[float, float] = (1.0, 0.0)
    """What our return is multiplied by and what is added, for the paper's convention."""
    counted_as: str = ""
    """The same in words."""

    def as_published(self, returned: float) -> float:
        """A return of ours in the paper's convention."""
        factor, offset = self.counted
        return factor * returned + offset


def _row(iql: float, ia2c: float, ippo: float, maa2c: float, mappo: float, vdn: float, qmix: float) -> dict[str, float]:
    return {"iql": iql, "ia2c": ia2c, "ippo": ippo, "maa2c": maa2c, "mappo": mappo, "vdn": vdn, "qmix": qmix}


def _warehouse(floor: str, sight: float, published: Mapping[str, float] | None = None) -> Task:
    return Task(f"rware-{floor}", f"rware-{floor}-v2", 500, "warehouse", published or {}, sight)


def _foraging(grid: str, published: Mapping[str, float]) -> Task:
    return Task(f"foraging-{grid}", f"Foraging-{grid}-v3", 50, "foraging", published)


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        _warehouse("tiny-2ag", 29.6, _row(0.28, 8.18, 20.22, 8.38, 21.16, 0.12, 0.14)),
        _warehouse("tiny-4ag", 64.3, _row(0.72, 26.34, 31.82, 32.50, 49.42, 0.80, 0.30)),
        _warehouse("small-4ag", 41.7, _row(0.14, 6.54, 19.78, 10.30, 27.00, 0.18, 0.06)),
        _warehouse("tiny-2ag-hard", 21.1),
        _warehouse("tiny-4ag-hard", 49.7),
        _warehouse("small-4ag-hard", 30.2),
        _foraging("8x8-2p-2f-coop", _row(1.00, 1.00, 1.00, 1.00, 1.00, 1.00, 0.96)),
        _foraging("2s-8x8-2p-2f-coop", _row(1.00, 1.00, 0.78, 1.00, 0.85, 1.00, 1.00)),
        _foraging("10x10-3p-3f", _row(0.93, 1.00, 0.98, 1.00, 0.99, 0.84, 0.84)),
        _foraging("2s-10x10-3p-3f", _row(0.86, 0.94, 0.70, 0.96, 0.72, 0.90, 0.90)),
        _foraging("15x15-3p-5f", _row(0.17, 0.89, 0.77, 0.87, 0.77, 0.15, 0.09)),
        _foraging("15x15-4p-3f", _row(0.54, 0.99, 0.98, 1.00, 0.96, 0.38, 0.15)),
        _foraging("15x15-4p-5f", _row(0.22, 0.93, 0.67, 0.95, 0.70, 0.30, 0.25)),
        Task(
            "speaker-listener",
            "mpe:simple_speaker_listener_v4",
            25,
            "particles",
            _row(-18.36, -12.60, -13.10, -10.71, -10.68, -15.95, -11.56),
            counted=(0.5, 0.0),
            counted_as="S / 2",
        ),
        Task(
            "spread",
            "mpe:simple_spread_v3",
            25,
            "particles",
            _row(-132.63, -134.43, -133.86, -129.90, -133.54, -131.03, -126.62),
            counted=(2.0, -75.0),
            counted_as="2 S − 75",
        ),
    )
}
"""By name, in the order in which tables list them."""
ALGORITHMS = ("iql", "vdn", "qmix", "qplex", "owqmix", "ia2c", "ippo", "maa2c", "mappo")
"""Those of the table, value methods first."""
