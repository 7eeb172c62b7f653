"""Did exploration end too late, or too soon?"""

import numpy as np

from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.history import History, last
from lockstep.doctor.limits import MIN_REWARDING
from lockstep.formats import as_override, rounded

HIGH = 0.5


def epsilon_never_fell(history: History) -> Finding | None:
    """At the end most actions were still random, in every lane."""
    epsilon = history.train("epsilon")
    x = history.config.exploration
    if history.done < 0.9 or x.epsilon_ladder > 0 or not last(epsilon, 0.1) > HIGH:
        return None
    most = history.config.training.max_env_steps - history.config.collection.warmup_env_steps
    return Finding(
        "epsilon-never-fell",
        "warning",
        f"epsilon is still {last(epsilon, 0.1):.2g} at the end",
        f"The run is {history.done:.0%} over; epsilon went from {epsilon[0]:.2g} to {last(epsilon, 0.1):.2g} "
        f"(epsilon_anneal_time={x.epsilon_anneal_env_steps:,}, epsilon_finish={x.epsilon_finish:g}).",
        "What is learnt is what was tried. With mostly random actions the team hardly ever gets far enough to meet "
        "what comes after the first success.",
        (
            Remedy(
                (
                    f"epsilon_finish={min(x.epsilon_finish, 0.05):g}",
                    f"epsilon_anneal_time={as_override(max(most // 2, 1))}",
                ),
                "reach the floor at half-time",
            ),
        ),
        {"epsilon": last(epsilon, 0.1)},
        history.train_plot("epsilon", label="epsilon"),
    )


def epsilon_fell_too_soon(history: History) -> Finding | None:
    """Epsilon reached its floor before enough was found, and the team earns nothing."""
    epsilon, found = history.train("epsilon"), history.train("rewarding_episodes")
    x = history.config.exploration
    at_floor = epsilon <= x.epsilon_finish * 1.001
    if not history.is_sparse or x.epsilon_finish >= 0.5 * x.epsilon_start or not at_floor.any():
        return None
    if history.done < 0.1 or not np.isfinite(found).any() or last(history.test("test_return_mean")) > 0.1:
        return None
    before = history.found - float(np.nansum(found[at_floor]))
    if before >= MIN_REWARDING or (history.found == 0 and history.done > 0.5):
        return None  # the second: nothing ever was found, which is a finding of its own
    rate = before / max(float(history.train("env_steps")[at_floor.argmax()]), 1.0)
    anneal = 10 * x.epsilon_anneal_env_steps if before == 0 else round(100 / rate)
    return Finding(
        "epsilon-fell-too-soon",
        "problem",
        f"epsilon was {x.epsilon_finish:g} after {rounded(before)} rewarding episodes",
        f"Epsilon reached its floor after {rounded(x.epsilon_anneal_env_steps)} env steps. By then {rounded(before)} "
        f"episodes had earned something; since then {rounded(history.found - before)} have.",
        "Once epsilon is low the team repeats what it happens to prefer. If that was settled before any reward was "
        "understood, it repeats something worthless, and finds little else.",
        (
            Remedy(
                (
                    f"epsilon_anneal_time={as_override(anneal)}",
                    f"t_max={as_override(max(history.config.training.max_env_steps, 4 * anneal))}",
                ),
                "explore until a hundred are found",
            ),
        ),
        {"found_before_floor": before, "found": history.found},
        history.train_plot("epsilon", "rewarding_episodes", label="epsilon, episodes a row"),
    )


CHECKS = (epsilon_never_fell, epsilon_fell_too_soon)
