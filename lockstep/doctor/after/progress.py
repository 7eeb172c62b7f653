"""Is what was learnt kept, and does it hold when it counts?"""

import numpy as np

from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.history import History, last, smoothed
from lockstep.formats import rounded


def train_test_gap(history: History) -> Finding | None:
    """Greedy episodes earn much less than training episodes that are partly random."""
    trained, returns = history.train("return_mean"), history.test("test_return_mean")
    train, test, before = last(trained), last(returns), last(trained[: 2 * len(trained) // 3])
    if len(returns) < 4 or not history.is_sparse or not train > 0.2 or test > 0.5 * train:
        return None
    if not before > 0.2 or returns[-1] > 2 * returns[-4:-1].mean():  # greedy play follows, or is taking off just now
        return None
    return Finding(
        "train-test-gap",
        "warning",
        f"training earns {train:.2g}, greedy play {test:.2g}",
        f"Over the last third, training episodes (with exploration) returned {train:.3g} on average and greedy ones "
        f"{test:.3g}.",
        "A greedy team does the same in the same place, every time. Two robots that block each other stay there for "
        "ever, while a random move now and then would free them: the team relies on its own mistakes.",
        (
            Remedy(("actor_tau=0.002",), "play with an average of the parameters: nearly equal values settle"),
            Remedy(("network.recurrent=True",), "a memory notices that nothing moves"),
            Remedy(("evaluation.epsilon=0.01",), "see how much a little chance helps; report it apart"),
        ),
        {"return_mean": train, "test_return_mean": test},
        history.test_plot("test_return_mean", label="greedy return"),
    )


def forgot_after_peak(history: History) -> Finding | None:
    """It was much better once."""
    returns = history.test("test_return_mean")
    smooth = smoothed(returns)
    if len(smooth) < 4 or not history.is_sparse:
        return None
    best, now = int(smooth.argmax()), float(smooth[-1])
    peak, spread = float(smooth[best]), float(np.nanmean(history.test("test_return_std")))
    if peak < 0.2 or now > 0.6 * peak or peak - now < 0.25 * spread:
        return None
    at = history.test("env_steps")[best + 1]
    return Finding(
        "forgot-after-peak",
        "warning",
        f"it earned {peak:.2g} once and earns {now:.2g} now",
        f"The best three evaluations in a row, around {rounded(at)} env steps, averaged {peak:.3g}; the last three "
        f"average {now:.3g}. The policy of the best single evaluation is kept: `--checkpoint best`.",
        "A network that learns something new writes over what it knew. As the team changes, so do the episodes it "
        "learns from, and what it no longer meets it forgets.",
        (
            Remedy((f"lr={history.config.optimizer.lr / 3:g}",), "smaller steps forget less"),
            Remedy((f"buffer_size={4 * history.config.replay.buffer_size}",), "keep studying older episodes"),
            Remedy(("actor_tau=0.002",), "play with an average of the parameters"),
        ),
        {"peak": peak, "now": now, "peak_env_steps": float(at)},
        history.test_plot("test_return_mean", label="greedy return"),
    )


CHECKS = (train_test_gap, forgot_after_peak)
