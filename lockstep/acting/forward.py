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
from lockstep.formats import counted

zero, one = np.float32(0.0), np.float32(1.0)
EPSILON = np.float32(1e-5)
"""What `torch.nn.LayerNorm` adds to a variance."""
WIDTH = 8
"""Values are kept in rows of a multiple of this: one vector instruction."""


class TeamWeights(NamedTuple):
    """The parameters of `lockstep.networks.agents`, H hidden units, as they are read here.

    G groups of agents have parameters of their own; G is 1 where all agents share theirs. The groups' matrices stand
    below each other: to read a group's is to begin at another row.
    """

    recurrent: bool
    last_action: bool
    """The previous action's one-hot follows the observation."""
    agent_id: bool
    """The agent's one-hot number comes last."""
    layer_norm: bool
    """What a linear layer makes is normalized before its ReLU."""
    num_agents: int
    num_actions: int
    group: Ints
    """(agents,): the group of each"""
    encode: Floats
    """(G * inputs, H)"""
    encode_bias: Floats
    """(G, H)"""
    encoded_to_hidden: Floats
    """(G * H, H), or recurrent (G * H, 3H): to new, reset, update"""
    encoded_to_hidden_bias: Floats
    """(G, H), or recurrent (G, 4H): of what comes to new from the input, reset, update, and to new from the memory"""
    hidden_to_gates: Floats
    """Recurrent (G * H, 3H): from the memory to reset, update, new; else (0, 0)"""
    values: Floats
    """(G * H, at least actions)"""
    values_bias: Floats
    """(G, at least actions)"""


class Shape(NamedTuple):
    """What the parameters themselves do not tell."""

    recurrent: bool
    last_action: bool
    agent_id: bool
    layer_norm: bool
    dueling: bool
    groups: tuple[tuple[int, ...], ...]
    """The agents that share the parameters of a network."""


def team_weights(parameters: list[Floats], shape: Shape) -> TeamWeights:
    """Return the weights from the parameters of every group's network, one after the other, each in its own order."""
    count = len(parameters) // len(shape.groups)
    read = _recurrent if shape.recurrent else _feed_forward
    networks = [parameters[start : start + count] for start in range(0, len(parameters), count)]
    parts = [read(_without_duel(network) if shape.dueling else network) for network in networks]
    group = np.empty(sum(map(len, shape.groups)), np.int64)
    for number, agents in enumerate(shape.groups):
        group[list(agents)] = number
    return TeamWeights(
        shape.recurrent, shape.last_action, shape.agent_id, shape.layer_norm,
        len(group), len(parameters[-3 if shape.dueling else -1]), group,
        *(np.ascontiguousarray(np.concatenate(arrays)) for arrays in zip(*parts, strict=True)),
    )  # fmt: skip


def _without_duel(parameters: list[Floats]) -> list[Floats]:
    """One last layer in place of the two of `DuelingValues`: what it makes is linear in what it sees."""
    *before, weights, biases, of_situation, bias = parameters
    return [*before, of_situation + weights - weights.mean(0, keepdims=True), bias + biases - biases.mean()]


def _feed_forward(parameters: list[Floats]) -> tuple[Floats, ...]:
    """What `TeamWeights` holds of a `FeedForwardAgent`."""
    encode, encode_bias, hidden, hidden_bias, values, values_bias = parameters
    nothing = np.empty((0, 0), np.float32)
    return encode.T, encode_bias[None], hidden.T, hidden_bias[None], nothing, *_wide(values, values_bias)


def _recurrent(parameters: list[Floats]) -> tuple[Floats, ...]:
    """What `TeamWeights` holds of a `RecurrentAgent`; torch's order of the gates is reset, update, new."""
    encode, encode_bias, from_x, from_h, bias_x, bias_h, values, values_bias = parameters
    h = len(encode)
    inner = np.concatenate([from_x[2 * h :].T, from_x[: 2 * h].T], axis=1)
    bias = np.concatenate([bias_x[2 * h :], bias_x[: 2 * h] + bias_h[: 2 * h], bias_h[2 * h :]])
    return encode.T, encode_bias[None], inner, bias[None], from_h.T, *_wide(values, values_bias)


def no_weights(obs_dim: int, agents: int) -> TeamWeights:
    """A network without a thought, for robots that are told at every step what to do; by itself it does action 0."""
    nothing, none = np.empty((0, 0), np.float32), np.empty((1, 0), np.float32)
    encode, values = np.empty((obs_dim, 0), np.float32), np.empty((0, WIDTH), np.float32)
    return TeamWeights(
        False, False, False, False, 0, 1, np.zeros(agents, np.int64),
        encode, none, nothing, none, nothing, values, np.zeros((1, WIDTH), np.float32),
    )  # fmt: skip


def check_fits(network: TeamWeights, agents: int, obs_dim: int, num_actions: int) -> None:
    """Raise UserError where a network was made for another task: it would read and write beside its arrays."""
    inputs = obs_dim + network.last_action * num_actions + network.agent_id * agents
    fits = len(network.encode) == inputs * len(network.encode_bias) and len(network.group) == agents
    if not fits or network.num_actions > num_actions:
        raise UserError(
            f"This team was trained for another task: {counted(agents, 'agent')} with "
            f"{counted(obs_dim, 'feature')} and {counted(num_actions, 'action')} are not what its network takes. Let "
            "it play where it was trained."
        )


def fresh_memory(network: TeamWeights, num_envs: int, agents: int) -> Floats:
    """(num_envs, agents, H) zeros; without a width where there is nothing to remember."""
    return np.zeros((num_envs, agents, network.encode.shape[1] if network.recurrent else 0), np.float32)


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
    groups = network.group
    everything = np.ones(network.num_actions, np.bool_)
    for lane in range(obs.shape[0]):
        for i in range(agents):
            encode_step(network, groups[i], obs[lane, i], i, last_actions[lane, i], room[i], order)
        if network.recurrent:
            step_memory(network, groups, memory[lane], room, order)
        for i in range(agents):
            allowed = available[lane, i] if available.size > 0 else everything
            value_actions(network, groups[i], memory[lane, i], room[i], order)
            if noise.size > 0:
                disturb_values(network, noise[lane, i], room[i])
            actions[lane, i] = best_action(network, allowed, room[i])


@in_order
def working_memory(network: TeamWeights, agents: int, obs_dim: int) -> tuple[Floats, Ints]:
    """What the agents of one lane write on while they notice, remember and prefer; a row for each of them."""
    hidden = network.encode.shape[1]
    return np.empty((agents, 5 * hidden + network.values_bias.shape[1]), np.float32), np.empty(
        max(obs_dim, hidden), np.int64
    )


@in_order
def encode_step(
    network: TeamWeights, group: int, obs: Floats, agent: int, last_action: int, room: Floats, order: Ints
) -> None:
    """One agent of a group takes its observation (O,) in, as far as that needs no memory."""
    h = network.encode.shape[1]
    first = group * (len(obs) + network.last_action * network.num_actions + network.agent_id * network.num_agents)
    x, inner = room[:h], room[h : h + network.encoded_to_hidden_bias.shape[1]]
    _copy_row(network.encode_bias, group, x)
    _add_rows(obs, network.encode, first, x, order)
    first += len(obs)
    if network.last_action:
        if last_action >= 0:
            _add_row(network.encode[first + last_action], x)
        first += network.num_actions
    if network.agent_id:
        _add_row(network.encode[first + agent], x)
    if network.layer_norm:
        _normalize(x)
    for c in range(h):
        x[c] = relu(x[c])
    _copy_row(network.encoded_to_hidden_bias, group, inner)
    _add_rows(x, network.encoded_to_hidden, group * h, inner[: network.encoded_to_hidden.shape[1]], order)
    if not network.recurrent:
        if network.layer_norm:
            _normalize(inner)
        for c in range(h):
            inner[c] = relu(inner[c])


@in_order
def step_memory(network: TeamWeights, groups: Ints, memory: Floats, room: Floats, order: Ints) -> None:
    """Recurrent agents of one lane that have noticed bring their memory (agents, H) forward.

    Two at a time where they share the weights: reading these takes as long as multiplying them.
    """
    h, agents = memory.shape[1], memory.shape[0]
    weights = network.hidden_to_gates
    for i in range(0, agents - 1, 2):
        gates, following = room[i, 2 * h : 5 * h], room[i + 1, 2 * h : 5 * h]
        if groups[i] == groups[i + 1]:
            _add_rows_twice(memory[i], memory[i + 1], weights, groups[i] * h, gates, following, order)
        else:
            _add_rows(memory[i], weights, groups[i] * h, gates, order)
            _add_rows(memory[i + 1], weights, groups[i + 1] * h, following, order)
    if agents % 2:
        _add_rows(memory[agents - 1], weights, groups[agents - 1] * h, room[agents - 1, 2 * h : 5 * h], order)
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
def value_actions(network: TeamWeights, group: int, memory: Floats, room: Floats, order: Ints) -> None:
    """Write down what every action is worth to an agent of a group that has noticed and remembered."""
    h = network.encode.shape[1]
    values = room[5 * h :]
    _copy_row(network.values_bias, group, values)
    _add_rows(memory if network.recurrent else room[h : 2 * h], network.values, group * h, values, order)


@in_order
def disturb_values(network: TeamWeights, noise: Floats, room: Floats) -> None:
    """Add noise (A,) to what the actions are worth."""
    first = 5 * network.encode.shape[1]
    for action in range(network.num_actions):
        room[first + action] += noise[action]


@in_order
def best_action(network: TeamWeights, available: Bools, room: Floats) -> int:
    """Return the first of the available actions (A,) that are worth most."""
    values = room[5 * network.encode.shape[1] :]
    best, highest = 0, -np.float32(np.inf)
    for action in range(network.num_actions):
        if available[action] and values[action] > highest:
            best, highest = action, values[action]
    return best


@in_order
def _add_rows(x: Floats, weights: Floats, start: int, total: Floats, order: Ints) -> None:
    """total (C,) += x (K,) @ K rows of weights from `start` on, one input after the other, four in one pass."""
    count = 0
    for k in range(len(x)):
        order[count] = k
        count += x[k] != zero
    width = len(total)
    fours = count - count % 4
    for j in range(0, fours, 4):
        k0, k1, k2, k3 = order[j], order[j + 1], order[j + 2], order[j + 3]
        x0, x1, x2, x3 = x[k0], x[k1], x[k2], x[k3]
        w0, w1, w2, w3 = weights[start + k0], weights[start + k1], weights[start + k2], weights[start + k3]
        for c in range(width):
            total[c] = total[c] + x0 * w0[c] + x1 * w1[c] + x2 * w2[c] + x3 * w3[c]
    for j in range(fours, count):
        xk, row = x[order[j]], weights[start + order[j]]
        for c in range(width):
            total[c] += xk * row[c]


@in_order
def _add_rows_twice(
    x: Floats, y: Floats, weights: Floats, start: int, first: Floats, second: Floats, order: Ints
) -> None:
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
        w0, w1, w2, w3 = weights[start + k0], weights[start + k1], weights[start + k2], weights[start + k3]
        for c in range(width):
            first[c] = first[c] + x0 * w0[c] + x1 * w1[c] + x2 * w2[c] + x3 * w3[c]
            second[c] = second[c] + y0 * w0[c] + y1 * w1[c] + y2 * w2[c] + y3 * w3[c]
    for j in range(fours, count):
        xk, yk, row = x[order[j]], y[order[j]], weights[start + order[j]]
        for c in range(width):
            first[c] += xk * row[c]
            second[c] += yk * row[c]


@in_order
def _normalize(x: Floats) -> None:
    """Give x (H,) a mean of 0 and a variance of 1, as `torch.nn.LayerNorm` does."""
    count, mean, variance = np.float32(len(x)), zero, zero
    for c in range(len(x)):
        mean += x[c]
    mean /= count
    for c in range(len(x)):
        variance += (x[c] - mean) * (x[c] - mean)
    scale = one / np.sqrt(variance / count + EPSILON)
    for c in range(len(x)):
        x[c] = (x[c] - mean) * scale


@in_order
def _copy_row(source: Floats, row: int, target: Floats) -> None:
    for c in range(len(target)):
        target[c] = source[row, c]


@in_order
def _add_row(row: Floats, total: Floats) -> None:
    for c in range(len(total)):
        total[c] += row[c]


def _wide(values: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """(A, H), (A,) -> (H, A) and (1, A), with zeros up to a multiple of WIDTH actions."""
    actions, hidden = values.shape
    wide = -(-actions // WIDTH) * WIDTH
    turned, longer = np.zeros((hidden, wide), np.float32), np.zeros((1, wide), np.float32)
    turned[:, :actions], longer[0, :actions] = values.T, bias
    return turned, longer
