"""What a trained team does: an agent's network, forwards, compiled, for one observation at a time.

A weight matrix lies with its inputs in rows. An input is then one row, scaled and added, and an input that is 0 costs
nothing; of RWARE's observations three quarters are 0, and of what a ReLU lets through half. Every sum goes from the
first input to the last. So what an agent prefers does not depend on who else is asked at the same time, on threads, or
on which environment's observation it is.
"""

from typing import NamedTuple

import numpy as np

from lockstep.arrays import Bools, Floats, Ints
from lockstep.compute.arithmetic import relu, sigmoid, tanh
from lockstep.compute.compiled import in_order
from lockstep.errors import UserError

zero = np.float32(0.0)
WIDTH = 8
"""Values are kept in rows of a multiple of this: one vector instruction."""


class TeamWeights(NamedTuple):
    """The parameters of one of `lockstep.networks.agents`, H hidden units, as they are read here."""

    recurrent: bool
    last_action: bool
    """The previous action's one-hot follows the observation."""
    agent_id: bool
    """The agent's one-hot number comes last."""
    num_agents: int
    num_actions: int
    encode: Floats
    """(inputs, H)"""
    encode_bias: Floats
    encoded_to_hidden: Floats
    """(H, H), or recurrent (H, 3H): to new, reset, update"""
    encoded_to_hidden_bias: Floats
    """(H,), or recurrent (4H,): of what comes to new from the input, to reset, to update, and to new from the memory"""
    hidden_to_gates: Floats
    """Recurrent (H, 3H): from the memory to reset, update, new; else (0, 0)"""
    values: Floats
    """(H, at least actions)"""
    values_bias: Floats


def feed_forward(parameters: list[Floats], agents: int, last_action: bool, agent_id: bool) -> TeamWeights:
    """From the parameters of a `FeedForwardAgent`, in its order."""
    encode, encode_bias, hidden, hidden_bias, values, values_bias = parameters
    return TeamWeights(
        False, last_action, agent_id, agents, len(values),
        _turned(encode), encode_bias, _turned(hidden), hidden_bias, np.empty((0, 0), np.float32),
        *_wide(values, values_bias),
    )  # fmt: skip


def recurrent(parameters: list[Floats], agents: int, last_action: bool, agent_id: bool) -> TeamWeights:
    """From the parameters of a `RecurrentAgent`, in its order; torch's order of the gates is reset, update, new."""
    encode, encode_bias, from_x, from_h, bias_x, bias_h, values, values_bias = parameters
    h = len(encode)
    inner = np.empty((h, 3 * h), np.float32)
    inner[:, :h], inner[:, h:] = from_x[2 * h :].T, from_x[: 2 * h].T
    bias = np.concatenate([bias_x[2 * h :], bias_x[: 2 * h] + bias_h[: 2 * h], bias_h[2 * h :]])
    return TeamWeights(
        True, last_action, agent_id, agents, len(values),
        _turned(encode), encode_bias, inner, bias, _turned(from_h), *_wide(values, values_bias),
    )  # fmt: skip


def no_weights(obs_dim: int) -> TeamWeights:
    """A network without a thought, for robots that are told at every step what to do; by itself it does action 0."""
    nothing, none = np.empty((0, 0), np.float32), np.empty(0, np.float32)
    encode, values = np.empty((obs_dim, 0), np.float32), np.empty((0, WIDTH), np.float32)
    return TeamWeights(
        False, False, False, 0, 1, encode, none, nothing, none, nothing, values, np.zeros(WIDTH, np.float32)
    )


def check_fits(network: TeamWeights, agents: int, obs_dim: int, num_actions: int) -> None:
    """Raise UserError where a network was made for another task: it would read and write beside its arrays."""
    inputs = obs_dim + network.last_action * num_actions + network.agent_id * agents
    if len(network.encode) != inputs or network.num_actions > num_actions:
        raise UserError(
            f"This team was trained for another task: {agents} agents with {obs_dim} features and {num_actions} "
            "actions are not what its network takes. Let it play where it was trained."
        )


def fresh_memory(network: TeamWeights, num_envs: int, agents: int) -> Floats:
    """(num_envs, agents, H) zeros; without a width where there is nothing to remember."""
    return np.zeros((num_envs, agents, len(network.encode_bias) if network.recurrent else 0), np.float32)


@in_order
def act(
    network: TeamWeights,
    obs: Floats,
    available: Bools,
    noise: Floats,
    last_actions: Ints,
    memory: Floats,
    actions: Ints,
) -> None:
    """Write the actions (num_envs, agents) that are worth most, and bring `memory` forward.

    obs: (num_envs, agents, O)    available: (num_envs, agents, A), or of no size where all are
    noise: (num_envs, agents, A), added to what actions are worth, or of no size
    last_actions: (num_envs, agents), -1 before the first step
    """
    agents = obs.shape[1]
    room, order = working_memory(network, agents, obs.shape[2])
    everything = np.ones(network.num_actions, np.bool_)
    for lane in range(obs.shape[0]):
        for i in range(agents):
            encode_step(network, obs[lane, i], i, last_actions[lane, i], room[i], order)
        if network.recurrent:
            step_memory(network, memory[lane], room, order)
        for i in range(agents):
            allowed = available[lane, i] if available.size > 0 else everything
            value_actions(network, memory[lane, i], room[i], order)
            if noise.size > 0:
                disturb_values(network, noise[lane, i], room[i])
            actions[lane, i] = best_action(network, allowed, room[i])


@in_order
def working_memory(network: TeamWeights, agents: int, obs_dim: int) -> tuple[Floats, Ints]:
    """What the agents of one lane write on while they notice, remember and prefer; a row for each of them."""
    hidden = len(network.encode_bias)
    return np.empty((agents, 5 * hidden + len(network.values_bias)), np.float32), np.empty(
        max(obs_dim, hidden), np.int64
    )


@in_order
def encode_step(network: TeamWeights, obs: Floats, agent: int, last_action: int, room: Floats, order: Ints) -> None:
    """One agent takes its observation (O,) in, as far as that needs no memory."""
    h = len(network.encode_bias)
    x, inner = room[:h], room[h : h + len(network.encoded_to_hidden_bias)]
    _copy(network.encode_bias, x)
    _add_rows(obs, network.encode, x, order)
    first = len(obs)
    if network.last_action:
        if last_action >= 0:
            _add_row(network.encode[first + last_action], x)
        first += network.num_actions
    if network.agent_id:
        _add_row(network.encode[first + agent], x)
    for c in range(h):
        x[c] = relu(x[c])
    _copy(network.encoded_to_hidden_bias, inner)
    _add_rows(x, network.encoded_to_hidden, inner[: network.encoded_to_hidden.shape[1]], order)
    if not network.recurrent:
        for c in range(h):
            inner[c] = relu(inner[c])


@in_order
def step_memory(network: TeamWeights, memory: Floats, room: Floats, order: Ints) -> None:
    """Recurrent agents of one lane that have noticed bring their memory (agents, H) forward.

    Two at a time: reading the weights takes as long as multiplying them.
    """
    h, agents = memory.shape[1], memory.shape[0]
    for i in range(0, agents - 1, 2):
        _add_rows_twice(
            memory[i], memory[i + 1], network.hidden_to_gates, room[i, 2 * h : 5 * h], room[i + 1, 2 * h : 5 * h], order
        )
    if agents % 2:
        _add_rows(memory[agents - 1], network.hidden_to_gates, room[agents - 1, 2 * h : 5 * h], order)
    for i in range(agents):
        mine, new, gates, of_memory = memory[i], room[i, h : 2 * h], room[i, 2 * h : 4 * h], room[i, 4 * h : 5 * h]
        for c in range(2 * h):
            gates[c] = sigmoid(gates[c])
        reset, update = gates[:h], gates[h:]
        for c in range(h):
            new[c] = tanh(new[c] + reset[c] * of_memory[c])
        for c in range(h):
            mine[c] = new[c] + update[c] * (mine[c] - new[c])


@in_order
def value_actions(network: TeamWeights, memory: Floats, room: Floats, order: Ints) -> None:
    """Write down what every action is worth to an agent that has noticed and remembered."""
    h = len(network.encode_bias)
    values = room[5 * h :]
    _copy(network.values_bias, values)
    _add_rows(memory if network.recurrent else room[h : 2 * h], network.values, values, order)


@in_order
def disturb_values(network: TeamWeights, noise: Floats, room: Floats) -> None:
    """Add noise (A,) to what the actions are worth."""
    first = 5 * len(network.encode_bias)
    for action in range(network.num_actions):
        room[first + action] += noise[action]


@in_order
def best_action(network: TeamWeights, available: Bools, room: Floats) -> int:
    """The first of the available actions (A,) that are worth most."""
    values = room[5 * len(network.encode_bias) :]
    best, highest = 0, -np.float32(np.inf)
    for action in range(network.num_actions):
        if available[action] and values[action] > highest:
            best, highest = action, values[action]
    return best


@in_order
def _add_rows(x: Floats, weights: Floats, total: Floats, order: Ints) -> None:
    """total (C,) += x (K,) @ weights (at least K, C), one input after the other, four in one pass over `total`."""
    count = 0
    for k in range(len(x)):
        order[count] = k
        count += x[k] != zero
    width = len(total)
    fours = count - count % 4
    for j in range(0, fours, 4):
        k0, k1, k2, k3 = order[j], order[j + 1], order[j + 2], order[j + 3]
        x0, x1, x2, x3 = x[k0], x[k1], x[k2], x[k3]
        w0, w1, w2, w3 = weights[k0], weights[k1], weights[k2], weights[k3]
        for c in range(width):
            total[c] = total[c] + x0 * w0[c] + x1 * w1[c] + x2 * w2[c] + x3 * w3[c]
    for j in range(fours, count):
        xk, row = x[order[j]], weights[order[j]]
        for c in range(width):
            total[c] += xk * row[c]


@in_order
def _add_rows_twice(x: Floats, y: Floats, weights: Floats, first: Floats, second: Floats, order: Ints) -> None:
    """`_add_rows` of x to `first` and of y to `second`: the same numbers, as adding what is 0 changes nothing."""
    count = 0
    for k in range(len(x)):
        order[count] = k
        count += (x[k] != zero) | (y[k] != zero)
    width = len(first)
    fours = count - count % 4
    for j in range(0, fours, 4):
        k0, k1, k2, k3 = order[j], order[j + 1], order[j + 2], order[j + 3]
        x0, x1, x2, x3, y0, y1, y2, y3 = x[k0], x[k1], x[k2], x[k3], y[k0], y[k1], y[k2], y[k3]
        w0, w1, w2, w3 = weights[k0], weights[k1], weights[k2], weights[k3]
        for c in range(width):
            first[c] = first[c] + x0 * w0[c] + x1 * w1[c] + x2 * w2[c] + x3 * w3[c]
            second[c] = second[c] + y0 * w0[c] + y1 * w1[c] + y2 * w2[c] + y3 * w3[c]
    for j in range(fours, count):
        xk, yk, row = x[order[j]], y[order[j]], weights[order[j]]
        for c in range(width):
            first[c] += xk * row[c]
            second[c] += yk * row[c]


@in_order
def _copy(source: Floats, target: Floats) -> None:
    for c in range(len(target)):
        target[c] = source[c]


@in_order
def _add_row(row: Floats, total: Floats) -> None:
    for c in range(len(total)):
        total[c] += row[c]


def _turned(weights: Floats) -> Floats:
    return np.ascontiguousarray(weights.T)


def _wide(values: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """(A, H), (A,) -> (H, A) and (A,), with zeros up to a multiple of WIDTH actions."""
    actions, hidden = values.shape
    wide = -(-actions // WIDTH) * WIDTH
    turned, longer = np.zeros((hidden, wide), np.float32), np.zeros(wide, np.float32)
    turned[:, :actions], longer[:actions] = values.T, bias
    return turned, longer
