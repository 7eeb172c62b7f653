"""What a reproduction is about to do, and how long it takes."""

from collections.abc import Mapping

from rich.console import Group
from rich.table import Table
from rich.text import Text

from lockstep.formats import clock
from lockstep.reproduce.plan import Reproduction
from lockstep.sweeps.estimate import Estimate
from lockstep.training.time_left import UNSEEN, around

REPORT_SECONDS = 20.0
"""Seconds of the teams that are played beside the trained ones, and of the report."""


def estimate_text(plan: Reproduction, estimates: Mapping[str, Estimate], parallel: int) -> Group:
    """What there is to do and how long it takes, before it begins."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("configuration")
    for name in ("seeds", "env steps", "updates", "one update", "one seed", "all"):
        table.add_column(name, justify="right")
    total = 0.0
    for name, config in plan.configurations().items():
        found = estimates[name]
        total += found.seconds * plan.seeds
        table.add_row(
            name,
            str(plan.seeds),
            f"{config.training.max_env_steps:,}",
            f"{found.updates:,}",
            f"{found.per_update * 1000:.0f} ms",
            clock(found.seconds),
            clock(found.seconds * plan.seeds),
        )
    order = f"{parallel} side by side" if parallel > 1 else "one after the other"
    span = around(total / parallel + REPORT_SECONDS, UNSEEN).text
    return Group(table, Text(f"{span[0].upper()}{span[1:]} in all, {order}, as fast as this machine is now."))
