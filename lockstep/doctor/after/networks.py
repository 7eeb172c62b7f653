"""Are the networks alive?"""

from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.history import History, last
from lockstep.formats import percent

DEAD, SATURATED = 0.6, 0.5
IGNORED = 0.1
"""Of an equal share."""


def dead_units(history: History) -> Finding | None:
    """Most hidden units are silent on everything the team meets."""
    dead = last(history.test("dead_units_share"))
    if not dead > DEAD:
        return None
    return Finding(
        "dead-units",
        "warning",
        f"{percent(dead)} of the hidden units are dead",
        f"On the observations of the last evaluations {percent(dead)} of the ReLU units gave 0 every time.",
        "A ReLU unit that is negative everywhere passes nothing on and gets no gradient: it never comes back. One "
        "update that is too large can kill many at once; what is left may be too few to tell observations apart.",
        (
            Remedy((f"lr={history.config.optimizer.lr / 10:g}",), "smaller steps"),
            Remedy(("grad_norm_clip=1",), "no single batch may tear the network"),
        ),
        {"dead_units_share": dead},
        history.test_plot("dead_units_share", label="share"),
    )


def saturated_memory(history: History) -> Finding | None:
    """The recurrent memory is stuck at its limits."""
    stuck = last(history.test("saturated_memory_share"))
    if not stuck > SATURATED:
        return None
    return Finding(
        "saturated-memory",
        "warning",
        f"{percent(stuck)} of the memory is stuck at -1 or 1",
        f"In greedy episodes {percent(stuck)} of the GRU's values were beyond 0.99 in size.",
        "A GRU remembers in numbers between -1 and 1. At the ends they hardly move and pass no gradient back: the "
        "network remembers one thing and learns nothing more about when to.",
        (
            Remedy((f"lr={history.config.optimizer.lr / 10:g}",), "smaller steps"),
            Remedy(("network.recurrent=False",), "if the task can be done without a memory"),
        ),
        {"saturated_memory_share": stuck},
        history.test_plot("saturated_memory_share", label="share"),
    )


def mixer_ignores_agent(history: History) -> Finding | None:
    """The team's value hardly depends on one agent."""
    least = history.test("mixer_share_min")
    if history.done < 0.2 or not last(least) < IGNORED * history.equal_share:
        return None
    return Finding(
        "mixer-ignores-agent",
        "warning",
        "the mixer listens to one agent hardly at all",
        f"Of the slopes of Q_tot over the agents' values, the least heard agent has {percent(last(least))}.",
        "The mixer weighs the agents' values, by what it has learnt. An agent without weight gets no gradient "
        "either: whatever it does, the team's value does not change, and it learns nothing.",
        (Remedy((f"lr={history.config.optimizer.lr / 3:g}",), "smaller steps"),),
        {"mixer_share_min": last(least)},
        history.test_plot("mixer_share_min", label="share"),
    )


CHECKS = (dead_units, saturated_memory, mixer_ignores_agent)
