"""Does the policy still decide, and does it move as far as it may? Only of algorithms that write such numbers."""

import numpy as np

from lockstep.config.knobs import flat
from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.history import Floats, History, first, last
from lockstep.formats import percent, rounded

COLLAPSED, EARLY = 0.05, 0.3
"""Share of its first entropy that is as good as none; share of a run before which that is early."""
UNDECIDED, LATE = 0.98, 0.3
"""Share of its first entropy that is as good as all; share of a run after which that is late."""
JUMP = 0.1
"""Mean KL divergence, in nats, from the policy that played to the one that is being trained."""
CLIPPED = 0.5
FEWEST_ROWS = 5


def policy_collapsed(history: History) -> Finding | None:
    """The policy became certain before it had found out what is good."""
    entropy, steps = history.train("policy_entropy"), history.train("env_steps")
    there = np.isfinite(entropy)
    if there.sum() < FEWEST_ROWS:
        return None
    entropy, steps = entropy[there], steps[there]
    least = COLLAPSED * entropy[0]
    if not entropy[0] > 0 or last(entropy, 0.1) > least:
        return None
    at = float(steps[int((entropy <= least).argmax())])
    warmup, most = history.config.collection.warmup_env_steps, history.config.training.max_env_steps
    share = (at - warmup) / max(most - warmup, 1)
    returns, when = history.test("test_return_mean"), history.test("env_steps")
    before, now = _best(returns[when <= at]), last(returns)
    if share > EARLY or now > max(1.1 * before, before + 0.1):
        return None
    return Finding(
        "policy-collapsed",
        "warning",
        f"the policy was certain after {rounded(at)} env steps, and has not got better since",
        f"Its entropy fell from {entropy[0]:.3g} to {last(entropy, 0.1):.2g} nats an agent, below "
        f"{percent(COLLAPSED)} of the first, when {percent(share)} of the run was over. The best test return until "
        f"then was {before:.3g}; now it is {now:.3g}.",
        "A policy explores by being undecided. Where one action has all the chance, no other is tried any more, and "
        "what is never tried cannot become likelier: it will go on like this to the end.",
        (Remedy((f"lr={history.config.optimizer.lr / 3:g}",), "smaller steps become certain more slowly"),),
        {"policy_entropy": last(entropy, 0.1), "first": float(entropy[0]), "at_env_steps": at},
        history.train_plot("policy_entropy", label="nats"),
    )


def policy_undecided(history: History) -> Finding | None:
    """The policy draws as it did on the first day: nothing has been learnt, or entropy is paid too well."""
    entropy = history.train("policy_entropy")
    if np.isfinite(entropy).sum() < FEWEST_ROWS or history.done < LATE:
        return None
    start, now = first(entropy, 0.1), last(entropy, 0.2)
    if now < UNDECIDED * start:
        return None
    weight = flat(history.config).get("algorithm.entropy_weight")
    paid = f" (entropy_weight={weight:g})" if isinstance(weight, float) else ""
    less = (Remedy((f"entropy_weight={weight / 10:g}",), "pay less for being undecided"),) if weight and paid else ()
    return Finding(
        "policy-undecided",
        "warning",
        f"the policy is as undecided as it was at first: {percent(now / start)} of its entropy is left",
        f"{percent(history.done)} of the run is over. The entropy was {start:.3g} nats an agent and is {now:.3g}{paid}"
        f"; {_found(history)}.",
        "A fresh policy gives all actions about the same chance. It leaves that when some of them turn out better, by "
        "more than the bonus for staying undecided. Without rewards nothing does.",
        (*less, Remedy((f"lr={3 * history.config.optimizer.lr:g}",), "larger steps, if rewards are found")),
        {"policy_entropy": now, "first": start},
        history.train_plot("policy_entropy", label="nats"),
    )


def policy_jumps(history: History) -> Finding | None:
    """One collection moves the policy so far that what it shows no longer holds for the policy that it makes."""
    moved = history.train("policy_kl")
    if np.isfinite(moved).sum() < FEWEST_ROWS or not last(moved) > JUMP:
        return None
    return Finding(
        "policy-jumps",
        "warning",
        f"a collection moves the policy by {last(moved):.2g} nats",
        f"While it is studied, the policy is on average {last(moved):.3g} nats away from the one that played; up to "
        f"0.02 is usual. The most in a row was {np.nanmax(moved):.3g}.",
        "Advantages are measured for the policy that played. The further it moves from there on the same episodes, the "
        "less they say; a step that is too far can make a good policy bad at once, and the next collection is played "
        "by the bad one.",
        (Remedy((f"lr={history.config.optimizer.lr / 3:g}",), "smaller steps"), *_fewer_epochs(history)),
        {"policy_kl": last(moved), "limit": JUMP},
        history.train_plot("policy_kl", label="nats"),
    )


def policy_clipped(history: History) -> Finding | None:
    """Most of what is studied is left alone, because its chances have moved as far as they may."""
    share = history.train("clipped_share")
    if not flat(history.config).get("algorithm.clip") or np.isfinite(share).sum() < FEWEST_ROWS:
        return None
    if not last(share) > CLIPPED:
        return None
    return Finding(
        "policy-clipped",
        "warning",
        f"{percent(last(share))} of the actions studied have moved beyond the clip",
        f"Over the last rows the ratio of new to old chance was beyond 1 ± {flat(history.config)['algorithm.clip']:g} "
        f"for {percent(last(share))} of the actions; below 30 % is usual.",
        "What is beyond the clip has no say in an update. Where that is most of it, the first steps on a collection "
        "went too far, and the remaining ones study what happens to be left.",
        (Remedy((f"lr={history.config.optimizer.lr / 3:g}",), "smaller steps"), *_fewer_epochs(history)),
        {"clipped_share": last(share), "limit": CLIPPED},
        history.train_plot("clipped_share", label="share"),
    )


def critic_explains_nothing(history: History) -> Finding | None:
    """The critic is no better than a constant, though there is something to foresee."""
    explained = history.train("explained_variance")
    if np.isfinite(explained).sum() < FEWEST_ROWS or history.done < LATE or last(explained) > 0:
        return None
    if not history.found > 0 or not last(history.train("return_mean")) > 0.1:
        return None
    return Finding(
        "critic-explains-nothing",
        "warning",
        "the critic foresees nothing of what is earned",
        f"Explained variance is {last(explained):.2g} over the last rows: 1 would be a perfect critic, 0 one that says "
        f"the same everywhere. Training episodes earn {last(history.train('return_mean')):.3g}.",
        "Advantages are what came, minus what the critic expected. A critic that foresees nothing leaves all the luck "
        "in them, and it takes many more episodes to tell good actions from lucky ones.",
        (Remedy((f"lr={history.config.optimizer.lr / 3:g}",), "steps that let its values settle"),),
        {"explained_variance": last(explained)},
        history.train_plot("explained_variance", label="share"),
    )


def _best(returns: Floats) -> float:
    return float(np.nanmax(returns, initial=0.0))


def _found(history: History) -> str:
    found = history.found
    return f"{rounded(found)} rewarding episodes were found" if found == found else "rewards were not counted"


def _fewer_epochs(history: History) -> tuple[Remedy, ...]:
    epochs = flat(history.config).get("algorithm.epochs", 1)
    if epochs <= 1:
        return ()
    return (Remedy((f"algorithm.epochs={epochs // 2}",), "go through a collection less often"),)


CHECKS = (policy_collapsed, policy_undecided, policy_jumps, policy_clipped, critic_explains_nothing)
