"""Was anything found, and was it kept?"""

import numpy as np

from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.history import History, last
from lockstep.formats import as_override, percent, round_up, rounded

LEAST_EPISODES = 100
ENOUGH_TO_JUDGE = 0.1
"""Share of a run after which silence means something."""


def no_reward_ever(history: History) -> Finding | None:
    """Not one training episode has earned anything."""
    if history.done < ENOUGH_TO_JUDGE or not history.is_sparse:
        return None
    returns = np.concatenate([history.all("return_mean"), history.test("test_return_mean")])
    if not (history.found == 0 or np.isnan(history.found)) or np.nanmax(returns, initial=0.0) > 0:
        return None
    episodes, steps = float(np.nanmax(history.all("episode"), initial=0.0)), history.env_steps
    if episodes < LEAST_EPISODES:
        return None
    warmup = round_up(10 * max(steps, 1.0))
    most = history.config.training.max_env_steps
    epsilon = last(history.train("epsilon"), 0.01)
    explored = f" Epsilon is {epsilon:.3g}." if epsilon > 0 else ""
    return Finding(
        "no-reward-ever",
        "problem",
        f"not one of {rounded(episodes)} episodes earned anything",
        f"After {rounded(steps)} env steps ({percent(history.done)} of the run) every return was 0, in training and in "
        f"evaluation.{explored}",
        "There is nothing to learn from yet. A network that has never seen a reward cannot prefer what leads to one; "
        "only chance can find the first" + (", and it becomes rarer as epsilon falls." if explored else "."),
        (
            Remedy(
                (
                    f"warmup_env_steps={as_override(warmup)}",
                    f"t_max={as_override(most + warmup)}",
                    "rewarding_fraction=0.25",
                ),
                "ten times as much random play before, which is blind and fast in the warehouse",
            ),
            Remedy((f"epsilon_anneal_time={as_override(most)}",), "explore through the whole run"),
        ),
        {"episodes": episodes, "env_steps": steps},
    )


def reward_lost_again(history: History) -> Finding | None:
    """Rewards were found, but none is left in the replay, and the team earns nothing."""
    held = history.train("replay_rewarding_episodes")
    if not history.is_sparse or not np.isfinite(held).any() or not history.found > 0:
        return None
    if np.nanmax(held) < 1 or last(held, 0.1) >= 1 or last(history.test("test_return_mean")) > 0.1:
        return None
    buffer = history.config.replay.buffer_size
    return Finding(
        "reward-lost-again",
        "problem",
        f"{rounded(history.found)} rewarding episodes were found, and none is left in the replay",
        f"At most {rounded(np.nanmax(held))} of {rounded(buffer)} remembered episodes had earned something; now "
        f"{rounded(last(held, 0.1))} have, and the greedy return is {last(history.test('test_return_mean')):.2g}.",
        "The replay forgets the oldest episodes first. What was found was pushed out by episodes that earned nothing, "
        "before enough was learnt from it to find it again.",
        (
            Remedy(("rewarding_fraction=0.25",), "a memory of their own for rewarding episodes"),
            Remedy((f"buffer_size={as_override(20 * buffer)}",), "remember longer"),
        ),
        {"found": history.found, "held_most": float(np.nanmax(held)), "held_now": last(held, 0.1)},
        history.train_plot("replay_rewarding_episodes", label="episodes"),
    )


CHECKS = (no_reward_ever, reward_lost_again)
