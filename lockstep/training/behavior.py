"""What a team does in its greedy episodes, counted: the plain facts behind a return."""

import numpy as np

from lockstep.envs.onset_memory import underneath
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.rware.simulator import Simulator
from lockstep.experience.episodes import EpisodeBatch

REPLAYED_LANES = 64
CARRIED = 2
"""Column of a robot in the simulator's state: the number of the shelf on top, or 0."""


def behavior(episodes: EpisodeBatch) -> dict[str, float]:
    """What can be counted in any world, by the names of `lockstep.runs.metrics`."""
    filled = episodes.filled  # (B, T, 1)
    steps = filled.sum()
    actions = episodes.actions
    counts = actions[filled.expand_as(actions)].bincount()
    still = (episodes.obs[:, 1:] == episodes.obs[:, :-1]).all(-1) & filled  # (B, T, N)
    row = {
        "test_rewarding_share": (episodes.returns() > 0).double().mean(),
        "test_action_share_max": counts.max() / counts.sum(),
        "test_still_share_max": (still.sum((0, 1)) / steps).max(),
    }
    if actions.shape[-1] > 1:
        alike = (actions == actions[..., :1]).all(-1, keepdim=True) & filled
        row["test_same_action_share"] = alike.sum() / steps
    return {name: value.item() for name, value in row.items()}


def warehouse_behavior(env: VectorEnv, episodes: EpisodeBatch, seed: int) -> dict[str, float]:
    """How the robots spend a warehouse's episodes: who delivers, and who brings the delivered shelf back.

    The first lanes' actions are played once more, from `seed` (the one they were played on), and looked at closely.
    Empty for other worlds, for robots that also talk, and where one delivery pays every robot.
    """
    env = underneath(env)
    if not isinstance(env, Simulator) or env.config.msg_bits or env.config.reward_type == "global":
        return {}
    lanes = min(REPLAYED_LANES, episodes.num_episodes)
    running = np.arange(env.num_envs) < lanes
    actions = episodes.actions.numpy()
    env.reset(seed, running)
    deliveries = np.zeros((lanes, env.spec.num_agents), dtype=np.int64)
    delivered_shelf = np.zeros_like(deliveries)  # the shelf that a robot delivered and has not put down since, or 0
    held = loaded = robot_steps = 0
    for t in range(actions.shape[1]):
        step = env.step(actions[:, t], running)
        carried = env.get_state(np.arange(lanes))["robots"][..., CARRIED]
        now = running[:lanes, None]
        delivering = (step.reward[:lanes] > 0) & (carried > 0)
        deliveries += delivering
        delivered_shelf = np.where(delivering | (delivered_shelf == carried), carried, 0)
        held += int(((delivered_shelf > 0) & now).sum())
        loaded += int(((carried > 0) & now).sum())
        robot_steps += int(now.sum()) * env.spec.num_agents
        running &= ~(step.terminated | step.truncated)
        if not running.any():
            break
    row = {"test_loaded_share": loaded / robot_steps, "test_held_delivered_share": held / robot_steps}
    if deliveries.any():
        stuck = (deliveries == 1) & (delivered_shelf > 0)
        by_robot = deliveries.sum(0)
        row["test_delivered_once_share"] = float(stuck.sum() / (deliveries > 0).sum())
        row["test_delivery_share_min"] = float(by_robot.min() / by_robot.sum())
    return row
