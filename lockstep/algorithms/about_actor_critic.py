"""IPPO, MAPPO, IA2C and MAA2C as entries of the table, and what is said of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockstep.algorithms.algorithm import Algorithm, Credit, Hint, Proof, Reward
from lockstep.algorithms.architecture import Architecture
from lockstep.algorithms.diagram import (
    GREEN,
    GREY,
    ORANGE,
    X_CHOICE,
    X_MIDDLE,
    X_TEAM,
    TeamDrawing,
    arrow,
    bottom,
    box,
    heading,
    text,
)
from lockstep.config.schema import RunConfig
from lockstep.config.schema.actor_critic import ActorCriticConfig, IA2CConfig, IPPOConfig, MAA2CConfig, MAPPOConfig
from lockstep.runs.metrics import Metric
from lockstep.spec import EnvSpec

if TYPE_CHECKING:
    from torch import nn

    from lockstep.algorithms.learner import Learner, Page

METRICS = (
    Metric("policy_loss", "", "minus the mean over steps and agents of what the objective gains", "near 0"),
    Metric("value_loss", "", "mean squared error of the critic, in its own units", "falls, rises with new rewards"),
    Metric(
        "policy_entropy",
        "nats",
        "mean over steps and agents of -sum p ln p",
        "falls slowly from ln(actions)",
        "How undecided the policy is",
    ),
    Metric(
        "policy_kl",
        "nats",
        "mean of r - 1 - ln r, r the ratio of new to old chance",
        "below 0.02",
        "How far a collection moves the policy",
    ),
    Metric(
        "clipped_share",
        "share",
        "of taken actions whose ratio is beyond 1 ± clip",
        "below 0.3",
        "How much of it is clipped",
    ),
    Metric(
        "explained_variance",
        "share",
        "1 - variance of (return - value) / variance of return",
        "rises towards 1",
        "How much the critic foresees",
    ),
    Metric("advantage_std", "reward", "deviation of return - value, before it is normalized", "above 0"),
    Metric("value_mean", "reward", "mean of what the critic expected", "close to the next"),
    Metric("value_target_mean", "reward", "mean of what it should have expected", "close to the one before"),
    Metric("rewarding_steps", "steps", "of a collection in which anything was earned", "tens, better hundreds"),
    Metric("test_greedy_chance_mean", "chance", "mean chance of the likeliest action, in evaluations", "rises to 1"),
    Metric("test_value_start_mean", "reward", "mean of what the critic expects at the first step", "close to the next"),
    Metric(
        "test_discounted_return_mean",
        "reward",
        "discounted return then earned, plus the believed value of a last state that was cut",
        "close to the one before",
    ),
)
WORDS = {
    "policy": "A network that gives every action a chance. Training draws; a greedy team takes the likeliest.",
    "critic": "A network that says what can be expected from here on; needed only while learning.",
    "advantage": "How much better it went after an action than the critic had expected.",
    "entropy": "How undecided a policy is: ln(actions) where all are alike, 0 where one is certain.",
    "clip": "How far one collection may move the chance of an action, as a ratio.",
}
CHANCE = "π{}(a|o)"
"""What a policy's network says of an action, in the diagram."""
POLICY = (
    "Each agent has a small network that gives its actions chances from what it alone sees, and while it learns "
    "it draws from them"
)
UNDECIDED_LONGER = Hint(("entropy_weight=0.03",), "a policy that stays undecided for longer tries more")
MORE_EPISODES = Hint(
    ("num_envs=512",), "more episodes a collection hold more rewards, and say more reliably what is good"
)
HINTS = {
    "no-reward-ever": (MORE_EPISODES, UNDECIDED_LONGER),
    "policy-collapsed": (UNDECIDED_LONGER,),
    "critic-explains-nothing": (
        Hint(("normalize_values=popart",), "the critic counts in deviations of the returns, and keeps what it knows"),
        MORE_EPISODES,
    ),
    "targets-too-slow": (Hint(("gae_lambda=0.95", "return_steps=0"), "returns that look about twenty steps ahead"),),
    "train-test-gap": (
        Hint(("evaluation.choice=sampled",), "judge the team as it is trained: drawing its actions"),
        Hint(("entropy_weight=0.003",), "a policy that becomes sure of what it does is as good without chance"),
    ),
}
SMALL = {
    "exploration": {"epsilon_start": 0.0, "epsilon_finish": 0.0},
    "algorithm": {"gamma": 0.99, "entropy_weight": 0.01, "minibatches": 1},
    "optimizer": {"lr": 5e-3},
}
PROOFS = (
    Proof("probe-one-step", "is a reward learnt at all?", 1.0, 30, SMALL),
    Proof("probe-coin", "do observations matter?", 1.0, 100, SMALL),
    Proof("probe-memory", "is a coin remembered?", 1.0, 100, {**SMALL, "network": {"recurrent": True}}),
)


def _entry(name: str, section: type[ActorCriticConfig], title: str, paragraph: str) -> Algorithm:
    """What all of them have in common. Torch is loaded when something is built."""

    def networks(spec: EnvSpec, config: RunConfig) -> "nn.ModuleDict":
        from lockstep.algorithms.actor_critic_learner import actor_critic_networks

        return actor_critic_networks(spec, config)

    def learner(spec: EnvSpec, config: RunConfig, networks: "nn.ModuleDict") -> "Learner":
        from lockstep.algorithms.actor_critic_learner import actor_critic_learner

        return actor_critic_learner(spec, config, networks)

    def page(spec: EnvSpec, config: RunConfig) -> "Page":
        from lockstep.algorithms.actor_critic_learner import actor_critic_page

        return actor_critic_page(spec, config)

    return Algorithm(
        name,
        section,
        networks,
        learner,
        page,
        reward=_reward,
        feed="fresh",
        choice="sampled",
        threads=True,
        title=title,
        paragraph=paragraph,
        update=_update,
        draw_team=_draw_critic,
        words=WORDS,
        metrics=METRICS,
        credit=_credit,
        hints=HINTS,
        proofs=PROOFS,
    )


def _reward(config: RunConfig) -> Reward:
    """See `Algorithm.reward`."""
    assert isinstance(config.algorithm, ActorCriticConfig)
    return config.algorithm.reward


def _credit(config: RunConfig) -> Credit:
    """See `Algorithm.credit`. Returns are made once a round, by the critic as it is then, or by its slow copy."""
    algorithm = config.algorithm
    assert isinstance(algorithm, ActorCriticConfig)
    rounds = 1.0 / algorithm.critic_tau if algorithm.critic_tau > 0 else 1.0
    steps = algorithm.return_steps or 1.0 / max(1.0 - algorithm.gae_lambda, 1e-3)
    return Credit(rounds * algorithm.epochs * min(algorithm.minibatches, config.collection.num_envs), float(steps))


def _update(config: RunConfig) -> str:
    """See `Algorithm.update`."""
    algorithm, lanes = config.algorithm, config.collection.num_envs
    assert isinstance(algorithm, ActorCriticConfig)
    returns = (
        f"{algorithm.return_steps}-step returns"
        if algorithm.return_steps
        else f"generalized advantage estimation with λ = {algorithm.gae_lambda:g}"
    )
    times = "once" if algorithm.epochs == 1 else f"{algorithm.epochs} times"
    parts = "whole" if algorithm.minibatches == 1 else f"in {algorithm.minibatches} parts"
    step = f"ratios are clipped at 1 ± {algorithm.clip:g}" if algorithm.clip else "every step follows its gradient"
    return (
        f"A round plays {lanes} episodes side by side and studies them {times}, {parts}, before they are forgotten. "
        f"Advantages: {returns}, discount {algorithm.gamma:g}; {step}."
    )


def _draw_critic(sizes: Architecture, centers: Sequence[float]) -> TeamDrawing:
    """Draw where the critic stands: beside the agents, whom it tells how much better it went than expected."""
    y = sum(centers) / len(centers)
    spec, shapes = sizes.spec, dict(sizes.shapes)
    seen = shapes.get("critic.network.encode.weight", (0, spec.obs_dim))[1]
    own = "critic.network.encode.weight" not in shapes or seen < spec.state_dim or spec.num_agents == 1
    parts = [
        heading(X_TEAM, "the critic, while it learns", ORANGE),
        *(arrow(X_TEAM, y + (center - y) * 0.25, X_CHOICE + 96, center) for center in centers),
        box(X_TEAM, y, 170, ["value V", "what can be expected", f"{sizes.parameters('critic'):,} parameters"], ORANGE),
    ]
    if own:
        parts.append(text(X_TEAM, y + 62, "from what each agent sees itself", GREY, 12, anchor="start"))
        return TeamDrawing(parts, preference=CHANCE)
    top = bottom(centers) + 26
    source = "the whole world" if spec.own_state_dim else "what all agents see, joined"
    x = X_TEAM + 85
    parts += [
        heading(X_MIDDLE - 130, "the state, seen only while learning", GREEN, top + 2),
        box(X_MIDDLE - 130, top + 40, 150, ["state s", f"{spec.state_dim} numbers"], GREY),
        text(X_MIDDLE - 55, top + 86, source, GREY, 11),
        f'<path d="M{X_MIDDLE + 24} {top + 40} H{x} V{y + 40}" fill="none" stroke="{GREY}" stroke-width="1.3" '
        'marker-end="url(#arrow)"/>',
    ]
    return TeamDrawing(parts, 130, CHANCE)


MAPPO = _entry(
    "mappo",
    MAPPOConfig,
    "MAPPO",
    f"**MAPPO** makes actions likelier after which more came than a **critic** had expected. {POLICY}. The critic "
    "sees the state of all, which no agent needs when it acts. Several steps are taken over the same episodes, "
    "and no action's chance is moved further than a clip allows, so that what was seen stays true (Schulman et "
    "al. 2017; Yu et al. 2022).",
)
IPPO = _entry(
    "ippo",
    IPPOConfig,
    "IPPO",
    "**IPPO** is PPO for every agent by itself. It makes actions likelier after which more came than its "
    f"**critic** expected, which sees no more than the agent does. {POLICY}. No action's chance is moved further "
    "than a clip allows, so that several steps over the same episodes stay sound (de Witt et al. 2020).",
)
MAA2C = _entry(
    "maa2c",
    MAA2CConfig,
    "MAA2C",
    "**MAA2C** makes actions likelier after which more came than a **critic** had expected, and looks at nothing "
    f"twice. {POLICY}. The critic sees the state of all, which no agent needs when it acts (Mnih et al. 2016; "
    "Papoudakis et al. 2021).",
)
IA2C = _entry(
    "ia2c",
    IA2CConfig,
    "IA2C",
    f"**IA2C** is advantage actor-critic for every agent by itself (Mnih et al. 2016). {POLICY}. A **critic** that"
    " sees no more than the agent does says what could be expected; nothing is looked at twice.",
)
