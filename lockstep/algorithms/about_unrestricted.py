"""QPLEX, weighted QMIX and QTRAN as entries of the table: those whose team values need not be monotonic."""

from collections.abc import Sequence

from lockstep.algorithms.about_q_learning import (
    LISTEN_TO_ALL,
    METRICS,
    MIXED,
    MIXER,
    NETWORKS,
    SMALL,
    SMALL_MIXER,
    WORDS,
    draw_mixed,
    draw_mixing_network,
    entry,
)
from lockstep.algorithms.algorithm import Algorithm, Proof
from lockstep.algorithms.architecture import Architecture
from lockstep.algorithms.diagram import (
    GREEN,
    GREY,
    ORANGE,
    X_INPUT,
    X_MIDDLE,
    X_TEAM,
    TeamDrawing,
    arrow,
    bottom,
    box,
    text,
)
from lockstep.config.schema import QPLEXConfig, QTRANConfig, WeightedQMIXConfig
from lockstep.runs.metrics import Metric

NOT_MONOTONIC = "does it find the 8 that only both together earn, with -12 beside it?"
CENTRAL = (
    Metric("central_error_abs", "reward", "sum of |Q* - target| / steps that happened", "below td_error_abs"),
    Metric(
        "full_weight_share", "share", "of the steps that happened, of those whose error weighs in full", "above 0.2"
    ),
)
JOINT = (
    Metric(
        "opt_error_abs",
        "reward",
        "sum of |sum of Q_i + V - Q_jt| at the best actions / steps that happened",
        "small beside target_mean",
    ),
    Metric(
        "nopt_error_abs",
        "reward",
        "the same at the actions taken, where the sum is below Q_jt; qtran_alt: at each agent's least action",
        "small beside target_mean",
    ),
)


def _duplex(sizes: Architecture, centers: Sequence[float]) -> TeamDrawing:
    """QPLEX's sum, and the networks that weigh it."""
    y, top, spec = sum(centers) / len(centers), bottom(centers) + 26, sizes.spec
    mixer = box(X_TEAM, y, 168, ["Σ w q + b", "Σ (λ - 1) A", "A = w (q - max q) ≤ 0"], ORANGE, height=78)
    state = box(X_MIDDLE - 130, top + 40, 150, ["state s", f"{spec.state_dim} numbers"], GREY)
    actions = box(X_MIDDLE - 130, top + 96, 150, ["all actions", f"{spec.num_agents} of {spec.num_actions}"], GREY)
    parts = [state, actions, arrow(X_MIDDLE + 20, top + 40, X_MIDDLE + 66, top + 40)]
    for index, (name, places) in enumerate((("w, b (s)", ("w", "b")), ("λ (s, actions)", ("key", "agent", "action")))):
        y_box = top + 40 + 56 * index
        learnt = sum(sizes.parameters(f"mixer.{place}") for place in places)
        parts.append(box(X_MIDDLE + 66, y_box, 190, [name, f"{learnt:,} parameters"], GREEN, height=46))
    parts.append(arrow(X_MIDDLE + 20, top + 96, X_MIDDLE + 66, top + 96))
    said = (
        "λ > 0 weighs what an agent loses by another",
        "choice than its best: beside these actions of",
        "the others",
    )
    parts += [
        text(X_TEAM - 100, top + 40 + 17 * row, words, GREEN, 12, anchor="start") for row, words in enumerate(said)
    ]
    return TeamDrawing([*draw_mixed(centers, mixer), *parts], 150)


def _beside_qmix(sizes: Architecture, centers: Sequence[float]) -> TeamDrawing:
    """QMIX's mixer, and the value without limits that stands beside it."""
    drawing = draw_mixing_network(sizes, centers)
    learnt = sizes.parameters("central_agent") + sizes.parameters("central_mixer")
    lines = ["Q*", "agents of its own,", "mixed without limits", f"{learnt:,} parameters"]
    return drawing._replace(parts=[*drawing.parts, box(X_INPUT, bottom(centers) + 92, 150, lines, ORANGE)])


def _beside_sum(sizes: Architecture, centers: Sequence[float]) -> TeamDrawing:
    """QTRAN's sum, and the joint value that it must agree with."""
    y, top, spec = sum(centers) / len(centers), bottom(centers) + 26, sizes.spec
    mixer = box(X_TEAM, y, 150, ["Σ Q + V(s)", sizes.layer("V", "mixer.v").shape], ORANGE)
    inputs = ["state s, all actions", f"{spec.state_dim} + {spec.num_agents * spec.num_actions} numbers"]
    joint = ["Q_jt", f"{sizes.parameters('joint'):,} parameters"]
    parts = [
        box(X_MIDDLE - 130, top + 26, 170, inputs, GREY),
        arrow(X_MIDDLE + 40, top + 26, X_MIDDLE + 86, top + 26),
        box(X_MIDDLE + 86, top + 26, 150, joint, ORANGE),
    ]
    said = ("equal to it at the agents' best actions,", "never below it elsewhere")
    parts += [
        text(X_TEAM - 70, top + 22 + 17 * row, words, ORANGE, 12, anchor="start") for row, words in enumerate(said)
    ]
    return TeamDrawing([*draw_mixed(centers, mixer), *parts], 96)


def _weighted(name: str, title: str, said: str) -> Algorithm:
    return entry(
        name,
        WeightedQMIXConfig,
        title=title,
        paragraph=(
            f"**{title}** is QMIX that does not try to be right everywhere. {NETWORKS}, and a mixer whose weights are "
            "never negative makes the team's value Q_tot of them. No such mixer can tell apart what is only good "
            "together, so a second value Q* without limits, of agents and a mixer of its own, is learnt beside it and "
            f"makes the targets of both; and {said} (Rashid et al. 2020)."
        ),
        draw_team=_beside_qmix,
        words={**WORDS, **MIXER, "Q*": "A second value of the team that may be any function; nobody acts by it."},
        metrics=(*METRICS, MIXED, *CENTRAL),
        hints=LISTEN_TO_ALL,
        proofs=(Proof("probe-nonmonotonic", NOT_MONOTONIC, 8.0, 300, SMALL_MIXER),),
    )


def _qtran(name: str, title: str, said: str) -> Algorithm:
    return entry(
        name,
        QTRANConfig,
        title=title,
        paragraph=(
            f"**{title}** learns a value Q_jt of state and joint action that may be any function. {NETWORKS}; nothing "
            "mixes them. Their sum, with a value of the state added, is held to be as high as Q_jt at the agents' own "
            f"best actions, and {said}. So the agents' best actions are the best of Q_jt (Son et al. 2019)."
        ),
        draw_team=_beside_sum,
        words={**WORDS, "Q_jt": "The value of all agents' actions together, by a network that may be any function."},
        metrics=(*METRICS, MIXED, *JOINT),
        proofs=(Proof("probe-nonmonotonic", NOT_MONOTONIC, 8.0, 300, SMALL),),
    )


QPLEX = entry(
    "qplex",
    QPLEXConfig,
    title="QPLEX",
    paragraph=(
        f"**QPLEX** splits what is good about a situation from what is bad about a choice. {NETWORKS}; how much less "
        "an action is worth than the agent's best is its advantage. While learning, the values are added up, and the "
        "advantages too, each with a positive weight that an attention network makes of the state and of what all "
        "agents do. At the agents' own best actions all advantages are zero and nowhere above, so these are the team's "
        "best, whatever the weights; and any team value of which that holds can be made so (Wang et al. 2021)."
    ),
    draw_team=_duplex,
    words={**WORDS, **MIXER, "advantage": "What an action is worth less than the best one: zero or below."},
    metrics=(*METRICS, MIXED),
    hints=LISTEN_TO_ALL,
    proofs=(Proof("probe-two-step", "does a duplex dueling network find the 8?", 8.0, 400, SMALL),),
)
OW_QMIX = _weighted(
    "owqmix",
    "OW-QMIX",
    "where Q_tot is too high already the error weighs less (alpha), since something better may hide beside it",
)
CW_QMIX = _weighted(
    "cwqmix",
    "CW-QMIX",
    "where neither the best joint action was taken nor something better than it was seen the error weighs less (alpha)",
)
QTRAN = _qtran("qtran", "QTRAN", "not lower elsewhere")
QTRAN_ALT = _qtran(
    "qtran_alt", "QTRAN-alt", "just as high elsewhere too, for some action of each agent beside those of the others"
)
