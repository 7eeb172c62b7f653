"""The mixer's half: weights by name, and room for what the kernel makes in between."""

from typing import Any, NamedTuple

import numpy as np

from lockstep.algorithms.fast import mixing_kernel as kernel
from lockstep.algorithms.fast.mixing_kernel import Made, Steps, Weights
from lockstep.arrays import Floats
from lockstep.config.schema import QMIXConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.spec import EnvSpec

CHUNK_STATES = 512
"""So many states of a batch at a time: what is made of them (about a kilobyte each) stays in a core's cache."""


class Sums(NamedTuple):
    """Sums over the steps that happened."""

    squared: np.float32
    absolute: np.float32
    q_tot: np.float32
    target: np.float32


class Mixing:
    """QMIX's mixer and its target copy, for batches of `pieces` pieces of `steps` steps."""

    def __init__(
        self,
        spec: EnvSpec,
        algorithm: QMIXConfig,
        pieces: int,
        steps: int,
    ) -> None:
        self.agents, self.steps = spec.num_agents, steps
        self.sizes = hyper, embed = algorithm.hypernet_embed_dim, algorithm.mixing_embed_dim
        self.algorithm = (
            np.float32(algorithm.gamma),
            np.float32(algorithm.td_lambda),
            algorithm.double_q,
            algorithm.bootstrap_time_limit,
        )
        self.chunk = max(1, min(pieces, CHUNK_STATES // (steps + 1)))
        states, first = self.chunk * (steps + 1), 2 * hyper + 2 * embed
        widths = (first, hyper, hyper, self.agents * embed, embed)
        self.made, self.target_made, self.d_made = (
            Made(*(np.empty((states, width), np.float32) for width in widths)) for _ in range(3)
        )
        self.first = [np.empty((first, spec.state_dim), np.float32) for _ in range(3)]
        self.first_bias = [np.empty(first, np.float32) for _ in range(3)]
        self.d_taken = np.empty((pieces, steps, self.agents), np.float32)

    def run(
        self,
        batch: EpisodeBatch,
        q: Floats,
        q_target: Floats,
        online: list[Floats],
        target: list[Floats],
        gradient: list[Floats],
    ) -> Sums:
        """The loss's sums; `gradient` is written (the parameters' order is the mixer's), and `d_taken` (B, T, N).

        q, q_target: (B * U * N, A).
        """
        weights, target_weights = self._weights(online, 0), self._weights(target, 1)
        found = self._weights(gradient, 2)
        for part in found:
            part.fill(0.0)
        count = np.float32(batch.filled.sum())
        sums = np.zeros(4, np.float32)
        for start in range(0, batch.num_episodes, self.chunk):
            pieces = slice(start, min(start + self.chunk, batch.num_episodes))
            sums += self._some(batch, pieces, count, q, q_target, weights, target_weights, found)
        first = 0
        for weight, bias in _first_layers(gradient):
            last = first + len(bias)
            weight[:], bias[:] = found.first[first:last], found.first_bias[first:last]
            first = last
        return Sums(*sums)

    def _some(
        self,
        batch: EpisodeBatch,
        pieces: slice,
        count: np.float32,
        q: Floats,
        q_target: Floats,
        online: Weights,
        target: Weights,
        gradient: Weights,
    ) -> Any:
        """The sums of some pieces."""
        steps = _steps(batch.select(pieces))
        values = slice(*(bound * (self.steps + 1) * self.agents for bound in (pieces.start, pieces.stop)))
        made, target_made, d_made = (
            Made(*(room[: len(steps.state)] for room in rooms)) for rooms in (self.made, self.target_made, self.d_made)
        )
        return kernel.loss_and_gradients(
            steps, count, q[values], q_target[values], online, target, self.algorithm, self.sizes,
            made, target_made, d_made, gradient, self.d_taken[pieces],
        )  # fmt: skip

    def _weights(self, parameters: list[Floats], which: int) -> Weights:
        """The kernel's names for a mixer's parameters; the first layers are copied under each other."""
        layers = _first_layers(parameters)
        first = np.concatenate([weight for weight, _ in layers], out=self.first[which])
        first_bias = np.concatenate([bias for _, bias in layers], out=self.first_bias[which])
        _, _, w1, w1_bias, _, _, _, _, w2, w2_bias, _, _, v, v_bias = parameters
        return Weights(first, first_bias, w1, w1_bias, w2, w2_bias, v[0], v_bias)


def _first_layers(parameters: list[Floats]) -> list[tuple[Floats, Floats]]:
    """(weight, bias) of the first layers of W1, b1, w2 and V."""
    return [(parameters[index], parameters[index + 1]) for index in (0, 4, 6, 10)]


def _steps(batch: EpisodeBatch) -> Steps:
    state = batch.state.reshape(-1, batch.state.shape[-1])
    happened = (batch.actions, batch.team_reward, batch.terminated, batch.truncated, batch.filled)
    return Steps(state.numpy(), *(value.contiguous().numpy() for value in happened))
