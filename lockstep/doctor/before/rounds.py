"""Will one collection teach anything? For what learns from each by itself, and then forgets it."""

import math

from lockstep.config.knobs import flat
from lockstep.config.schema import RunConfig
from lockstep.doctor.finding import Finding, Remedy, Severity
from lockstep.doctor.forecast import Forecast, FreshForecast
from lockstep.doctor.limits import MIN_REWARDING_A_ROUND
from lockstep.doctor.remedies import MEMORY, is_foreign
from lockstep.formats import as_override, percent, rounded

ENOUGH = 1.0
"""Rewarding episodes in a collection from which most of them teach something."""


def collection_without_reward(forecast: Forecast) -> Finding | None:
    """Most collections hold no reward at all, so most updates have nothing to go by."""
    if not isinstance(forecast, FreshForecast) or not forecast.task.is_sparse or not forecast.updates:
        return None
    expected, lanes = forecast.rewarding_per_collection, forecast.episodes_per_collection
    if expected >= ENOUGH:
        return None
    more = math.ceil(2 * ENOUGH * lanes / expected / 32) * 32
    severity: Severity = "problem" if expected < MIN_REWARDING_A_ROUND else "warning"
    return Finding(
        "collection-without-reward",
        severity,
        f"one collection in {rounded(1 / expected)} meets a reward",
        f"A collection is {rounded(lanes)} episodes of {rounded(forecast.task.mean_length)} steps, and an untrained "
        f"team earns something in one of {rounded(lanes / expected)}: {rounded(expected)} rewarding episodes a "
        "collection.",
        "This algorithm learns from what was just played and then forgets it. A collection without a reward tells it "
        "nothing about what is good; meanwhile the noise of its updates, and nothing else, moves the policy.",
        (Remedy((f"num_envs={as_override(more)}",), "so many episodes side by side that each collection meets some"),),
        {"rewarding_episodes_per_collection": expected, "limit": ENOUGH},
    )


def settings_without_meaning(forecast: Forecast) -> Finding | None:
    """Something is set that this algorithm ignores, or that only harms it."""
    config = forecast.config
    if not isinstance(forecast, FreshForecast):
        return None
    usual, values = flat(RunConfig()), flat(config)
    ignored = [name for name in values if name.startswith(MEMORY) and values[name] != usual.get(name)]
    x, warmup = config.exploration, config.collection.warmup_env_steps
    epsilon = max(x.epsilon_start, x.epsilon_finish) if forecast.draws else 0.0
    harms, words = [], []
    if warmup:
        lost = min(warmup / config.training.max_env_steps, 1.0)
        harms.append(f"The warm-up plays {rounded(warmup)} env steps, {percent(lost)} of the budget, and forgets them.")
        words.append("warmup_env_steps=0")
    if epsilon:
        harms.append(
            f"With a chance of up to {epsilon:g} (epsilon) an agent does what its policy did not choose, and is "
            "taught as if it had."
        )
        words += ["epsilon_start=0", "epsilon_finish=0"]
    if not harms and not ignored:
        return None
    if ignored:
        harms.append(f"Not looked at: {', '.join(f'{name}={values[name]}' for name in ignored)}.")
        words += [f"{name}={as_override(usual[name])}" for name in ignored]
    assert all(is_foreign(name, config) for name in ignored)
    return Finding(
        "settings-without-meaning",
        "warning" if warmup or epsilon else "note",
        "random play only costs this algorithm" if warmup or epsilon else "some settings mean nothing here",
        " ".join(harms),
        "It learns from what was just played while it is fresh, so there is no memory to fill and no random play to "
        "begin with."
        + (" A policy explores by itself: it draws its actions, without epsilon." if forecast.draws else ""),
        (Remedy(tuple(words), "what this algorithm has no use for, as if it had never been set"),),
        {"warmup_env_steps": float(warmup), "epsilon": epsilon, "settings": float(len(ignored))},
    )


CHECKS = (collection_without_reward, settings_without_meaning)
