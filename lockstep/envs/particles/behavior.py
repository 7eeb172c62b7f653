"""What particles do in their episodes, counted by playing them once more."""

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.particles._lanes import CAPTURE_RADIUS, REFERENCE, SPREAD
from lockstep.envs.particles.simulator import ParticleSimulator
from lockstep.envs.protocol import VectorEnv

REPLAYED_LANES = 64


def particle_behavior(env: VectorEnv, actions: NDArray[np.int64], seed: int) -> dict[str, float]:
    """How often particles touch, and what is reached when their episodes end.

    actions: (episodes, steps, agents). Those of the first lanes are played once more, from `seed` (the one they were
    played on), and looked at closely. Empty for the official package, and where others play, too.
    """
    if not isinstance(env, ParticleSimulator):
        return {}
    game, lanes = env.game, min(REPLAYED_LANES, len(actions))
    sizes = np.array([agent.size for agent in game.agents])
    adversary = np.array([agent.adversary for agent in game.agents])
    against = adversary[:, None] & ~adversary
    running = np.arange(env.num_envs) < lanes
    env.reset(seed, running)
    steps = touching = caught = 0
    for t in range(actions.shape[1]):
        step = env.step(actions[:, t], running)
        now = running[:lanes].copy()
        positions = env.places().positions[:lanes]
        touches = np.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1) < sizes[:, None] + sizes
        touches &= ~np.eye(len(sizes), dtype=bool) & now[:, None, None]
        steps += int(now.sum())
        touching += int(touches.any((1, 2)).sum())
        caught += int((touches & against).any((1, 2)).sum())
        running &= ~(step.terminated | step.truncated)
        if not running.any():
            break
    row = {"test_touch_share": touching / steps} if game.agents_collide else {}
    if game.obstacles:
        return row | {"test_caught_share": caught / steps}
    places = env.places()
    positions, landmarks, goals = places.positions[:lanes], places.landmarks[:lanes], places.goals[:lanes]
    if game.number == SPREAD:
        apart = np.linalg.norm(positions[:, None] - landmarks[:, :, None], axis=-1)  # (lanes, landmarks, agents)
        return row | {"test_reached_share": float((apart.min(-1) < CAPTURE_RADIUS).mean())}
    own = goals[:, ::-1] if game.number == REFERENCE else goals
    wanted = np.take_along_axis(landmarks, own[..., None], axis=1)
    there = np.linalg.norm(positions - wanted, axis=-1) < CAPTURE_RADIUS
    good = there[:, np.array([agent.moves and not agent.adversary for agent in game.agents])]
    row["test_reached_share"] = float((good if game.number == REFERENCE else good.any(-1)).mean())
    if adversary.any():
        row["test_guessed_share"] = float(there[:, adversary].any(-1).mean())
    return row
