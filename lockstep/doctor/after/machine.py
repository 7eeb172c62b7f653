"""Does the machine keep up?"""

import numpy as np

from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.history import History, first, last
from lockstep.formats import rounded

SLOWER = 0.25
GROWTH, GROWTH_MIB = 1.3, 300.0
ROWS = 12


def slows_down(history: History) -> Finding | None:
    """The loop runs at a fraction of its earlier speed, with the same work to do."""
    speed, updates = history.train("env_steps_per_second"), history.train("updates_per_second")
    learning = updates > 0
    speed, updates = speed[learning], updates[learning]
    if len(speed) < ROWS:
        return None
    before, now = float(np.median(speed[: len(speed) // 3])), float(np.median(speed[-len(speed) // 6 :]))
    if now > SLOWER * before:
        return None
    return Finding(
        "slows-down",
        "warning",
        f"it runs at {now / before:.0%} of its earlier speed",
        f"{rounded(before)} env steps/s in the first third, {rounded(now)} now; updates/s went from "
        f"{first(updates):.3g} to {last(updates, 0.15):.3g}.",
        "The work of a round does not change once the replay is filled. Something else takes the processor or the "
        "memory: another training, a machine that became hot, or swapping.",
        (Remedy((), "look at other processes; give each training its own cores with training.num_threads"),),
        {"env_steps_per_second_before": before, "env_steps_per_second": now},
        history.train_plot("env_steps_per_second", label="1/s"),
    )


def memory_grows(history: History) -> Finding | None:
    """Memory keeps growing though the replay no longer does."""
    resident, held = history.train("resident_mib"), history.train("replay_episodes")
    full = held >= np.nanmax(held, initial=0.0)
    resident = resident[full & np.isfinite(resident)]
    if len(resident) < ROWS:
        return None
    before, now = first(resident, 0.2), last(resident, 0.2)
    rising = np.mean(np.diff(resident) > 0) > 0.6
    if now < GROWTH * before or now - before < GROWTH_MIB or not rising:
        return None
    return Finding(
        "memory-grows",
        "warning",
        f"memory grew from {rounded(before)} to {rounded(now)} MiB with a full replay",
        f"Since the replay is full ({rounded(np.nanmax(held))} episodes), the process grew by {rounded(now - before)} "
        f"MiB in {len(resident)} rows, nearly row by row.",
        "A full replay overwrites what it holds, so memory should be level. What keeps growing ends in the system "
        "stopping the run.",
        (Remedy((), "stop and `lockstep resume`, which starts with fresh memory; and please report it"),),
        {"resident_mib_before": before, "resident_mib": now},
        history.train_plot("resident_mib", label="MiB"),
    )


CHECKS = (slows_down, memory_grows)
