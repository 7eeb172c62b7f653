"""Will what is studied be learnt?"""

import math

from lockstep.config.knobs import flat
from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.forecast import Forecast
from lockstep.doctor.limits import MAX_LR, MIN_MOVEMENT, MIN_REACH, MIN_WORTH
from lockstep.formats import as_override, rounded

STANDARDIZED = 20.0
"""Deviations from which a standardized reward is far from what learners are tuned for."""


def too_few_updates(forecast: Forecast) -> Finding | None:
    """The parameters cannot move far enough: too few updates for this learning rate."""
    config = forecast.config
    if forecast.updates == 0 or forecast.movement >= MIN_MOVEMENT:
        return None
    lr, factor = config.optimizer.lr, math.ceil(2 * MIN_MOVEMENT / forecast.movement)
    remedies = []
    if lr * factor <= 3e-3:
        remedies.append(Remedy((f"lr={as_override(_two_digits(lr * factor))}",), "larger steps"))
    if factor <= 64:
        more = factor * forecast.updates_per_collection
        remedies.append(Remedy((f"updates_per_collection={as_override(more)}",), "more steps from the same play"))
        remedies.append(Remedy((f"minibatches={as_override(more)}",), "more, smaller steps from the same play"))
    longer = config.collection.warmup_env_steps + factor * (
        config.training.max_env_steps - config.collection.warmup_env_steps
    )
    remedies.append(Remedy((f"t_max={as_override(longer)}",), "a longer run"))
    return Finding(
        "too-few-updates",
        "problem",
        f"{rounded(forecast.updates)} updates at lr {lr:g} cannot move the network far enough",
        f"{rounded(forecast.updates)} updates times {lr:g} is {forecast.movement:.2g}: about as far as Adam can move "
        f"one parameter in the whole run. Nothing was ever seen to be learnt below {MIN_MOVEMENT:g}.",
        "Adam moves every parameter by at most about the learning rate in one update. A run whose steps do not add up "
        "ends nearly where it began, whatever was found.",
        tuple(remedies),
        {"lr_times_updates": forecast.movement, "limit": MIN_MOVEMENT},
    )


def learning_rate_too_high(forecast: Forecast) -> Finding | None:
    """Steps so large that values jump about instead of settling."""
    lr = forecast.config.optimizer.lr
    if lr <= MAX_LR:
        return None
    return Finding(
        "learning-rate-too-high",
        "problem",
        f"lr {lr:g} is too large for values to settle",
        f"lr is {lr:g}; nothing was ever seen to be learnt above {MAX_LR:g}.",
        "Every update overshoots what it aims at, and the next one overshoots back. Units die, values explode, or the "
        "team does one thing for ever.",
        (Remedy(("lr=0.001",), "a size that works for most tasks"),),
        {"lr": lr, "limit": MAX_LR},
    )


def targets_too_slow(forecast: Forecast) -> Finding | None:
    """News of a reward cannot travel back to where a delivery begins before the run is over."""
    needed = MIN_REACH * forecast.distance
    if forecast.updates == 0 or forecast.reach >= needed:
        return None
    faster = (
        Remedy(("target_tau=0.02",), "targets follow within 50 updates")
        if flat(forecast.config).get("algorithm.target_tau")
        else Remedy(
            (f"target_sync_updates={max(int(forecast.updates // (8 * needed)), 1)}",), "targets follow more often"
        )
    )
    return Finding(
        "targets-too-slow",
        "problem",
        f"news of a reward travels back {rounded(forecast.reach)} steps in the whole run",
        f"The targets follow every {rounded(forecast.sync_updates)} updates ({rounded(forecast.sync_env_steps)} env "
        f"steps), {rounded(forecast.updates / forecast.sync_updates)} times in all, and a reward is felt "
        f"{rounded(forecast.steps_per_sync)} steps earlier each time; {forecast.way} {rounded(forecast.distance)} "
        "steps.",
        "What an early action is worth is learnt from the value of the step after it. That news moves backwards "
        "through the episode a little with every renewal of the target networks; before it arrives, early actions look "
        "worthless.",
        (faster, Remedy(("td_lambda=0.8",), "targets that look several steps ahead")),
        {"credit_reach_steps": forecast.reach, "limit": needed},
    )


def horizon_too_short(forecast: Forecast) -> Finding | None:
    """Gamma makes a reward worthless before the team can aim at it."""
    if forecast.worth_at_distance >= MIN_WORTH:
        return None
    gamma = _two_digits(1.0 / (3.0 * forecast.distance))
    return Finding(
        "horizon-too-short",
        "problem",
        f"gamma {forecast.config.algorithm.gamma:g} sees {rounded(forecast.horizon)} steps, {forecast.way} "
        f"{rounded(forecast.distance)}",
        f"A reward of 1 is worth {forecast.worth_at_distance:.2g} where the way to it begins, "
        f"{rounded(forecast.distance)} steps earlier; below {MIN_WORTH:g} nothing was ever seen to be learnt.",
        "Gamma is how much tomorrow counts. Multiplied once for every step, a small gamma leaves nothing of a reward "
        "that is some steps away, and the noise of the values is larger than what is left.",
        (Remedy((f"gamma={1.0 - gamma:g}",), "look about three times as far ahead"),),
        {"worth_one_delivery_earlier": forecast.worth_at_distance, "limit": MIN_WORTH},
    )


def standardized_rare_reward(forecast: Forecast) -> Finding | None:
    """Standardization makes a rare reward enormous and every other step a small punishment."""
    reward = forecast.standardized_reward
    if not forecast.task.is_sparse or reward < STANDARDIZED:
        return None
    rate = forecast.task.reward_per_step
    silent = -((rate / (1 - rate)) ** 0.5)
    return Finding(
        "standardized-rare-reward",
        "warning",
        f"standardized, a reward of 1 becomes {rounded(reward)}",
        f"At {rate:.2g} rewards a step, standardization turns a reward into {rounded(reward)} and a step without one "
        f"into {silent:.2g}; before the first reward it divides by almost nothing. The scale shrinks as the team "
        "improves.",
        "Shifting and scaling rewards helps where every step pays a little. Where rewards are rare, one delivery "
        "makes an enormous error, is clipped, and the target moves while it is aimed at.",
        (Remedy(("standardise_rewards=False",), "rewards as the task pays them"),),
        {"standardized_reward": reward, "limit": STANDARDIZED},
    )


def time_limit_is_an_end(forecast: Forecast) -> Finding | None:
    """Values near the time limit are taught to be zero, though the world goes on."""
    limit, horizon = forecast.task.spec.time_limit, forecast.horizon
    if forecast.config.algorithm.bootstrap_time_limit or horizon < 0.5 * limit or forecast.task.mean_length < limit:
        return None
    return Finding(
        "time-limit-is-an-end",
        "note",
        "the time limit counts as an end, and observations do not show the time",
        f"Episodes are cut after {rounded(limit)} steps, gamma sees {rounded(horizon)}: what a place is worth depends "
        "on a clock that the agents cannot see.",
        "A cut episode is not over: its last state still has a future. Counting it as an end teaches the same place "
        "two values, early and late.",
        (Remedy(("bootstrap_time_limit=True",), "value the last state of a cut episode"),),
        {"horizon_steps": horizon, "time_limit": float(limit)},
    )


def _two_digits(value: float) -> float:
    return float(f"{value:.1g}")


CHECKS = (
    too_few_updates,
    learning_rate_too_high,
    targets_too_slow,
    horizon_too_short,
    standardized_rare_reward,
    time_limit_is_an_end,
)
