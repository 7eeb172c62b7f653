"""Do the values mean what they say?"""

import numpy as np

from lockstep.algorithms.registry import algorithm_of
from lockstep.config.knobs import flat
from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.history import History, first, last
from lockstep.formats import as_override, round_up, rounded

BLOWN_UP = 10.0
"""Times the value that the best return ever seen could justify."""
CLIPPED = 0.9


def values_diverge(history: History) -> Finding | None:
    """Values far beyond anything the returns could justify, and still growing; or a run that ended over it."""
    values = np.abs(history.train("q_taken_mean"))
    if "diverged" in history.reason:
        evidence = f"The run stopped: {history.reason}"
        numbers = {}
    else:
        if history.config.algorithm.standardize_rewards or len(values) < 4 or not np.isfinite(values).any():
            return None
        returns = [np.abs(history.train(name)) for name in ("return_mean", "return_std")]
        best = float(np.nanmax(returns[0] + 3 * returns[1], initial=0.0))
        believed = last(values, 0.2)
        if believed < BLOWN_UP * max(best, 0.1) or believed < 2 * first(values, 0.2):
            return None
        evidence = (
            f"Q of the actions taken went from {first(values, 0.2):.3g} to {believed:.3g} an agent; returns of more "
            f"than {best:.3g} were never earned."
        )
        numbers = {"q_taken_mean": believed, "best_return": best}
    return Finding(
        "values-diverge",
        "problem",
        "the values run away",
        evidence,
        "Values are learnt from other values. Where a step is too large or the targets follow too quickly, an error "
        "feeds on itself: every update believes the last one's mistake and adds to it.",
        (
            Remedy((f"lr={history.config.optimizer.lr / 10:g}",), "smaller steps"),
            Remedy(("target_tau=0.005", "target_sync_updates=0"), "targets that follow slowly"),
            Remedy(("grad_norm_clip=1",), "no single batch may tear the network"),
        ),
        numbers,
        history.train_plot("q_taken_mean", "target_mean", label="value per agent")
        if np.isfinite(values).sum() > 3
        else None,
    )


def values_overestimate(history: History) -> Finding | None:
    """The team believes its start to be worth much more than it then earns."""
    believed, earned = history.test("test_q_start_mean"), history.test("test_discounted_return_mean")
    if np.isfinite(believed).sum() < 4 or history.done < 0.3:
        return None
    gap, scale = last(believed - earned), abs(last(earned))
    spread = float(np.nanmax(history.test("test_return_std"), initial=0.0))
    if gap < max(1.0 * scale, 0.5 * spread, 0.25):
        return None
    return Finding(
        "values-overestimate",
        "warning",
        f"the team expects {last(believed):.2g} and earns {last(earned):.2g}",
        f"At the first step of greedy episodes Q_tot is {last(believed):.3g} per agent; the discounted return that "
        f"followed was {last(earned):.3g}.",
        "Choosing the best of noisy values picks the luckiest error, and bootstrapping carries it back. Some optimism "
        "is normal while learning; this much hides which actions are really good.",
        (
            Remedy(("double_q=True",), "choose with one network, value with the other")
            if flat(history.config).get("algorithm.double_q") is False
            else Remedy(("td_lambda=0.8",), "trust rewards that were really earned more than values"),
            Remedy(("target_tau=0.005", "target_sync_updates=0"), "targets that follow slowly"),
        ),
        {"believed": last(believed), "earned": last(earned)},
        history.test_plot("test_q_start_mean", "test_discounted_return_mean", label="value per agent"),
    )


def loss_falls_return_flat(history: History) -> Finding | None:
    """The loss is small and smaller, and the team does not get better: it predicts nothing perfectly."""
    loss, returns = history.train("loss"), history.test("test_return_mean")
    if history.done < 0.5 or len(returns) < 5 or np.isfinite(loss).sum() < 10 or not history.is_sparse:
        return None
    if (
        algorithm_of(history.config).choice == "sampled"
    ):  # whose loss is no error: it is made anew with every collection
        return None
    fell, train = first(loss, 0.1) / max(last(loss, 0.2), 1e-12), history.train("return_mean")
    if fell < 3 or last(returns) > 0.1 or last(returns) > 3 * max(first(train, 0.2), 1e-3) or not history.found > 0:
        return None
    return Finding(
        "loss-falls-return-flat",
        "warning",
        f"the loss fell {rounded(fell)} times, the return stays at {last(returns):.2g}",
        f"Loss {first(loss, 0.1):.3g} at first, {last(loss, 0.2):.3g} now; {rounded(history.found)} rewarding episodes "
        "were found on the way.",
        "The loss says how well the network predicts its own targets. Where nearly every target is zero, predicting "
        "zero everywhere makes a beautiful loss and a useless team. Watch the return, not the loss.",
        (
            Remedy(("rewarding_fraction=0.25",), "so that zero is no longer nearly always right"),
            Remedy(
                (f"updates_per_collection={4 * history.config.training.updates_per_collection}",), "learn more from it"
            ),
        ),
        {"loss_fell": fell, "test_return_mean": last(returns)},
        history.train_plot("loss", label="loss"),
    )


def gradient_clipped(history: History) -> Finding | None:
    """Nearly every gradient is cut to the limit."""
    clipped, norm = history.train("grad_clipped_share"), history.train("grad_norm")
    limit = history.config.optimizer.grad_norm_clip
    if np.isfinite(norm).sum() < 5 or history.done < 0.1:
        return None
    measured = bool(np.isfinite(clipped).any())
    if (last(clipped, 0.5) < CLIPPED) if measured else (last(norm, 0.5) < 2 * limit):
        return None
    seen = (
        f"{last(clipped, 0.5):.0%} of the gradients of the last half were longer" if measured else "The mean is longer"
    )
    return Finding(
        "gradient-clipped",
        "warning",
        f"nearly every gradient is cut to {limit:g}",
        f"{seen} than grad_norm_clip={limit:g}; their mean length is {last(norm, 0.5):.3g}.",
        "Clipping protects from a rare bad batch. Where it acts always, every update has the same length and says "
        "nothing about how wrong the network is; usually the rewards or targets are too large for the setting.",
        (
            Remedy(
                (f"grad_norm_clip={as_override(round_up(3 * last(norm, 0.5)))}",), "a limit above what is usual here"
            ),
            *(
                (Remedy(("standardise_rewards=False",), "standardized rare rewards are enormous"),)
                if history.config.algorithm.standardize_rewards
                else ()
            ),
        ),
        {"clipped_share": last(clipped, 0.5), "grad_norm": last(norm, 0.5)},
        history.train_plot("grad_norm", label="gradient norm"),
    )


CHECKS = (values_diverge, values_overestimate, loss_falls_return_flat, gradient_clipped)
