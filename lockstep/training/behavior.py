"""What a team does in its greedy episodes, counted: the plain facts behind a return."""

import numpy as np

from lockstep.batch import EpisodeBatch
from lockstep.envs.rware.simulator import Simulator
from lockstep.envs.vector_env import VectorEnv

REPLAYED_LANES = 64
CARRIED, HAS_DELIVERED = 2, 3
"""Columns of a robot in the simulator's state."""


def behavior(episodes: EpisodeBatch) -> dict[str, float]:
    """What can be counted in any world, by the names of `lockstep.metrics`."""
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
    Empty for other worlds, and for warehouses whose robots also talk.
    """
    if not isinstance(env, Simulator) or env.config.msg_bits:
        return {}
    lanes = min(REPLAYED_LANES, episodes.num_episodes)
    chosen = np.arange(env.num_envs) < lanes
    actions = episodes.actions.numpy()
    env.reset(seed, chosen)
    deliveries = np.zeros((lanes, env.spec.num_agents))
    brought_back = np.zeros((lanes, env.spec.num_agents), dtype=bool)
    held = loaded = robot_steps = 0
    delivered_before = brought_back
    running = chosen.copy()
    for t in range(actions.shape[1]):
        step = env.step(actions[:, t], running)
        robots = env.get_state(np.arange(lanes))["robots"]  # (lanes, N, 4)
        now = running[:lanes, None]
        delivered = (robots[..., HAS_DELIVERED] > 0) & (robots[..., CARRIED] > 0)
        deliveries += step.reward[:lanes] * now
        brought_back |= delivered_before & ~delivered & now
        held += int((delivered & now).sum())
        loaded += int(((robots[..., CARRIED] > 0) & now).sum())
        robot_steps += int(now.sum()) * env.spec.num_agents
        delivered_before = delivered
        running &= ~(step.terminated | step.truncated)
        if not running.any():
            break
    row = {"test_loaded_share": loaded / robot_steps, "test_held_delivered_share": held / robot_steps}
    if deliveries.any():
        delivering = deliveries > 0
        row["test_never_returned_share"] = float((delivering & ~brought_back).sum() / delivering.sum())
        by_robot = deliveries.sum(0)
        row["test_delivery_share_min"] = float(by_robot.min() / by_robot.sum())
    return row
