"""What players do in a field's episodes, counted by playing them once more."""

import numpy as np
from numpy.typing import NDArray

from lockstep.envs.foraging.simulator import ForagingSimulator
from lockstep.envs.protocol import VectorEnv

REPLAYED_LANES = 64
_LOAD = 5


def foraging_behavior(env: VectorEnv, actions: NDArray[np.int64], seed: int) -> dict[str, float]:
    """How the players spend a field's episodes: who eats, with whom, and what is tried in vain.

    actions: (episodes, steps, players). Those of the first lanes are played once more, from `seed` (the one they were
    played on), and looked at closely. Empty for the official package.
    """
    if not isinstance(env, ForagingSimulator):
        return {}
    lanes = min(REPLAYED_LANES, len(actions))
    running = np.arange(env.num_envs) < lanes
    env.reset(seed, running)
    players, foods = _state(env, lanes)
    served, player_steps = int((foods[..., 2] > 0).sum()), 0
    eaten = shared = snatched = loads = failed = idle = 0
    own = np.zeros(env.spec.num_agents)
    for t in range(actions.shape[1]):
        now = running[:lanes].copy()
        step = env.step(actions[:, t], running)
        after, left = _state(env, lanes)
        beside = np.abs(players[:, :, None, :2] - foods[:, None, :, :2]).sum(-1) == 1
        beside &= (foods[:, None, :, 2] > 0) & now[:, None, None]  # (lanes, players, foods)
        loading = beside & (actions[:lanes, t] == _LOAD)[..., None]
        gone = (foods[..., 2] > 0) & (left[..., 2] == 0) & now[:, None]
        eaters = (loading & gone[:, None]).sum(1)
        eaten += int(gone.sum())
        shared += int((eaters > 1).sum())
        snatched += int((gone & (beside.sum(1) > eaters)).sum())
        loads += int(loading.sum())
        failed += int((loading & ~gone[:, None]).sum())
        still = (players[..., :2] == after[..., :2]).all(-1) & ~loading.any(-1) & now[:, None]
        idle += int(still.sum())
        own += (step.reward[:lanes] * (loading & gone[:, None]).any(-1)).sum(0)
        player_steps += int(now.sum()) * env.spec.num_agents
        players, foods = after, left
        running &= ~(step.terminated | step.truncated)
        if not running.any():
            break
    row = {"test_idle_share": idle / player_steps}
    if served:
        row["test_eaten_share"] = eaten / served
    if loads:
        row["test_failed_load_share"] = failed / loads
    if eaten:
        row["test_shared_meal_share"] = shared / eaten
        row["test_snatched_meal_share"] = snatched / eaten
    if own.sum() > 0:
        row["test_meal_share_min"] = float(own.min() / own.sum())
    return row


def _state(env: ForagingSimulator, lanes: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(lanes, players, 3) and (lanes, foods, 3): row, column, level."""
    state = env.get_state()
    return state["players"][:lanes], state["foods"][:lanes]
