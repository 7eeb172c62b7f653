"""What does the team actually do? Read from its greedy episodes."""

import numpy as np

from lockstep.config.presets import CARRYING_SHELF
from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.history import Floats, History, last, smoothed
from lockstep.formats import percent

DOMINATING, ALIKE, STILL = 0.9, 0.95, 0.95
ONCE, HELD = 0.6, 0.4
"""Shares of delivering robots that stop after their first delivery, and of the time that delivered shelves are held."""
LAZY = 0.2
"""Of an equal share of the deliveries."""
FLAT_SHARE = 0.4
"""Of the evaluations: the last ones, that brought no progress."""
REMEMBER = Remedy(
    (f"env.remember_onset=[{CARRYING_SHELF}]",),
    "robots that remember, while they carry a shelf, where they took it: that place is free",
)
EXPLORE = Remedy(("epsilon_ladder=7", "epsilon_start=0.4", "epsilon_finish=0.4"), "explore differently in every lane")


def one_action(history: History) -> Finding | None:
    """One action makes up nearly everything the team does."""
    shares = history.test("test_action_share_max")
    if np.isfinite(shares).sum() < 3 or history.done < 0.2 or not last(shares) > DOMINATING:
        return None
    return Finding(
        "one-action",
        "warning",
        f"{percent(last(shares))} of all actions are the same one",
        f"Over the last evaluations the most frequent action was {percent(last(shares))} of what the team did; the "
        f"mean return was {last(history.test('test_return_mean')):.2g}.",
        "A greedy team takes whatever is valued highest. If values hardly depend on what is seen, one action wins "
        "everywhere: the networks have not learnt to look, or have died.",
        (
            Remedy((f"lr={history.config.optimizer.lr / 3:g}",), "smaller steps, if units died"),
            Remedy(("rewarding_fraction=0.25",), "more of what earned something"),
        ),
        {"action_share_max": last(shares)},
        history.test_plot("test_action_share_max", label="share"),
    )


def idle_agent(history: History) -> Finding | None:
    """One agent stands still, or leaves all deliveries, or all food, to the others."""
    if history.done < 0.2:
        return None
    still, least = last(history.test("test_still_share_max")), last(history.test("test_delivery_share_min"))
    fed = last(history.test("test_meal_share_min"))
    earned = float(np.fmin(least, fed))  # a world has the one or the other
    what = "meals" if earned == fed else "deliveries"
    returns = last(history.test("test_return_mean"))
    equal = history.equal_share
    lazy = earned < LAZY * equal and returns > 0.5
    if not (still > STILL and last(history.test("test_action_share_max")) < DOMINATING) and not lazy:
        return None
    how = (
        f"Of all {what} the least busy of {history.num_agents} agents earned {percent(earned)}; an equal part would "
        f"be {percent(equal)}."
        if lazy
        else f"In {percent(still)} of its greedy steps one agent's observation did not change at all."
    )
    return Finding(
        "idle-agent",
        "warning",
        "one agent hardly takes part",
        how,
        "The team is paid together, so an agent that does nothing is paid for the others' work: nothing tells it to "
        "begin. With shared parameters it is often one agent number that the network has learnt to park.",
        (
            Remedy(("network.agent_id=False",), "agents that cannot tell themselves apart play the same role"),
            EXPLORE,
        ),
        {"still_share_max": still, "delivery_share_min": least, "meal_share_min": fed},
        history.test_plot("test_delivery_share_min", "test_meal_share_min", "test_still_share_max", label="share"),
    )


def agents_alike(history: History) -> Finding | None:
    """All agents do the same at the same time."""
    alike = last(history.test("test_same_action_share"))
    if history.done < 0.2 or not alike > ALIKE or last(history.test("test_action_share_max")) > DOMINATING:
        return None
    agent_id = history.config.network.agent_id
    return Finding(
        "agents-alike",
        "warning",
        f"in {percent(alike)} of the steps all agents do the same",
        f"Over the last evaluations all agents chose the same action in {percent(alike)} of the steps.",
        "Agents with shared parameters that see the same do the same. Where the task wants different roles, they need "
        "something to tell them apart.",
        (Remedy(("network.agent_id=True",), "each agent sees its own number"),) if not agent_id else (EXPLORE,),
        {"same_action_share": alike},
        history.test_plot("test_same_action_share", label="share"),
    )


def delivers_once(history: History) -> Finding | None:
    """The warehouse's plateau: every robot delivers once and then keeps the delivered shelf."""
    if not _is_flat(history.test("test_return_mean")):
        return None
    once, held = last(history.test("test_delivered_once_share")), last(history.test("test_held_delivered_share"))
    if not (once > ONCE and held > HELD):
        return None
    returns = last(history.test("test_return_mean"))
    return Finding(
        "delivers-once",
        "warning",
        "the robots deliver once and never bring the shelf back",
        f"{percent(once)} of the robots that delivered did it exactly once and held that shelf to the end; "
        f"{percent(held)} of all robot steps are spent holding a shelf that is delivered already. The return stays at "
        f"{returns:.2g}, close to one delivery for every robot.",
        "A delivered shelf stays on the robot until it is put down on a free place, and that earns nothing by itself: "
        "the next reward is some thirty steps away. Until exploration brings a shelf back by chance and delivers "
        "another, keeping it looks as good as anything.",
        (
            *(() if history.config.env.remember_onset else (REMEMBER,)),
            Remedy(
                ("epsilon_ladder=11", "epsilon_start=0.7", "epsilon_finish=0.7"),
                "lanes that explore much also after the first delivery",
            ),
            Remedy(("td_lambda=0.9", "gamma=0.98"), "credit that reaches from the second delivery back to the return"),
            Remedy(("t_max=" + f"{2 * history.config.training.max_env_steps:_}",), "patience: the wall can be passed"),
        ),
        {"delivered_once_share": once, "held_delivered_share": held, "test_return_mean": returns},
        history.test_plot("test_return_mean", "test_held_delivered_share", label="return, share"),
    )


def plateau(history: History) -> Finding | None:
    """No progress for long, far from nothing; what the team does meanwhile."""
    returns = history.test("test_return_mean")
    if not _is_flat(returns) or delivers_once(history) is not None or history.status == "solved":
        return None
    names = (
        "test_loaded_share",
        "test_held_delivered_share",
        "test_eaten_share",
        "test_failed_load_share",
        "test_idle_share",
        "test_still_share_max",
        "test_action_share_max",
    )
    seen = ", ".join(
        f"{name.removeprefix('test_')} {last(history.test(name)):.2f}"
        for name in names
        if last(history.test(name)) == last(history.test(name))
    )
    return Finding(
        "plateau",
        "note",
        f"no progress over the last {percent(FLAT_SHARE)} of the evaluations",
        f"The return stays near {last(returns, FLAT_SHARE):.3g}." + (f" Meanwhile: {seen}." if seen else ""),
        "Either this is as good as it gets, or the team has settled on a habit that small changes only make worse. "
        "Watch an episode: what it does instead of the next good thing is the question.",
        (EXPLORE,),
        {"test_return_mean": last(returns, FLAT_SHARE)},
        history.test_plot("test_return_mean", label="return"),
    )


def _is_flat(returns: Floats) -> bool:
    """Whether the last evaluations, above nothing, brought no progress over those before."""
    smooth = smoothed(returns[np.isfinite(returns)])
    if len(smooth) < 10 or smooth[-1] <= 0.1:
        return False
    split = int(len(smooth) * (1 - FLAT_SHARE))
    return bool(smooth[split:].max() < 1.05 * smooth[:split].max() and smooth[-1] > 0.7 * smooth.max())


CHECKS = (one_action, idle_agent, agents_alike, delivers_once, plateau)
