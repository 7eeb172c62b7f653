"""The page's learner with a compiled gradient."""

import numpy as np
import torch
from torch import Tensor

from lockstep.algorithms.fast import mixing_kernel
from lockstep.algorithms.fast.agents import Agents, FeedForward, Recurrent
from lockstep.algorithms.fast.mixing import Mixing
from lockstep.algorithms.fast.shares import Metrics
from lockstep.algorithms.q_learning import QLearner
from lockstep.compute.compiled import announce_compilation
from lockstep.config.schema import RunConfig
from lockstep.experience.episodes import EpisodeBatch


def supports(config: RunConfig) -> bool:
    """Whether the kernels know this configuration."""
    return (
        config.algorithm.name == "qmix"
        and config.algorithm.n_step == 1
        and not config.network.last_action
        and config.network.hypernet_layers == 2
        and config.training.device == "cpu"
    )


class FusedQLearner(QLearner):
    """See `QLearner`; for configurations that `supports` accepts."""

    memory: "Workspace | None" = None

    def gradient(self, batch: EpisodeBatch) -> tuple[Tensor, Metrics, Tensor]:
        """See `QLearner.gradient`. What the kernels do not know (unavailable actions, doubles) the page does."""
        if batch.available is not None or self.weights.dtype != torch.float32:
            return super().gradient(batch)
        shape = batch.actions.shape[:2]
        if self.memory is None or self.memory.shape != shape:
            self.memory = Workspace(self, *shape)
        return self.memory.gradient(batch)


class Workspace:
    """Weights and gradients as arrays, and room for everything in between, for batches of one shape."""

    def __init__(self, learner: QLearner, pieces: int, steps: int) -> None:
        announce_compilation("learner", mixing_kernel.loss_and_gradients)
        self.shape = (pieces, steps)
        spec, network = learner.spec, learner.network
        self.agents: Agents = (Recurrent if network.recurrent else FeedForward)(spec, network, pieces, steps)
        self.mixing = Mixing(spec, network, learner.algorithm, pieces, steps)
        self.num_agents = spec.num_agents
        self.vector = torch.zeros_like(learner.weights)
        online = [parameter.detach() for parameter in learner.online.parameters()]
        target = [parameter.detach() for parameter in learner.target.parameters()]
        parts = torch.split(self.vector, [parameter.numel() for parameter in online])
        gradient = [part.view(parameter.shape) for part, parameter in zip(parts, online, strict=True)]
        # (agents', mixer's), as arrays that share the learner's memory.
        first = len(list(learner.agent.parameters()))
        self.online, self.target, self.found = (
            (arrays[:first], arrays[first:])
            for arrays in ([tensor.numpy() for tensor in tensors] for tensors in (online, target, gradient))
        )

    def gradient(self, batch: EpisodeBatch) -> tuple[Tensor, Metrics, Tensor]:
        """See `QLearner.gradient`; the next call writes over the vector."""
        agent, mixer = self.online
        target_agent, target_mixer = self.target
        d_agent, d_mixer = self.found
        q, target_q = self.agents.values(batch, agent, target_agent)
        sums = self.mixing.run(batch, q, target_q, mixer, target_mixer, d_mixer)
        self.agents.gradient(batch, self.mixing.d_taken, agent, d_agent)
        count = np.float32(batch.filled.sum())
        means = {
            "td_error_abs": sums.absolute / count,
            "q_taken_mean": sums.q_tot / (count * self.num_agents),
            "target_mean": sums.target / (count * self.num_agents),
        }
        metrics = {name: torch.tensor(value) for name, value in means.items()}
        return torch.tensor(sums.squared / count), metrics, self.vector
