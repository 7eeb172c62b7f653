"""The agents' half: weights by name, and room for what the kernels need on the way back."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from lockstep.algorithms.fast import feed_forward_kernel, recurrent_kernel
from lockstep.arrays import Floats
from lockstep.config.schema import NetworkConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.sharing import Groups
from lockstep.spec import EnvSpec


class Agents(Protocol):
    """The utility network and its target copy, for batches of one shape. Parameters come in the network's order."""

    def values(self, batch: EpisodeBatch, online: list[Floats], target: list[Floats]) -> tuple[Floats, Floats]:
        """Both networks' utilities, (B * U * N, A)."""

    def gradient(self, batch: EpisodeBatch, d_taken: Floats, online: list[Floats], gradient: list[Floats]) -> None:
        """Write the gradient of the batch that `values` saw last. d_taken: (B, T, N), by the chosen values."""


class FeedForward:
    """`lockstep.networks.agents.FeedForwardAgent`, for a group of agents that share it."""

    def __init__(self, spec: EnvSpec, network: NetworkConfig, group: Sequence[int], pieces: int, steps: int) -> None:
        self.steps, self.input = steps, _Input(spec, network, group)
        rows, hidden = pieces * (steps + 1) * len(group), network.hidden_dim
        self.q, self.target_q = _buffers(rows, spec.num_actions), _buffers(rows, spec.num_actions)
        self.layers, self.d_layers = (
            feed_forward_kernel.FeedForwardLayers(_buffers(rows, hidden), _buffers(rows, hidden)) for _ in range(2)
        )

    def values(self, batch: EpisodeBatch, online: list[Floats], target: list[Floats]) -> tuple[Floats, Floats]:
        """See `Agents`."""
        x = batch.obs.reshape(-1, self.input.obs_dim).numpy()
        for parameters, q in ((target, self.target_q), (online, self.q)):  # the way back needs the latter's layers
            self.weights = self._weights(parameters)
            feed_forward_kernel.forward(x, self.weights, self.layers, q)
        return self.q, self.target_q

    def gradient(self, batch: EpisodeBatch, d_taken: Floats, online: list[Floats], gradient: list[Floats]) -> None:
        """See `Agents`."""
        x, actions = batch.obs.reshape(-1, self.input.obs_dim).numpy(), batch.actions.contiguous().numpy()
        d_encode, d_b1, d_w2, d_b2, d_w3, d_b3 = gradient
        gradients = feed_forward_kernel.FeedForwardGradients(
            self.input.d_weights, self.input.d_id, d_w2, d_b2, d_w3, d_b3
        )
        feed_forward_kernel.backward(
            x, actions, d_taken, self.steps + 1, self.weights, self.layers, self.d_layers, gradients
        )
        self.input.join(d_encode, d_b1)

    def _weights(self, parameters: list[Floats]) -> feed_forward_kernel.FeedForwardWeights:
        encode, b1, *rest = parameters
        w1, ids = self.input.split(encode)
        return feed_forward_kernel.FeedForwardWeights(w1, b1, ids, *rest)


class Recurrent:
    """`lockstep.networks.agents.RecurrentAgent`, for a group of agents that share it."""

    def __init__(self, spec: EnvSpec, network: NetworkConfig, group: Sequence[int], pieces: int, steps: int) -> None:
        self.input = _Input(spec, network, group)
        rows, hidden, actions = pieces * len(group), network.hidden_dim, spec.num_actions
        self.q, self.target_q = (_buffers(rows * (steps + 1), actions) for _ in range(2))
        widths = (spec.obs_dim, 3 * hidden, 3 * hidden, actions, hidden, hidden, hidden)
        self.scratch = recurrent_kernel.StepScratch(*(_buffers(rows, width) for width in widths))
        # Of the target network nothing is kept.
        self.kept, self.passing = (
            recurrent_kernel.KeptSteps(
                _buffers(count, rows, hidden), _buffers(count, rows, 4 * hidden), _buffers(count + 1, rows, hidden)
            )
            for count in (steps + 1, 1)
        )

    def values(self, batch: EpisodeBatch, online: list[Floats], target: list[Floats]) -> tuple[Floats, Floats]:
        """See `Agents`."""
        obs = batch.obs.flatten(2).contiguous().numpy()
        for parameters, left, q in ((target, self.passing, self.target_q), (online, self.kept, self.q)):
            self.weights = self._weights(parameters)  # those of the latter for the way back
            recurrent_kernel.forward(obs, self.weights, self.scratch, left, q)
        return self.q, self.target_q

    def gradient(self, batch: EpisodeBatch, d_taken: Floats, online: list[Floats], gradient: list[Floats]) -> None:
        """See `Agents`."""
        obs, actions = batch.obs.flatten(2).contiguous().numpy(), batch.actions.contiguous().numpy()
        d_encode, d_b1, d_wx, d_wh, d_bx, d_bh, d_w3, d_b3 = gradient
        gradients = recurrent_kernel.RecurrentGradients(
            self.input.d_weights, self.input.d_id, d_wx, d_bx, d_wh, d_bh, d_w3, d_b3
        )
        recurrent_kernel.backward(obs, actions, d_taken, self.weights, self.scratch, self.kept, gradients)
        self.input.join(d_encode, d_b1)

    def _weights(self, parameters: list[Floats]) -> recurrent_kernel.RecurrentWeights:
        encode, b1, wx, wh, bx, bh, w3, b3 = parameters
        w1, ids = self.input.split(encode)
        return recurrent_kernel.RecurrentWeights(w1, b1, ids, wx, bx, wh, bh, w3, b3)


class Grouped:
    """`lockstep.networks.agents.GroupedAgents`: each group's kernels see their own agents alone."""

    def __init__(self, spec: EnvSpec, network: NetworkConfig, members: Groups, pieces: int, steps: int) -> None:
        kind = Recurrent if network.recurrent else FeedForward
        self.parts = [(list(group), kind(spec, network, group, pieces, steps)) for group in members]
        self.shape = (pieces, steps + 1, spec.num_agents, spec.num_actions)
        self.q, self.target_q = _buffers(*self.shape), _buffers(*self.shape)

    def values(self, batch: EpisodeBatch, online: list[Floats], target: list[Floats]) -> tuple[Floats, Floats]:
        """See `Agents`."""
        for number, (group, agents) in enumerate(self.parts):
            found = agents.values(_seen_by(group, batch), self._of(number, online), self._of(number, target))
            for values, own in zip((self.q, self.target_q), found, strict=True):
                values[:, :, group] = own.reshape(*self.shape[:2], len(group), -1)
        return self.q.reshape(-1, self.shape[-1]), self.target_q.reshape(-1, self.shape[-1])

    def gradient(self, batch: EpisodeBatch, d_taken: Floats, online: list[Floats], gradient: list[Floats]) -> None:
        """See `Agents`."""
        for number, (group, agents) in enumerate(self.parts):
            own = np.ascontiguousarray(d_taken[:, :, group])
            agents.gradient(_seen_by(group, batch), own, self._of(number, online), self._of(number, gradient))

    def _of(self, number: int, parameters: list[Floats]) -> list[Floats]:
        """A group's part of the parameters."""
        count = len(parameters) // len(self.parts)
        return parameters[number * count : (number + 1) * count]


def _seen_by(group: list[int], batch: EpisodeBatch) -> EpisodeBatch:
    """What some of the agents saw and did."""
    return replace(batch, obs=batch.obs[:, :, group], actions=batch.actions[:, :, group])


class _Input:
    """The first layer in two parts: what observations are multiplied with, and what an agent's number adds."""

    def __init__(self, spec: EnvSpec, network: NetworkConfig, group: Sequence[int]) -> None:
        self.obs_dim, self.agent_id = spec.obs_dim, network.agent_id
        self.ids = spec.obs_dim + np.asarray(group)
        self.d_weights = _buffers(network.hidden_dim, spec.obs_dim)
        self.d_id = np.zeros((len(group), network.hidden_dim), np.float32)
        self.no_id = np.zeros_like(self.d_id)

    def split(self, encode: Floats) -> tuple[Floats, Floats]:
        """(H, O + N) -> (H, O), and (agents of the group, H)"""
        own = np.ascontiguousarray(encode[:, : self.obs_dim])
        return own, np.ascontiguousarray(encode[:, self.ids].T) if self.agent_id else self.no_id

    def join(self, d_encode: Floats, d_bias: Floats) -> None:
        """Write the gradient of the layer from d_weights (H, O) and d_id (agents of the group, H)."""
        d_encode[:, : self.obs_dim] = self.d_weights
        if self.agent_id:
            d_encode[:, self.obs_dim :] = 0.0  # the numbers of agents in other groups
            d_encode[:, self.ids] = self.d_id.T
        d_bias[:] = self.d_id.sum(0)


def _buffers(*shape: int) -> Any:
    return np.empty(shape, np.float32)
