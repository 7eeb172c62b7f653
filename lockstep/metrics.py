"""Every number that a run writes, with its formula: name, unit, how it is made, what healthy looks like.

EPyMARL's names where the meaning is EPyMARL's.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    name: str
    unit: str
    formula: str
    healthy: str


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
        Metric("ep_length_mean", "steps", "their mean length", "the time limit, or falling where early is good"),
        Metric("test_return_mean", "reward", "mean team return of the evaluation's episodes", "rises"),
        Metric("test_return_std", "reward", "their standard deviation", "shrinks relative to the mean"),
        Metric("test_ep_length_mean", "steps", "their mean length", "the time limit, or falling where early is good"),
        Metric("episodes", "episodes", "episodes in the evaluation, all counted", "100 or more for a claim"),
        Metric("epsilon", "chance", "of a random action, before a ladder spreads it", "falls after rewards were found"),
        Metric("loss", "reward^2", "sum of squared TD errors / steps that happened", "small beside target_mean^2"),
        Metric("grad_norm", "", "norm of the joint gradient before clipping", "mostly below grad_norm_clip"),
        Metric("td_error_abs", "reward", "sum of |Q_tot - target| / steps that happened", "small beside target_mean"),
        Metric("q_taken_mean", "reward", "mean Q_tot of the actions taken / agents", "close to target_mean"),
        Metric("target_mean", "reward", "mean target / agents", "below the discounted return earned / agents"),
        Metric("replay_episodes", "episodes", "held in the replay", "grows to buffer_size"),
        Metric("replay_rewarding_episodes", "episodes", "held in the memory of rewarding episodes", "above 0"),
        Metric("env_steps_per_second", "1/s", "env steps since the row before / wall seconds", "steady"),
        Metric("updates_per_second", "1/s", "updates since the row before / wall seconds", "steady"),
    )
}
