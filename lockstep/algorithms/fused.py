"""QMIX with feed-forward agents on a CPU, several times faster than the page, to the same numbers.

`FusedQLearner` is the page (`q_learning.py`) but for how a gradient is worked out: by the compiled
`_fused_kernel` instead of autograd. `tests/algorithms/test_fused.py` holds the two together.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lockstep.algorithms import _fused_kernel as kernel
from lockstep.algorithms.q_learning import QLearner
from lockstep.algorithms.shares import Metrics
from lockstep.batch import EpisodeBatch
from lockstep.config.schema import RunConfig

Floats = NDArray[np.float32]


def supports(config: RunConfig) -> bool:
    """Whether the kernel knows this configuration."""
    return (
        config.algorithm.name == "qmix"
        and config.algorithm.n_step == 1
        and not config.network.recurrent
        and not config.network.last_action
        and config.network.hypernet_layers == 2
        and config.training.device == "cpu"
    )


class FusedQLearner(QLearner):
    """See `QLearner`; for configurations that `supports` accepts."""

    memory: "_Memory | None" = None

    def gradient(self, batch: EpisodeBatch) -> tuple[Tensor, Metrics, Tensor]:
        """See `QLearner.gradient`. What the kernel does not know (unavailable actions, doubles) the page does."""
        if batch.available is not None or self.weights.dtype != torch.float32:
            return super().gradient(batch)
        pieces, steps, _ = batch.actions.shape
        if self.memory is None or self.memory.pieces != pieces or self.memory.steps != steps:
            self.memory = _Memory(self, pieces, steps)
        loss, metrics = self.memory.run(batch)
        return loss, metrics, self.memory.vector


class _Memory:
    """Weights and gradients as arrays, and room for everything in between, for batches of one shape."""

    def __init__(self, learner: QLearner, pieces: int, steps: int) -> None:
        spec, network, algorithm = learner.spec, learner.network, learner.algorithm
        self.pieces, self.steps, self.agents, self.obs_dim = pieces, steps, spec.num_agents, spec.obs_dim
        self.agent_id = network.agent_id
        self.sizes = (network.hypernet_embed_dim, network.mixing_embed_dim)
        self.algorithm = (
            np.float32(algorithm.gamma),
            np.float32(algorithm.td_lambda),
            algorithm.double_q,
            algorithm.bootstrap_time_limit,
        )
        self.online, self.target = _Weights(learner.online), _Weights(learner.target)
        self.vector = torch.zeros_like(learner.weights)
        self.gradient = self.online.gradients(self.vector)
        hidden, actions = network.hidden_dim, spec.num_actions
        hyper, embed = self.sizes
        made = 2 * hyper + 2 * embed
        rows, states = pieces * (steps + 1) * spec.num_agents, pieces * (steps + 1)

        def room(*shape: int) -> Floats:
            return np.empty(shape, np.float32)

        self.h1, self.h2, self.q = room(rows, hidden), room(rows, hidden), room(rows, actions)
        self.target_q, self.d_h1, self.d_h2 = room(rows, actions), room(rows, hidden), room(rows, hidden)
        self.mixing = self._mixing(room, states, made)
        self.target_mixing = self._mixing(room, states, made)
        self.d_raw1, self.d_raw2 = room(states, spec.num_agents * embed), room(states, embed)
        self.d_made, self.d_hyper = room(states, made), room(states, hyper)
        self.d_first, self.d_first_bias, self.d_v = room(made, spec.state_dim), room(made), room(embed)
        self.d_taken = room(pieces, steps, spec.num_agents)
        self.next_value = room(pieces, steps)
        self.d_encode, self.d_id = room(hidden, spec.obs_dim), room(spec.num_agents, hidden)

    def _mixing(self, room: Any, states: int, made: int) -> tuple[Floats, ...]:
        """made, h1, h2, raw1, raw2 of `weights_forward`."""
        hyper, embed = self.sizes
        return (
            room(states, made),
            room(states, hyper),
            room(states, hyper),
            room(states, self.agents * embed),
            room(states, embed),
        )

    def run(self, batch: EpisodeBatch) -> tuple[Tensor, Metrics]:
        """Loss and metrics of `batch`; the gradient is in `vector`."""
        x = batch.obs.reshape(-1, self.obs_dim).numpy()
        state = batch.state.reshape(self.pieces * (self.steps + 1), -1).numpy()
        actions = batch.actions.contiguous().numpy()
        reward, terminated = batch.reward.contiguous().numpy(), batch.terminated.contiguous().numpy()
        truncated, filled = batch.truncated.contiguous().numpy(), batch.filled.contiguous().numpy()
        w, g = self.online, self.gradient

        self._agents(self.target, x, self.target_q)
        self._agents(self.online, x, self.q)  # last: the way back needs its hidden layers
        target, online = self._weights(self.target, state, self.target_mixing), self._weights(w, state, self.mixing)
        squared, absolute, q_sum, target_sum, count, v_slope = kernel.loss_and_slopes(
            actions, reward, terminated, truncated, filled, self.q, self.target_q, online, target, self.algorithm,
            self.sizes, self.d_v, self.d_raw1, self.d_raw2, self.d_made, self.d_taken, self.next_value,
        )  # fmt: skip

        _, h1, h2, _, _ = self.mixing
        kernel.weights_backward(
            state, h1, h2, w.w1, w.w2, self.sizes, self.d_raw1, self.d_raw2, self.d_made, self.d_hyper, self.d_first,
            g.w1, g.w2,
        )  # fmt: skip
        kernel.column_sums(self.d_raw1, g.w1_bias)
        kernel.column_sums(self.d_raw2, g.w2_bias)
        kernel.column_sums(self.d_made, self.d_first_bias)
        start = 0
        for weight, bias in g.first:
            stop = start + len(bias)
            weight[:], bias[:] = self.d_first[start:stop], self.d_first_bias[start:stop]
            start = stop
        g.v[0, :], g.v_bias[0] = self.d_v, v_slope

        kernel.agents_backward(
            x, actions, self.d_taken, self.h1, self.h2, w.hidden, w.values, self.steps + 1, self.d_h2, self.d_h1,
            self.d_encode, self.d_id, g.hidden, g.values, g.values_bias,
        )  # fmt: skip
        kernel.column_sums(self.d_h2, g.hidden_bias)
        kernel.column_sums(self.d_id, g.encode_bias)
        g.encode[:, : self.obs_dim] = self.d_encode
        if self.agent_id:
            g.encode[:, self.obs_dim :] = self.d_id.T
        means = {
            "td_error_abs": absolute / count,
            "q_taken_mean": q_sum / (count * self.agents),
            "target_mean": target_sum / (count * self.agents),
        }
        return torch.tensor(squared / count), {name: torch.tensor(value) for name, value in means.items()}

    def _agents(self, w: "_Weights", x: Floats, q: Floats) -> None:
        own = np.ascontiguousarray(w.encode[:, : self.obs_dim])
        if self.agent_id:
            numbers = np.ascontiguousarray(w.encode[:, self.obs_dim :].T)
        else:
            numbers = np.zeros((self.agents, len(own)), np.float32)
        kernel.agents_forward(
            x, own, w.encode_bias, numbers, w.hidden, w.hidden_bias, w.values, w.values_bias, self.h1, self.h2, q
        )

    def _weights(self, w: "_Weights", state: Floats, mixing: tuple[Floats, ...]) -> tuple[Any, ...]:
        first = np.concatenate([weight for weight, _ in w.first])
        first_bias = np.concatenate([bias for _, bias in w.first])
        made, h1, h2, raw1, raw2 = mixing
        kernel.weights_forward(
            state, first, first_bias, w.w1, w.w1_bias, w.w2, w.w2_bias, self.sizes, made, h1, h2, raw1, raw2
        )
        return raw1, raw2, made, w.v[0], w.v_bias[0]


class _Weights:
    """The parameters of agent and QMIX mixer as arrays that share their memory, or their gradients likewise."""

    def __init__(self, networks: nn.Module) -> None:
        self._name([parameter.detach() for parameter in networks.parameters()])

    def _name(self, parameters: list[Tensor]) -> None:
        self.shapes = [parameter.shape for parameter in parameters]
        (
            self.encode, self.encode_bias, self.hidden, self.hidden_bias, self.values, self.values_bias,
            w1_first, w1_first_bias, self.w1, self.w1_bias, b1, b1_bias,
            w2_first, w2_first_bias, self.w2, self.w2_bias, v_first, v_first_bias, self.v, self.v_bias,
        ) = (parameter.numpy() for parameter in parameters)  # fmt: skip
        self.first = [(w1_first, w1_first_bias), (b1, b1_bias), (w2_first, w2_first_bias), (v_first, v_first_bias)]

    def gradients(self, vector: Tensor) -> "_Weights":
        """The same names for the parts of a gradient vector."""
        parts = torch.split(vector, [shape.numel() for shape in self.shapes])
        named = object.__new__(_Weights)
        named._name([part.view(shape) for part, shape in zip(parts, self.shapes, strict=True)])
        return named
