# mypy: disable-error-code="arg-type, assignment"
"""Whole episodes of a team in a compiled world: think, act, advance, observe and record, a lane at a time.

A world that has two kernels plays teams by itself: `advance` moves one lane on by a step, and `observe` writes what its
agents see. Everything else is here, and the same as step by step (`lockstep.experience.rollout`), to the last bit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.exploration import FREE, Plan
from lockstep.acting.forward import (
    TeamWeights,
    best_action,
    check_fits,
    disturb_values,
    encode_step,
    step_memory,
    value_actions,
    working_memory,
)
from lockstep.acting.policy import check_actions
from lockstep.compute.compiled import compiled, inlined
from lockstep.envs.protocol import Onset, Record, VectorEnv


def check_play(env: VectorEnv, network: TeamWeights, plan: Plan, first: int, record: Record, augment: Onset) -> None:
    """Whatever would read or write beside an array.

    Raises UserError for a team of another task and for actions that there are not.
    """
    spec, (steps, *whose) = env.spec, plan.forced.shape
    features = spec.obs_dim + len(augment.flags) * len(augment.numbers)
    assert whose == [env.num_envs, spec.num_agents], "the plan is for others"
    assert plan.noise.shape in ((*plan.forced.shape, spec.num_actions), (0, 0, 0, 0)), "the noise is for other actions"
    assert record.actions.shape[0] == env.num_envs, "the record has other lanes"
    assert record.actions.shape[1] >= first + steps, "the record is too short"
    assert record.obs.shape[2:] == (spec.num_agents, features), "the record has other observations"
    assert record.reward.shape[2] in (1, spec.num_agents), "the record has other rewards"
    check_fits(network, spec.num_agents, features, spec.num_actions)
    check_actions(plan.forced, spec.num_actions, first=FREE)


@inlined
def play_lanes(
    advance: Callable[..., None],
    observe: Callable[..., None],
    rules: Any,
    lanes: Any,
    eyes: Any,
    network: TeamWeights,
    augment: Onset,
    chosen: NDArray[np.int64],
    plan: Plan,
    first: int,
    memory: NDArray[np.float32],
    record: Record,
    obs: NDArray[np.float32],
    moves: NDArray[np.integer[Any]],
    reward: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    truncated: NDArray[np.bool_],
    running: NDArray[np.bool_],
) -> None:
    """See `TeamPlay.play_team`: the plan's steps of every chosen lane, a lane at a time, so that it stays in cache.

    A piece of a world's own compiled function, which hands over its kernels, compiled themselves:
    advance(rules, lanes, chosen, num_steps, moves, reward, terminated, truncated), all rewards being 0 before, and
    observe(eyes, lanes, chosen, obs). They take flat arrays, because two views more a step are dear.

    rules, lanes, eyes: what they need to know, whatever that is
    obs: (lanes * agents * features,)    moves, reward: (lanes * agents,)
    terminated, truncated, running: (lanes,), of which the chosen are written
    """
    # Taken out of their tuples here: in the loop, every use would count references.
    forced, noise, groups = plan.forced, plan.noise, network.group
    seen, actions, earned, filled = record.obs, record.actions, record.reward, record.filled
    ended, cut, last_reward = record.terminated, record.truncated, record.reward.shape[2] - 1
    num_agents = actions.shape[2]
    features = len(obs) // (actions.shape[0] * num_agents)
    room, order = working_memory(network, num_agents, seen.shape[3])
    every_action, noisy = np.ones(network.num_actions, np.bool_), noise.size > 0
    for c in range(len(chosen)):
        lane = chosen[c]
        alone = chosen[c : c + 1]
        for t in range(first, first + forced.shape[0]):
            for i in range(num_agents):
                if network.recurrent or forced[t - first, lane, i] < 0:
                    before = actions[lane, t - 1, i] if t > 0 else -1
                    encode_step(network, groups[i], seen[lane, t, i], i, before, room[i], order)
            if network.recurrent:
                step_memory(network, groups, memory[lane], room, order)
            for i in range(num_agents):
                action = np.int64(forced[t - first, lane, i])
                if action < 0:
                    value_actions(network, groups[i], memory[lane, i], room[i], order)
                    if noisy:
                        disturb_values(network, noise[t - first, lane, i], room[i])
                    action = best_action(network, every_action, room[i])
                actions[lane, t, i] = action
                moves[lane * num_agents + i] = action
                reward[lane * num_agents + i] = 0
            advance(rules, lanes, alone, 1, moves, reward, terminated, truncated)
            observe(eyes, lanes, alone, obs)
            for i in range(num_agents):
                now, place = seen[lane, t + 1, i], (lane * num_agents + i) * features
                for feature in range(features):
                    now[feature] = obs[place + feature]
                note_onset(augment, lane, i, now, features)
                earned[lane, t, min(i, last_reward)] += reward[lane * num_agents + i]
            filled[lane, t, 0] = True
            ended[lane, t, 0] = terminated[lane]
            cut[lane, t, 0] = truncated[lane]
            if terminated[lane] or truncated[lane]:
                running[lane] = False
                break


@compiled
def note_onset(onset: Onset, lane: int, agent: int, seen: NDArray[np.float32], place: int) -> None:
    """What `OnsetMemory` adds to an observation, from `place` on."""
    for f in range(len(onset.flags)):
        on = seen[onset.flags[f]] > 0
        for n in range(len(onset.numbers)):
            if not on:
                onset.noted[lane, agent, f, n] = 0
            elif not onset.was_on[lane, agent, f, 0]:
                onset.noted[lane, agent, f, n] = seen[onset.numbers[n]]
            seen[place] = onset.noted[lane, agent, f, n]
            place += 1
        onset.was_on[lane, agent, f, 0] = on
