"""What robots do in a warehouse's episodes, counted by playing them once more."""

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.protocol import VectorEnv
from lockstep.envs.rware.simulator import Simulator

REPLAYED_LANES = 64
CARRIED = 2
"""Column of a robot in the simulator's state: the number of the shelf on top, or 0."""


def warehouse_behavior(env: VectorEnv, actions: NDArray[np.int64], seed: int) -> dict[str, float]:
    """How the robots spend a warehouse's episodes: who delivers, and who brings the delivered shelf back.

    actions: (episodes, steps, agents). Those of the first lanes are played once more, from `seed` (the one they were
    played on), and looked at closely. Empty for the official package, for robots that also talk, and where one delivery
    pays every robot.
    """
    if not isinstance(env, Simulator) or env.config.msg_bits or env.config.reward_type == "global":
        return {}
    lanes = min(REPLAYED_LANES, len(actions))
    running = np.arange(env.num_envs) < lanes
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
