"""Every number that a run writes, with its formula: name, unit, how it is made, what healthy looks like.

EPyMARL's names where the meaning is EPyMARL's. What only some algorithms write, these explain themselves:
`lockstep.algorithms.registry.metrics` has all of it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    name: str
    unit: str
    formula: str
    healthy: str
    panel: str = ""
    """The title of its own panel in reports and on the live page; empty: it has none, or one that is written there."""


METRICS = {
    metric.name: metric
    for metric in (
        Metric("env_steps", "steps", "steps of one environment, summed over environments, warm-up included", "grows"),
        Metric("episode", "episodes", "training episodes finished, warm-up included", "grows"),
        Metric("updates", "updates", "gradient steps taken", "grows"),
        Metric("wall_seconds", "s", "time spent in the training loop, over all resumes", "grows"),
        Metric(
            "return_mean", "reward", "mean team return of the training episodes since the row before", "follows test"
        ),
        Metric("return_std", "reward", "their standard deviation", "above 0 once a reward was seen"),
        Metric(
            "rewarding_episodes", "episodes", "training episodes since the row before with a return above 0", "grows"
        ),
        Metric("ep_length_mean", "steps", "their mean length", "the time limit, or falling where early is good"),
        Metric("test_return_mean", "reward", "mean team return of the evaluation's episodes", "rises"),
        Metric("test_return_std", "reward", "their standard deviation", "shrinks relative to the mean"),
        Metric("test_ep_length_mean", "steps", "their mean length", "the time limit, or falling where early is good"),
        Metric("episodes", "episodes", "episodes in the evaluation, all counted", "100 or more for a claim"),
        Metric("epsilon", "chance", "of a random action, before a ladder spreads it", "falls after rewards were found"),
        Metric(
            "loss",
            "reward^2",
            "what updates make small: of Q-learning, sum of squared TD errors / steps that happened",
            "small beside target_mean^2",
        ),
        Metric("grad_norm", "", "norm of the joint gradient before clipping", "mostly below grad_norm_clip"),
        Metric("replay_episodes", "episodes", "held in the replay", "grows to buffer_size"),
        Metric(
            "replay_rewarding_episodes",
            "episodes",
            "held with a return above 0; in the memory of rewarding episodes, where there is one",
            "above 0",
        ),
        Metric("env_steps_per_second", "1/s", "env steps since the row before / wall seconds", "steady"),
        Metric("updates_per_second", "1/s", "updates since the row before / wall seconds", "steady"),
        Metric(
            "dropped_episodes",
            "episodes",
            "lost with a process of the environment (env.workers) that died or hung, since the run began",
            "0",
        ),
        Metric("grad_clipped_share", "share", "of the updates whose grad_norm exceeded grad_norm_clip", "below 0.5"),
        Metric("resident_mib", "MiB", "memory that the process holds, all of it", "level once the replay is full"),
        Metric("test_rewarding_share", "share", "of the greedy episodes with a return above 0", "rises to 1"),
        Metric("test_action_share_max", "share", "of the most frequent action in greedy episodes", "below 0.9"),
        Metric("test_same_action_share", "share", "of greedy steps in which all agents do the same", "below 0.9"),
        Metric(
            "test_still_share_max",
            "share",
            "of greedy steps that leave an agent's observation as it was; of the stillest agent",
            "below 0.9",
        ),
        Metric(
            "test_loaded_share", "share", "warehouse: of greedy robot steps that end with a shelf on top", "0.3 to 0.8"
        ),
        Metric(
            "test_held_delivered_share",
            "share",
            "warehouse: of greedy robot steps that end with a shelf on top that was delivered already",
            "below 0.4",
        ),
        Metric(
            "test_delivered_once_share",
            "share",
            "warehouse: of the robots that delivered, those that did it once and hold that shelf to the end",
            "below 0.7",
        ),
        Metric(
            "test_delivery_share_min",
            "share",
            "warehouse: of all greedy deliveries, those of the robot that delivers least",
            "above 0.25 / robots",
        ),
        Metric("test_idle_share", "share", "foraging: of greedy player steps without a move or a load", "below 0.5"),
        Metric("test_eaten_share", "share", "foraging: of the food of greedy episodes, what is eaten", "rises to 1"),
        Metric(
            "test_failed_load_share",
            "share",
            "foraging: of greedy loads beside food, those of players who are too weak together",
            "falls",
        ),
        Metric(
            "test_shared_meal_share", "share", "foraging: of greedy meals, those of several players", "rises with coop"
        ),
        Metric(
            "test_snatched_meal_share",
            "share",
            "foraging: of greedy meals, those beside which somebody stood who got nothing",
            "falls",
        ),
        Metric(
            "test_meal_share_min",
            "share",
            "foraging: of all that greedy players are paid for food, the part of the one who is paid least",
            "above 0.25 / players",
        ),
        Metric(
            "test_touch_share", "share", "particles: of greedy steps, those in which two touch", "falls; rises in tag"
        ),
        Metric(
            "test_caught_share", "share", "simple_tag: of greedy steps, those in which an adversary touches prey", "–"
        ),
        Metric(
            "test_reached_share",
            "share",
            "particles: of what good agents are to reach, where one is when a greedy episode ends",
            "rises to 1",
        ),
        Metric(
            "test_guessed_share", "share", "particles: of greedy episodes, those that end with an adversary there", "–"
        ),
        Metric("dead_units_share", "share", "of ReLU units that are 0 on every probed input", "below 0.5"),
        Metric("saturated_memory_share", "share", "of GRU values beyond 0.99 in size, on probed inputs", "below 0.5"),
    )
}

BY_AGENT = "test_return_mean_of_"
"""With env.team: begins the name of every agent's own mean return in evaluations, learners and others."""


def explained(name: str) -> Metric | None:
    """What a number means, by its name; None where no run writes one of that name."""
    if name.startswith(BY_AGENT):
        agent = name.removeprefix(BY_AGENT)
        return Metric(
            name, "reward", f"mean return of {agent} alone in the evaluation's episodes", "rises for learners"
        )
    return METRICS.get(name)


DEPENDS_ON_THE_MACHINE = frozenset({"wall_seconds", "env_steps_per_second", "updates_per_second", "resident_mib"})
"""Clocks and memory: the only numbers in which a resumed run may differ from one that was never stopped."""
