"""Will what is found be remembered, and studied?"""

from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.forecast import Forecast, FreshForecast
from lockstep.doctor.limits import MIN_REWARDING, MIN_STUDIED
from lockstep.formats import as_override, rounded

RARELY = 0.02
"""Rewarding episodes in a batch below which most updates teach nothing."""


def never_learns(forecast: Forecast) -> Finding | None:
    """The replay never holds a batch, or the run ends before it does."""
    replay = forecast.config.replay
    if forecast.updates > 0:
        return None
    fresh = isinstance(forecast, FreshForecast)
    why = (
        f"The warm-up of {rounded(forecast.config.collection.warmup_env_steps)} env steps is the whole run."
        if fresh
        else f"{rounded(forecast.collections)} collections are left after the warm-up, "
        f"{rounded(forecast.stored_at_start)} episodes are stored by then, and a batch needs "
        f"{rounded(replay.batch_size)}."
    )
    return Finding(
        "never-learns",
        "problem",
        "not one update will be made",
        why,
        f"Learning begins {'after the warm-up' if fresh else 'when the replay holds a whole batch'}. Here that never "
        "happens: the team would play untrained to the end.",
        (
            Remedy(
                (f"buffer_size={as_override(max(replay.buffer_size, 20 * replay.batch_size))}",),
                "room for more than a batch",
            ),
            Remedy(
                (f"t_max={as_override(2 * forecast.config.training.max_env_steps + 1_000_000)}",),
                "time after the warm-up",
            ),
        ),
        {"updates": forecast.updates},
    )


def rewards_rarely_studied(forecast: Forecast) -> Finding | None:
    """Rewards are found but updates hardly ever look at them."""
    if isinstance(forecast, FreshForecast) or not forecast.task.is_sparse:
        return None
    if forecast.updates == 0 or forecast.rewarding_in_all < MIN_REWARDING:
        return None
    config, per_batch = forecast.config, forecast.at_share(0.5, forecast.rewarding_per_batch)
    few = forecast.studied < MIN_STUDIED
    if not few and per_batch * forecast.chance_of_reward_in_piece >= RARELY:
        return None
    one_in = 1 / max(per_batch * forecast.chance_of_reward_in_piece, 1e-9)
    return Finding(
        "rewards-rarely-studied",
        "problem" if few else "warning",
        f"one update in {rounded(one_in)} looks at a reward",
        f"Half-way, {rounded(forecast.at_share(0.5, forecast.remembered))} of "
        f"{rounded(min(config.replay.buffer_size, forecast.grid[-1] * forecast.episodes_per_collection))} remembered "
        f"episodes earned something: {rounded(per_batch)} in a batch of {config.replay.batch_size}. In the whole run "
        f"{rounded(forecast.updates)} updates look at a reward {rounded(forecast.studied)} times.",
        "Every update draws some remembered episodes. Where nearly all of them earned nothing, nearly every update "
        "only teaches that nothing is worth anything.",
        (
            Remedy(
                ("rewarding_fraction=0.25",), "a quarter of every batch comes from a memory of rewarding episodes only"
            ),
            Remedy(
                (
                    f"updates_per_collection={as_override(4 * config.training.updates_per_collection)}",
                    "rewarding_fraction=0.25",
                ),
                "the same, studied more",
            ),
        ),
        {"rewards_studied": forecast.studied, "limit": MIN_STUDIED},
    )


def replay_forgets(forecast: Forecast) -> Finding | None:
    """What exploration found has left the replay before half of the run is over."""
    found = forecast.rewarding_in_all
    if isinstance(forecast, FreshForecast) or not forecast.task.is_sparse or found < MIN_REWARDING:
        return None
    if forecast.config.replay.rewarding_fraction > 0:
        return None
    kept = forecast.at_share(0.5, forecast.remembered)
    by_then = forecast.at_share(0.5, forecast.rewarding)
    if kept >= 1.0 or by_then < MIN_REWARDING:
        return None
    buffer = forecast.config.replay.buffer_size
    return Finding(
        "replay-forgets",
        "warning",
        f"{rounded(by_then)} rewarding episodes found by half-time, {rounded(kept)} still remembered",
        f"The replay keeps {rounded(buffer)} episodes; the run plays "
        f"{rounded(forecast.collections * forecast.episodes_per_collection)}. What was found early is pushed out by "
        "what came later and earned nothing.",
        "The replay is the team's memory: the oldest episodes leave first, good or bad.",
        (
            Remedy(("rewarding_fraction=0.25",), "rewarding episodes get a memory of their own"),
            Remedy((f"buffer_size={as_override(20 * buffer)}",), "remember longer"),
        ),
        {"rewarding_in_replay_at_half": kept},
    )


CHECKS = (never_learns, rewards_rarely_studied, replay_forgets)
