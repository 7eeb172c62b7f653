"""IQL, VDN and QMIX as entries of the table, and what is said of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lockstep.algorithms.algorithm import Algorithm, Credit, Hint, Proof
from lockstep.algorithms.architecture import Architecture
from lockstep.algorithms.diagram import (
    GREEN,
    GREY,
    ORANGE,
    X_CHOICE,
    X_MIDDLE,
    X_TEAM,
    X_VALUES,
    TeamDrawing,
    arrow,
    bottom,
    box,
    draw_others,
    heading,
    text,
)
from lockstep.config.schema import AlgorithmConfig, IQLConfig, QLearningConfig, QMIXConfig, RunConfig, VDNConfig
from lockstep.runs.metrics import Metric
from lockstep.spec import EnvSpec

if TYPE_CHECKING:
    from torch import nn

    from lockstep.algorithms.learner import Learner, Page

METRICS = (
    Metric("td_error_abs", "reward", "sum of |Q_tot - target| / steps that happened", "small beside target_mean"),
    Metric("q_taken_mean", "reward", "mean Q_tot of the actions taken / agents", "close to target_mean"),
    Metric("target_mean", "reward", "mean target / agents", "below the discounted return earned / agents"),
    Metric(
        "test_q_start_mean", "reward", "mean Q_tot of greedy actions at the first step / agents", "close to the next"
    ),
    Metric(
        "test_discounted_return_mean",
        "reward",
        "discounted return then earned, plus the believed value of a last state that was cut, / agents",
        "close to the one before",
    ),
)
MIXED = Metric(
    "mixer_share_min",
    "share",
    "of the sum over agents of dQ_tot/dQ_i, of the agent the mixer listens to least",
    "above 0.1 / agents",
)
WORDS = {
    "Q-value": "What an agent expects to earn from now on if it takes this action and acts greedily afterwards.",
    "target": "What a value should have been in hindsight: the reward plus the discounted value of the next state.",
    "target network": "A slower copy of the network that makes the targets, so that they do not chase themselves.",
}
MIXER = {
    "mixer": "Makes one team value of the agents' values. QMIX's is a small network whose weights are never negative.",
}
NETWORKS = "Each agent has a small network that values its own actions from what it alone sees"
LISTEN_TO_ALL = {"mixer-ignores-agent": (Hint(("mixer=vdn",), "a plain sum: every agent is heard"),)}
SMALL = {"algorithm": {"target_sync_updates": 20}}
SMALL_MIXER = {"algorithm": {**SMALL["algorithm"], "mixing_embed_dim": 16, "hypernet_embed_dim": 16}}
RECURRENT = {"network": {"recurrent": True}}


def with_mixer(name: str, mixer: type[Any]) -> Algorithm:
    """Q-learning with a mixer of one's own, a module that is made from an EnvSpec and its settings.

    `mixer.section`, where there is one, is a `QLearningConfig` with further settings; `mixer.__doc__` is what reports
    say of it.
    """
    said = " ".join((mixer.__doc__ or "").split())
    section: type[QLearningConfig] = getattr(mixer, "section", QLearningConfig)
    return entry(
        name, section, mixer, title=mixer.__name__, paragraph=said, draw_team=draw_others, metrics=(*METRICS, MIXED)
    )


def entry(name: str, section: type[AlgorithmConfig], mixer: type[Any] | None = None, **said: Any) -> Algorithm:
    """What all of them have in common. Torch is loaded when something is built."""

    def networks(spec: EnvSpec, config: RunConfig) -> "nn.ModuleDict":
        from lockstep.algorithms.q_learner import q_networks

        return q_networks(spec, config, mixer)

    def learner(spec: EnvSpec, config: RunConfig, networks: "nn.ModuleDict") -> "Learner":
        from lockstep.algorithms.q_learner import q_learner

        return q_learner(spec, config, networks)

    def page(spec: EnvSpec, config: RunConfig) -> "Page":
        from lockstep.algorithms.q_learner import q_page

        return q_page(spec, config)

    return Algorithm(
        name, section, networks, learner, page, **{"update": _update, "credit": _credit, "words": WORDS, **said}
    )


def _update(config: RunConfig) -> str:
    """See `Algorithm.update`."""
    algorithm, replay = config.algorithm, config.replay
    assert isinstance(algorithm, QLearningConfig)
    target = f"{algorithm.n_step}-step returns" if algorithm.n_step > 1 else target_words(algorithm.td_lambda)
    studied = (
        f"{replay.batch_size} {'episodes' if not replay.segment_steps else f'pieces of {replay.segment_steps} steps'}"
    )
    follow = (
        f"copied every {algorithm.target_sync_updates} updates"
        if algorithm.target_sync_updates
        else f"moved {algorithm.target_tau:g} of the way after every update"
    )
    return (
        f"One update studies {studied} from the replay. Targets: {target}, discount {algorithm.gamma:g}, valued by "
        f"target networks that are {follow}."
    )


def _credit(config: RunConfig) -> Credit:
    """See `Algorithm.credit`."""
    algorithm = config.algorithm
    assert isinstance(algorithm, QLearningConfig)
    updates = 1.0 / algorithm.target_tau if algorithm.target_tau > 0 else float(algorithm.target_sync_updates)
    steps = algorithm.n_step if algorithm.n_step > 1 else 1.0 / max(1.0 - algorithm.td_lambda, 1e-3)
    return Credit(updates, float(steps))


def _no_team(sizes: Architecture, centers: Sequence[float]) -> TeamDrawing:
    y = sum(centers) / len(centers)
    return TeamDrawing(
        [
            text(X_TEAM, y - 4, "No mixer: every agent learns from the", GREY, 13, anchor="start"),
            text(X_TEAM, y + 14, "team's reward as if it were alone.", GREY, 13, anchor="start"),
        ]
    )


def target_words(td_lambda: float) -> str:
    """What one target is made from, where it is not a fixed number of steps."""
    return (
        f"Peng's Q(λ) with λ = {td_lambda:g}" if td_lambda > 0 else "one step of reward and the value of what follows"
    )


def draw_sum(sizes: Architecture, centers: Sequence[float]) -> TeamDrawing:
    """The team's value as a sum."""
    y = sum(centers) / len(centers)
    return TeamDrawing(draw_mixed(centers, box(X_TEAM, y, 150, ["sum of all values", "nothing to learn"], ORANGE)))


def draw_mixing_network(sizes: Architecture, centers: Sequence[float]) -> TeamDrawing:
    """QMIX's mixer, and the networks that make its weights."""
    y, width = sum(centers) / len(centers), sizes.layer("b₁", "mixer.b1").shape.rpartition(" ")[2]
    lines = ["|W₁(s)| q + b₁(s)", f"{sizes.spec.num_agents} → {width}, ELU", "|w₂(s)| · + V(s)", f"{width} → 1"]
    parts = draw_mixed(centers, box(X_TEAM, y, 150, lines, ORANGE, height=96))
    return TeamDrawing(parts + _hypernets(sizes, y, bottom(centers) + 26), 178)


def draw_mixed(centers: Sequence[float], mixer: str) -> list[str]:
    """Draw the way from the agents' values through the mixer to the team's."""
    y = sum(centers) / len(centers)
    return [
        heading(X_TEAM, "the team, while it learns", ORANGE),
        *(arrow(X_CHOICE + 94, center, X_TEAM, y + (center - y) * 0.25) for center in centers),
        mixer,
        arrow(X_TEAM + 150, y, X_TEAM + 196, y),
        text(X_TEAM + 204, y + 6, "Q", ORANGE, 21, anchor="start", weight=700),
        text(X_TEAM + 221, y + 11, "tot", ORANGE, 13, anchor="start", weight=600),
    ]


def _hypernets(sizes: Architecture, mixer_y: float, top: float) -> list[str]:
    """The state and the four networks that make the mixer's weights from it."""
    spec = sizes.spec
    parts = [
        heading(X_MIDDLE - 130, "the state, seen only while learning", GREEN, top + 2),
        box(X_MIDDLE - 130, top + 66, 150, ["state s", f"{spec.state_dim} numbers"], GREY),
        arrow(X_MIDDLE + 20, top + 66, X_VALUES - 44, top + 66),
    ]
    left, width = X_VALUES - 44, 124
    for index, (name, place) in enumerate((("W₁", "w1"), ("b₁", "b1"), ("w₂", "w2"), ("V", "v"))):
        x, y = left + (index % 2) * (width + 10), top + 40 + (index // 2) * 54
        parts.append(box(x, y, width, [f"{name}(s)", sizes.layer(name, f"mixer.{place}").shape], GREEN, height=46))
    right = left + 2 * width + 10
    x = X_TEAM + 75
    parts.append(
        f'<path d="M{right + 6} {top + 66} H{x} V{mixer_y + 52}" fill="none" stroke="{GREY}" stroke-width="1.3" '
        'marker-end="url(#arrow)"/>'
    )
    said = ("weights, kept ≥ 0 by | |:", "a better choice of one agent", "never lowers the team's value")
    parts += [text(x + 8, top + 42 + 17 * row, words, GREEN, 12, anchor="start") for row, words in enumerate(said)]
    source = "the whole world" if spec.own_state_dim else "what all agents see, joined"
    parts.append(text(X_MIDDLE - 55, top + 112, source, GREY, 11))
    parts.append(text(x + 8, top + 96, f"{sizes.parameters('mixer'):,} parameters", GREY, 12, anchor="start"))
    return parts


IQL = entry(
    "iql",
    IQLConfig,
    title="IQL",
    paragraph=(
        "**IQL** lets every agent learn by itself from the team's reward, as if the others were part of the world (Tan "
        "1993). It is the baseline that QMIX and VDN are measured against."
    ),
    draw_team=_no_team,
    metrics=METRICS,
    proofs=(Proof("probe-one-step", "is a reward learnt at all?", 1.0, 60, SMALL),),
)
VDN = entry(
    "vdn",
    VDNConfig,
    title="VDN",
    paragraph=(
        f"**VDN** values the team as the plain sum of the agents' values (Sunehag et al. 2018). {NETWORKS}. Since a "
        "sum grows with each of its parts, every agent may take its own best action."
    ),
    draw_team=draw_sum,
    words={**WORDS, **MIXER},
    metrics=(*METRICS, MIXED),
    proofs=(
        Proof("probe-coin", "do observations matter?", 1.0, 150, SMALL),
        Proof("probe-two-step", "does a sum of values settle for the 7?", 7.0, 400, SMALL),
    ),
)
QMIX = entry(
    "qmix",
    QMIXConfig,
    title="QMIX",
    paragraph=(
        f"**QMIX** learns one value for the whole team and splits it so that every agent can act by itself. "
        f"{NETWORKS}. While learning, a **mixer** turns the values of the chosen actions into the team's value Q_tot. "
        "Its weights are made by other networks from the state, and are never negative: a choice that is better for "
        "one agent's value is never worse for the team's. So each agent may simply take its own best action, with no "
        "mixer and no messages, and the team's value is as high as it can be (Rashid et al. 2018)."
    ),
    draw_team=draw_mixing_network,
    words={**WORDS, **MIXER},
    metrics=(*METRICS, MIXED),
    hints=LISTEN_TO_ALL,
    proofs=(
        Proof("probe-coin", "do they with a mixer?", 1.0, 150, SMALL_MIXER),
        Proof("probe-memory", "is a coin remembered for four steps?", 1.0, 300, {**SMALL_MIXER, **RECURRENT}),
        Proof("probe-two-step", "does QMIX find the 8?", 8.0, 400, SMALL_MIXER),
    ),
)
