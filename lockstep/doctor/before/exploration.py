"""Will anything be found at all?"""

from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.forecast import Forecast, FreshForecast
from lockstep.doctor.limits import MIN_REWARDING
from lockstep.formats import as_override, percent, round_up, rounded

COMFORTABLE = 100
"""Rewarding episodes with which nobody need worry."""


def too_few_rewards(forecast: Forecast) -> Finding | None:
    """Fewer rewarding episodes in the whole run than learning was ever seen with."""
    task, config = forecast.task, forecast.config
    if not task.is_sparse or forecast.rewarding_in_all >= MIN_REWARDING:
        return None
    low, high = task.random.interval
    rate = (
        f"Random play earned something in {rounded(task.random.rewarding)} of {rounded(task.random.episodes)} "
        f"episodes: one in {rounded(1 / task.random.chance)} ({rounded(1 / high)} to {rounded(1 / max(low, 1e-9))}), "
        f"one in {rounded(task.steps_per_reward)} env steps."
        if task.random.rewarding
        else f"Random play earned nothing in {rounded(task.random.episodes)} episodes."
    )
    floor = (
        f" Before epsilon is {config.exploration.epsilon_finish:g}, after "
        f"{rounded(config.exploration.epsilon_anneal_env_steps)} steps, that makes about "
        f"{rounded(forecast.rewarding_before_floor_at_random)} rewarding episodes if every action is random, "
        f"{rounded(forecast.rewarding_before_floor)} with this exploration; {rounded(forecast.rewarding_in_all)} in "
        "the whole run."
        if forecast.annealed < forecast.collections
        else f" This exploration finds about {rounded(forecast.rewarding_in_all)} rewarding episodes in the whole run."
    )
    over = "in the whole run" if forecast.draws else "before exploration is over"
    return Finding(
        "too-few-rewards",
        "problem",
        f"about {rounded(forecast.rewarding_before_floor_at_random)} rewarding episodes {over}",
        rate + floor,
        "A team can only repeat what it has met. Before the first rewards its preferences say nothing, so it is "
        "chance that has to find them, and here chance gets too few tries: the return will almost surely stay at 0.",
        _find_more(forecast),
        {"rewarding_episodes_in_all": forecast.rewarding_in_all, "limit": MIN_REWARDING},
    )


def epsilon_falls_early(forecast: Forecast) -> Finding | None:
    """Exploration is nearly over before it had a fair chance, though the rest of the run may still find something."""
    x = forecast.config.exploration
    ends_early = x.epsilon_finish < 0.3 * x.epsilon_start and forecast.annealed < 0.5 * forecast.collections
    if not forecast.task.is_sparse or not ends_early or forecast.rewarding_in_all < MIN_REWARDING:
        return None
    if forecast.rewarding_before_floor >= MIN_REWARDING:
        return None
    return Finding(
        "epsilon-falls-early",
        "warning",
        f"epsilon is at {x.epsilon_finish:g} before {rounded(MIN_REWARDING)} rewards are found",
        f"{rounded(forecast.rewarding_before_floor)} rewarding episodes are expected until epsilon is "
        f"{x.epsilon_finish:g} after {rounded(x.epsilon_anneal_env_steps)} steps; that is "
        f"{percent(forecast.annealed / forecast.collections)} of the run.",
        "Epsilon is the share of random actions. Once it is low, the team repeats what it happens to prefer, and new "
        "things are found rarely.",
        _find_more(forecast),
        {"rewarding_episodes_before_epsilon_floor": forecast.rewarding_before_floor},
    )


def _find_more(forecast: Forecast) -> tuple[Remedy, ...]:
    """Ways to find about a hundred rewarding episodes."""
    task, config = forecast.task, forecast.config
    most = config.training.max_env_steps
    if forecast.draws:
        longer = round_up(COMFORTABLE * task.steps_per_reward + config.collection.warmup_env_steps)
        return (Remedy((f"t_max={as_override(longer)}",), "until enough is found: play is random until then"),)
    warmup = round_up(COMFORTABLE * task.steps_per_reward)
    anneal = round_up(COMFORTABLE * task.steps_per_reward)
    remedies = []
    if task.blind_warmup and not isinstance(forecast, FreshForecast):
        remedies.append(
            Remedy(
                (
                    f"warmup_env_steps={as_override(warmup)}",
                    f"t_max={as_override(most + warmup)}",
                    f"rewarding_fraction={max(config.replay.rewarding_fraction, 0.25):g}",
                ),
                "random play that is blind costs seconds, and what it finds is kept in a memory of its own",
            )
        )
    remedies.append(
        Remedy(
            (f"epsilon_anneal_time={as_override(anneal)}", f"t_max={as_override(max(most, 4 * anneal))}"),
            "explore until enough is found",
        )
    )
    return tuple(remedies)


CHECKS = (too_few_rewards, epsilon_falls_early)
