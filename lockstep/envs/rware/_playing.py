# mypy: disable-error-code="arg-type, assignment"
"""Whole episodes of a team in warehouses, compiled: think, act, step, look and record. Only `simulator` calls this."""

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.forward import TeamWeights, best_action, encode_step, step_memory, working_memory
from lockstep.compute.compiled import compiled
from lockstep.envs.protocol import Onset, Record
from lockstep.envs.rware._kernel import Lanes, World, advance_lanes
from lockstep.envs.rware._observations import Eyes, write_flat


@compiled
def play_lanes(
    world: World,
    lanes: Lanes,
    eyes: Eyes,
    network: TeamWeights,
    onset: Onset,
    chosen: NDArray[np.int64],
    script: NDArray[np.int16],
    first: int,
    memory: NDArray[np.float32],
    record: Record,
    obs: NDArray[np.float32],
    moves: NDArray[np.int8],
    reward: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
    running: NDArray[np.bool_],
) -> None:
    """See `TeamPlay.play_team`: the script's steps of every chosen lane, a lane at a time, so that it stays in cache.

    obs: (lanes, agents, features)    moves, reward: (lanes * agents,), written over
    terminated, truncated, running: (lanes,), of which the chosen are written
    """
    # Taken out of their tuples here: in the loop, every use would count references.
    seen, actions, earned, filled = record.obs, record.actions, record.reward, record.filled
    ended, cut, every_obs = record.terminated, record.truncated, obs.reshape(-1)
    num_robots, features = obs.shape[1:]
    last_reward = earned.shape[2] - 1
    room, order = working_memory(network, num_robots, seen.shape[3])
    every_action = np.ones(network.num_actions, np.bool_)
    for c in range(len(chosen)):
        lane = chosen[c]
        alone = chosen[c : c + 1]
        for t in range(first, first + script.shape[0]):
            for i in range(num_robots):
                if network.recurrent or script[t - first, lane, i] < 0:
                    before = actions[lane, t - 1, i] if t > 0 else -1
                    encode_step(network, seen[lane, t, i], i, before, room[i], order)
            if network.recurrent:
                step_memory(network, memory[lane], room, order)
            for i in range(num_robots):
                action = np.int64(script[t - first, lane, i])
                if action < 0:
                    action = best_action(network, memory[lane, i], every_action, room[i], order)
                actions[lane, t, i] = action
                moves[lane * num_robots + i] = action
                reward[lane * num_robots + i] = 0
            advance_lanes(world, lanes, alone, 1, moves, reward, terminated, truncated)
            write_flat(eyes, lanes, alone, every_obs)
            for i in range(num_robots):
                now = seen[lane, t + 1, i]
                for feature in range(features):
                    now[feature] = obs[lane, i, feature]
                _note(onset, lane, i, now, features)
                earned[lane, t, min(i, last_reward)] += reward[lane * num_robots + i]
            filled[lane, t, 0] = True
            ended[lane, t, 0] = terminated[lane]
            cut[lane, t, 0] = truncated[lane]
            if terminated[lane] or truncated[lane]:
                running[lane] = False
                break


@compiled
def _note(onset: Onset, lane: int, robot: int, seen: NDArray[np.float32], place: int) -> None:
    """What `OnsetMemory` adds to an observation, from `place` on."""
    for f in range(len(onset.flags)):
        on = seen[onset.flags[f]] > 0
        for n in range(len(onset.numbers)):
            if not on:
                onset.noted[lane, robot, f, n] = 0
            elif not onset.was_on[lane, robot, f, 0]:
                onset.noted[lane, robot, f, n] = seen[onset.numbers[n]]
            seen[place] = onset.noted[lane, robot, f, n]
            place += 1
        onset.was_on[lane, robot, f, 0] = on
