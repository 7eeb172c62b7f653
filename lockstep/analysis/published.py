"""What others have published for the same task, with what must be known before two numbers may stand side by side."""

from dataclasses import dataclass

from lockstep.config.schema import RunConfig

SOLVED_ABOVE = 2.5
"""The published experiment calls rware-tiny-2ag-v2 with 100 steps solved above this greedy test return."""


@dataclass(frozen=True)
class Published:
    """One figure from a paper."""

    key: str
    time_limit: int
    algorithm: str
    value: str
    env_steps: str
    source: str
    how_known: str
    """read: the number stands in the text. plot: read off a figure by eye, ± 1. recalled: not checked again."""


EXPERIMENT = "the published experiment (arXiv 2512.04463)"
PUBLISHED = (
    Published("rware-tiny-2ag-v2", 100, "QMIX, final configuration", "3.25 ± 0.98", "20M", EXPERIMENT, "read"),
    Published("rware-tiny-2ag-v2", 100, "QMIX, default configuration", "0.00 ± 0.00", "2M", EXPERIMENT, "read"),
    Published("rware-tiny-2ag-v2", 100, "QMIX, changed configuration", "0.00 ± 0.00", "10M", EXPERIMENT, "read"),
    Published("rware-tiny-2ag-v2", 100, '"advanced IPPO"', "0.38", "not said", EXPERIMENT, "read"),
    Published("rware-tiny-2ag-v2", 500, "MAPPO, recurrent", "21.5 to 22.5", "20M", "Mava's figures, EPyMARL", "plot"),
    Published("rware-tiny-2ag-v2", 500, "MAPPO", "21.16 ± 1.50", "40M", "Papoudakis et al. 2021", "recalled"),
    Published("rware-tiny-2ag-v2", 500, "QMIX", "0.14", "4M", "Papoudakis et al. 2021", "recalled"),
    Published("rware-tiny-4ag-v2", 500, "MAPPO, recurrent", "46", "20M", "Mava's figures, EPyMARL", "plot"),
    Published("rware-tiny-4ag-v2", 500, "MAPPO", "49.42 ± 1.22", "40M", "Papoudakis et al. 2021", "recalled"),
    Published("rware-tiny-4ag-v2", 500, "QMIX", "0.30", "4M", "Papoudakis et al. 2021", "recalled"),
    Published("rware-small-4ag-v2", 500, "MAPPO, recurrent", "15.8", "20M", "Mava's figures, EPyMARL", "plot"),
    Published("rware-small-4ag-v2", 500, "MAPPO", "27.00 ± 1.80", "40M", "Papoudakis et al. 2021", "recalled"),
    Published("rware-small-4ag-v2", 500, "QMIX", "0.06", "4M", "Papoudakis et al. 2021", "recalled"),
)
CONVENTION = (
    "Returns are deliveries of the whole team in one episode, undiscounted, by a greedy team. Episodes of 100 and of "
    "500 steps are different tasks: in 100 steps the first fetch weighs more, so figures are not simply five times "
    "each other. The package ends an episode only at its step limit; Jumanji's warehouse, which Mava and Sable use, "
    "ends it at a collision, so its figures cannot stand here."
)
HOW_KNOWN = {
    "read": "read in the text",
    "plot": "read off a figure by eye, ± 1",
    "recalled": "as commonly quoted, not checked against the paper",
}


def published_for(config: RunConfig, default_time_limit: int | None) -> list[Published]:
    """Figures for the same warehouse, those of the same episode length first."""
    key = config.env.key.removeprefix("rware:").replace("-v1", "-v2")
    if config.env.arguments:
        return []
    time_limit = config.env.time_limit or default_time_limit
    rows = [row for row in PUBLISHED if row.key == key]
    return sorted(rows, key=lambda row: row.time_limit != time_limit)


def solved_above(config: RunConfig) -> float | None:
    """The greedy test return above which this task counts as solved, where somebody has said one."""
    if config.training.stop_at_test_return is not None:
        return config.training.stop_at_test_return
    key = config.env.key.removeprefix("rware:")
    if key == "rware-tiny-2ag-v2" and config.env.time_limit == 100 and not config.env.arguments:
        return SOLVED_ABOVE
    return None
